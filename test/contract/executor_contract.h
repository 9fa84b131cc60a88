#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor/task_executor.h"

namespace aiflow {

/// The world in which an executor is tried: where it runs, and how to look at it and to break it.
class ExecutorWorld {
 public:
  virtual ~ExecutorWorld() = default;
  /// Another server's executor of the same home; several may exist.
  virtual std::unique_ptr<TaskExecutor> NewExecutor() = 0;
  /// Kills what supervises the attempts, as kill -9 does, without the attempts. Another supervisor
  /// comes by itself while an executor is open.
  virtual void KillSupervisor() = 0;
  /// No executor is open: nobody supervises the attempts until there is a new one.
  virtual void KillSupervisorForGood() { KillSupervisor(); }
  /// The server, whose executor is closed by now, has gone.
  virtual void ServerGone() {}
  /// A directory that attempts and tests see.
  virtual std::filesystem::path dir() const = 0;
  /// Attempts are processes of this machine, whose numbers are reported, and the reasons of
  /// failures are the local executor's, word for word.
  virtual bool exact() const { return false; }
};

/// Collects reports. Thread-safe.
class ReportLog {
 public:
  TaskExecutor::ReportSink Sink() {
    return [this](AttemptReport report) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report));
      changed_.notify_all();
    };
  }

  /// The first report of the attempt with one of the statuses; fails the test after a while.
  AttemptReport Await(const AttemptKey& key, std::vector<TaskStatus> statuses) {
    std::unique_lock lock(mutex_);
    AttemptReport found;
    const auto there = [&] {
      for (const AttemptReport& report : reports_) {
        if (report.key != key) continue;
        if (std::find(statuses.begin(), statuses.end(), report.status) == statuses.end()) continue;
        found = report;
        return true;
      }
      return false;
    };
    if (!changed_.wait_for(lock, std::chrono::seconds(30), there)) {
      ADD_FAILURE() << "attempt " << key.ToString() << " was not reported to be"
                    << NamesOf(statuses) << " within 30 s; it was reported to be"
                    << NamesOf(StatusesOf(key));
    }
    return found;
  }
  AttemptReport AwaitRunning(const AttemptKey& key) { return Await(key, {TaskStatus::kRunning}); }
  AttemptReport AwaitEnd(const AttemptKey& key) {
    return Await(key, {TaskStatus::kSuccess, TaskStatus::kFailed, TaskStatus::kStopped});
  }
  size_t Count(const AttemptKey& key, TaskStatus status) {
    const std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::count_if(
        reports_.begin(), reports_.end(),
        [&](const AttemptReport& report) { return report.key == key && report.status == status; }));
  }

 private:
  static std::string NamesOf(const std::vector<TaskStatus>& statuses) {
    std::string names;
    for (const TaskStatus status : statuses) names += " " + std::string(TaskStatusName(status));
    return names.empty() ? " nothing" : names;
  }
  std::vector<TaskStatus> StatusesOf(const AttemptKey& key) const {
    std::vector<TaskStatus> statuses;
    for (const AttemptReport& report : reports_) {
      if (report.key == key) statuses.push_back(report.status);
    }
    return statuses;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<AttemptReport> reports_;
};

/// Waits until `condition` holds, which nobody announces (a file of a task, a process that is
/// gone).
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// What the running test is about, for people who have not read it. Printed by programs that say
/// so.
inline bool g_print_promises = false;
inline void Promise(const std::string& text) {
  testing::Test::RecordProperty("promise", text);
  if (g_print_promises) std::cout << "[ PROMISE  ] " << text << std::endl;
}

inline std::string FileContents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// How a test gets its world.
struct ExecutorWorldFactory {
  std::function<std::unique_ptr<ExecutorWorld>()> make;
};
inline void PrintTo(const ExecutorWorldFactory&, std::ostream* out) { *out << "a new world"; }

/// What every executor promises, tried with real commands of bash.
class ExecutorContract : public testing::TestWithParam<ExecutorWorldFactory> {
 protected:
  void SetUp() override {
    world_ = GetParam().make();
    executor_ = world_->NewExecutor();
  }
  void TearDown() override {
    executor_.reset();
    world_.reset();
  }

  void Open(std::vector<ExpectedAttempt> expected = {}) {
    ASSERT_EQ(executor_->Open(epoch_, std::move(expected), log_->Sink()), Status::Ok());
  }
  /// The server dies and another one comes: nothing of the first says goodbye.
  void NewServer(std::vector<ExpectedAttempt> expected) {
    executor_->Close();
    world_->ServerGone();
    executor_ = world_->NewExecutor();
    log_ = std::make_unique<ReportLog>();
    ++epoch_;
    for (ExpectedAttempt& attempt : expected) attempt.spec.epoch = epoch_;
    Open(std::move(expected));
  }
  /// An attempt of a bash command, with the trap that makes it write its own result.
  AttemptSpec Bash(int64_t sequence, const std::string& command) const {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(17), .task = 2, .sequence = sequence, .try_number = 1};
    spec.token = "token-" + spec.key.ToString();
    spec.epoch = epoch_;
    spec.argv = {"bash", "-c", "trap 'echo $? > \"$AIFLOW_RESULT_FILE\"' EXIT; " + command};
    spec.env = {{"AIFLOW_ATTEMPT_KEY", spec.key.ToString()}, {"DIR", world_->dir().string()}};
    spec.working_dir = (world_->dir() / "work").string();
    return spec;
  }
  /// Where the executor is free in how it says why, it has to say something.
  void ExpectReason(const AttemptReport& report, const std::string& exactly) const {
    if (world_->exact()) {
      EXPECT_EQ(report.reason, exactly);
    } else {
      EXPECT_NE(report.reason, "") << "people are told why it is not a success";
    }
  }
  /// Commands of bash: a process that writes to the file for as long as it lives.
  static std::string BeatTo(const std::string& name) {
    return "while :; do echo x >> $DIR/" + name + "; sleep 0.02; done";
  }
  bool Beats(const std::string& name) const {
    const size_t before = File(name).size();
    return Eventually([&] { return File(name).size() > before; });
  }
  /// Nothing writes to it any more.
  bool IsSilent(const std::string& name) const {
    return Eventually([&] {
      const size_t before = File(name).size();
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      return File(name).size() == before;
    });
  }
  bool HasFile(const std::string& name) const {
    return std::filesystem::exists(world_->dir() / name);
  }
  std::string File(const std::string& name) const { return FileContents(world_->dir() / name); }
  void Touch(const std::string& name) const { std::ofstream(world_->dir() / name) << "x"; }

  std::unique_ptr<ExecutorWorld> world_;
  std::unique_ptr<TaskExecutor> executor_;
  std::unique_ptr<ReportLog> log_ = std::make_unique<ReportLog>();
  Epoch epoch_ = 1;
};

}  // namespace aiflow
