#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/ids.h"
#include "runner/messages.h"

namespace aiflow {

/// Where the runner of a home is found, and how it is started when there is none.
struct RunnerAddress {
  std::string binary;     // path of aiflow-runner
  std::string dir;        // the runner's own directory, absolute; made when missing
  Millis linger{10'000};  // a runner without server and attempts ends itself after so long
};

/// A connection to the resident runner. Not thread-safe, but for fd().
class RunnerConnection {
 public:
  /// Connects, starting a runner when there is none, and is greeted. May take some milliseconds.
  /// kAborted when `epoch` is over, kUnavailable when no runner can be reached or started.
  static Result<RunnerConnection> Open(const RunnerAddress& address, Epoch epoch);

  /// Ends the runner, if there is one, and waits for it. Its attempts run on, unless `kill`.
  static Status Quit(const RunnerAddress& address, bool kill);

  RunnerConnection() = default;
  ~RunnerConnection();
  RunnerConnection(RunnerConnection&& other) noexcept;
  RunnerConnection& operator=(RunnerConnection&& other) noexcept;

  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool has_unsent() const { return !out_.empty(); }
  void Close();

  /// Hands over as much as the socket takes now, and keeps the rest for Flush.
  Status Send(const runner::Message& message);
  Status Flush();
  /// What has arrived, without waiting. kUnavailable when the runner has gone.
  Result<std::vector<runner::Message>> Receive();

 private:
  explicit RunnerConnection(int fd) : fd_(fd) {}
  static Result<RunnerConnection> Connect(const RunnerAddress& address);
  Status Greet(Epoch epoch);
  Result<runner::Message> ReceiveOne(Millis patience);

  int fd_ = -1;
  std::string out_;
  runner::MessageReader in_;
};

}  // namespace aiflow
