#include "runner/supervisor.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runner/claim.h"

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;

class IgnoringWatcher final : public Supervisor::Watcher {
 public:
  bool Watch(int /*fd*/, uint64_t attempt_id, Supervisor::Part /*part*/) override {
    watched = attempt_id;
    return true;
  }
  void Unwatch(int /*fd*/) override {}

  uint64_t watched = 0;
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    std::string pattern = (fs::temp_directory_path() / "supervisor_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~SupervisorTest() override {
    if (task_ > 0) {
      kill(task_, SIGKILL);
      waitpid(task_, nullptr, 0);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    fs::remove_all(root_);
  }

  AttemptCommand Start() const {
    AttemptCommand command;
    command.attempt = "1-0-1-1";
    command.token = "token";
    command.dir = (root_ / "attempt").string();
    command.argv = {"true"};
    return command;
  }
  /// A process that has claimed the attempt, as one that another runner has forked.
  void RunClaimed() {
    task_ = fork();
    ASSERT_GE(task_, 0);
    if (task_ == 0) {
      setsid();
      for (;;) pause();
    }
    const MachineIdentity machine = ReadMachineIdentity();
    const Claim claim{.attempt = "1-0-1-1",
                      .token = "token",
                      .pid = task_,
                      .start_time = ReadProcessStat(task_)->start_time,
                      .boot_id = machine.boot_id,
                      .pid_namespace = machine.pid_namespace};
    ASSERT_TRUE(PublishClaim(Start().dir, EncodeClaim(claim, nullptr), nullptr).ok());
  }
  [[nodiscard]] bool TaskLives() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(task_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }

  fs::path root_;
  pid_t task_ = 0;
  IgnoringWatcher watcher_;
  std::vector<Report> reports_;
  Supervisor supervisor_{watcher_, [this](const Report& report) { reports_.push_back(report); }};
};

// Rule 13: a runner whose child has lost the claim adopts the winner. The end of that child comes
// in the same moment as its note, and must not be taken for the end of the attempt.
TEST_F(SupervisorTest, Rule13TheEndOfAChildThatLostTheClaimIsNotTheEndOfTheAttempt) {
  RunClaimed();
  supervisor_.Handle(Start());
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0].status, static_cast<uint8_t>(Outcome::kRunning));
  EXPECT_EQ(reports_[0].pid, task_);

  supervisor_.OnReady(watcher_.watched, Supervisor::Part::kProcess);
  EXPECT_TRUE(TaskLives());
  EXPECT_EQ(reports_.size(), 1U);
  EXPECT_EQ(supervisor_.alive(), 1U);

  kill(task_, SIGKILL);
  waitpid(std::exchange(task_, 0), nullptr, 0);
  supervisor_.OnReady(watcher_.watched, Supervisor::Part::kProcess);
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_EQ(reports_[1].status, static_cast<uint8_t>(Outcome::kFailed));
  EXPECT_EQ(supervisor_.alive(), 0U);
}

}  // namespace
}  // namespace aiflow::runner
