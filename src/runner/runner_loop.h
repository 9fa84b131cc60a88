#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/status.h"
#include "runner/messages.h"
#include "runner/supervisor.h"

namespace aiflow::runner {

/// Names in a runner's directory.
inline constexpr char kSocketFile[] = "runner.sock";
inline constexpr char kLockFile[] = "runner.lock";
inline constexpr char kEpochFile[] = "epoch";

struct RunnerOptions {
  std::string dir;             // the runner's own directory, made when missing
  int64_t linger_ms = 10'000;  // ends itself after so long without server and attempts
};

/// The resident process: one per directory, serves its socket until it is told to quit, or until
/// there is nothing to do and nobody to talk to. Single-threaded.
class RunnerLoop final : public Supervisor::Watcher {
 public:
  explicit RunnerLoop(RunnerOptions options);
  ~RunnerLoop() override;

  /// Takes the lock, opens the socket. kAlreadyExists when another runner has the lock.
  Status Open();
  /// Returns when the runner's work is over.
  Status Run();

  bool Watch(int fd, uint64_t attempt_id, Supervisor::Part part) override;
  void Unwatch(int fd) override;

 private:
  struct Connection {
    uint64_t id = 0;
    int fd = -1;
    bool welcome = false;      // its epoch was accepted
    bool wants_write = false;  // asked to be told when more can be sent
    bool closing = false;      // once everything is sent
    MessageReader in;
    std::string out;
  };

  bool Register(int fd, uint64_t tag, uint32_t events);

  Status TakeLock();
  Status OpenSocket();
  Status OpenSignals();
  Status LoadEpoch();
  Status RaiseEpoch(int64_t epoch);

  void Dispatch(uint64_t tag, uint32_t events);
  void Accept();
  void OnSignals();
  void OnConnection(uint64_t id, uint32_t events);
  void Receive(Connection& connection);
  void Act(Connection& connection, Message message);
  void Greet(Connection& connection, const Hello& hello);
  bool CheckEpoch(Connection& connection, int64_t epoch);
  void Refuse(Connection& connection, const std::string& text);
  void Send(Connection& connection, const Message& message);
  void Flush(Connection& connection);
  void Broadcast(const Report& report);
  void DropClosed();
  [[nodiscard]] int WaitTime(int due);
  [[nodiscard]] bool done() const;

  const RunnerOptions options_;
  int lock_fd_ = -1;
  int epoll_fd_ = -1;
  int listen_fd_ = -1;
  int signal_fd_ = -1;
  int64_t epoch_ = 0;
  uint64_t last_connection_ = 0;
  int64_t idle_since_ = 0;  // monotonic
  bool quitting_ = false;   // as soon as nothing runs
  bool leaving_ = false;    // at once
  std::unordered_map<uint64_t, Connection> connections_;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace aiflow::runner
