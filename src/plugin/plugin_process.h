#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/ids.h"

namespace aiflow {

/// How the program of a plug-in is run. All paths are absolute.
struct PluginCommand {
  std::string executor;                            // its name in the configuration
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment;  // complete but for AIFLOW_EXECUTOR_...
  std::string config;                              // JSON
  std::string directory;                           // the working directory
  std::string socket;                              // where it is to listen, below `directory`
  std::string state_dir;                           // its own, made when missing
  std::string log;                                 // gets stdout and stderr, at its end
  Millis grace{10'000};                            // between asking it to end and killing it
};

/// A descriptor of this process that is closed when it goes; -1: none.
class PluginFd {
 public:
  explicit PluginFd(int fd = -1) : fd_(fd) {}
  PluginFd(PluginFd&& other) noexcept;
  PluginFd& operator=(PluginFd&& other) noexcept;
  ~PluginFd();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// Keeps the program of a plug-in running, one at a time, in a session of its own: starts it,
/// starts it again when it has ended (after a pause that grows to half a minute), and ends it. What
/// is in its process group ends with it. Its stdin is a pipe whose end tells it that the server has
/// gone. One that an earlier server has left running is ended first. Thread-safe; owns a thread
/// from Start to Stop.
class PluginProcess {
 public:
  using Warn = std::function<void(const std::string& line)>;

  PluginProcess(PluginCommand command, Warn warn);
  ~PluginProcess();
  PluginProcess(const PluginProcess&) = delete;
  PluginProcess& operator=(const PluginProcess&) = delete;

  /// kAborted when a server of a higher epoch has taken the plug-in over; `fenced` is called, from
  /// the thread, when that happens later. kUnavailable: its directories cannot be made. A program
  /// that cannot be started is no error here: see problem().
  Status Start(Epoch epoch, std::function<void()> fenced);
  /// It hangs: kills it, to have it started again. Nothing when it has run for less than
  /// `at_least`.
  void Kill(const std::string& why, Millis at_least);
  /// Asks it to end, waits, kills it. Idempotent; Start may follow.
  void Stop() { StopIn(command_.grace); }
  /// Kills it, as kill -9 does.
  void StopNow() { StopIn(Millis(0)); }

  /// A path of at most 107 bytes that leads to the socket from this process.
  [[nodiscard]] std::string SocketHere() const;
  /// What is wrong with it; empty while it runs.
  [[nodiscard]] std::string problem() const;
  /// 0: it does not run.
  [[nodiscard]] pid_t pid() const { return pid_.load(); }
  /// How often it was started.
  [[nodiscard]] int64_t starts() const { return starts_.load(); }
  [[nodiscard]] const PluginCommand& command() const { return command_; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void StopIn(Millis grace);
  void ThreadMain();
  void EndLeftOver();
  Status Replaced() const;
  Status Spawn();
  void Supervise();
  void End();
  void Reap();
  bool Wait(Millis patience) const;
  void SetProblem(std::string text);
  /// Says it once, and not again for a while.
  void Complain(const std::string& text);
  bool stopping() const;

  const PluginCommand command_;
  const Warn warn_;
  std::function<void()> fenced_;
  Epoch epoch_ = 0;
  std::thread thread_;
  PluginFd wake_;        // readable once it shall stop
  PluginFd socket_dir_;  // for SocketHere
  PluginFd lifeline_;    // the writing end; the thread's
  PluginFd pidfd_;       // the thread's, but for Kill
  std::atomic<pid_t> pid_ = 0;
  std::atomic<int64_t> starts_ = 0;

  mutable std::mutex mutex_;  // guards what follows, and pidfd_
  bool stopping_ = false;
  Millis stop_grace_{0};
  std::string problem_;
  Instant started_{};

  std::string complaint_;  // the last one made; the thread's
  Instant complained_{};
};

}  // namespace aiflow
