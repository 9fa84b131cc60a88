#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "hosts/host_process.h"

namespace aiflow::hosts {

using TimePoint = std::chrono::steady_clock::time_point;

/// The lines of one host, over its socket that never blocks. Not thread-safe.
class Host {
 public:
  explicit Host(HostProcess process) : process_(std::move(process)) {}

  [[nodiscard]] HostProcess& process() { return process_; }
  [[nodiscard]] const HostProcess& process() const { return process_; }

  /// Sends the line as the socket takes it.
  void Send(std::string line);
  [[nodiscard]] bool wants_to_write() const { return !out_.empty(); }
  void Write();

  /// What the socket has for us.
  enum class Read { kNothing, kLine, kTooLong, kEnd };
  /// Takes the next line, without its end.
  Read ReadLine(std::string* line);

 private:
  HostProcess process_;
  std::string out_;
  size_t written_ = 0;
  std::string in_;
  size_t searched_ = 0;  // of in_, for the end of a line
};

}  // namespace aiflow::hosts
