#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace aiflow::server {

/// Takes output as it comes; false: it is too much, and the program is cut short.
using TakeOutput = std::function<bool(const char* bytes, size_t size)>;

/// A program that is waited for, and how long.
struct BoundedProcess {
  std::vector<std::string> argv;  // the first is looked for in PATH
  std::map<std::string, std::string> environment;
  std::filesystem::path directory;
  Millis timeout{60'000};
  Millis grace{0};              // between asking it to end and killing it
  bool kill_leftovers = false;  // also when it ends by itself, what it started ends with it
  int64_t memory = 0;           // bytes of data of each of its processes; 0: no limit
  std::vector<int> inherited;   // become its descriptors 3, 4, ...
  TakeOutput out;
  TakeOutput err;  // empty: stderr goes where stdout does
};

enum class ProcessEnd { kExited, kTimeout, kStopped, kTooMuchOutput };

struct BoundedEnd {
  ProcessEnd end = ProcessEnd::kExited;
  int status = 0;  // as waitpid
};

/// Runs it in a session of its own until it ends, its time is over, or `stop_fd` (-1: none) becomes
/// readable; when it is cut short, its process group is killed. kUnavailable: it cannot be started.
/// Blocks; thread-safe.
Result<BoundedEnd> RunBounded(const BoundedProcess& process, int stop_fd);

/// "exit code 3", "it was ended by signal 9".
std::string ExitText(int status);

/// The last line of what it is given.
class LastLine {
 public:
  void Take(const char* bytes, size_t size);
  /// Up to 500 bytes of it.
  [[nodiscard]] std::string Text() const;

 private:
  std::string tail_;
};

/// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  Descriptor out;  // reads, does not block
  Descriptor in;   // writes
};
Result<Pipe> MakePipe();

}  // namespace aiflow::server
