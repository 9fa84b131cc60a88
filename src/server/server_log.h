#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace aiflow::server {

/// The log of a server: lines of text, or one JSON object a line, on stderr or in a file of its own
/// that is rotated. A log that cannot be written stops nothing: its lines are dropped and counted.
/// Thread-safe, but for Open*.
class ServerLog {
 public:
  struct Options {
    std::string prefix = "aiflow_server-";  // of the names of its files
    std::string level = "info";
    bool json = false;
    uint64_t max_bytes = 64U << 20;
    int64_t files = 10;
  };
  explicit ServerLog(Options options);
  ~ServerLog();

  /// Logs nowhere until one of the following was called.
  [[nodiscard]] const std::shared_ptr<spdlog::logger>& logger() const;

  /// Begins `directory`/PREFIXYYYYmmdd-HHMMSS.log and removes the oldest files of earlier
  /// servers. Where that cannot be, the log goes to stderr and says why.
  void OpenFile(const std::filesystem::path& directory);
  void OpenStderr();
  /// Opens the file anew, as after somebody has moved it away.
  void Reopen();

  /// Of the file; empty: stderr.
  [[nodiscard]] std::string path() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace aiflow::server
