#pragma once

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "contract/executor_contract.h"
#include "executor/local/local_executor.h"
#include "runner/process.h"

namespace aiflow {

/// One home with its runner, in a temporary directory. The runner is ended, with everything it
/// runs.
class LocalWorld final : public ExecutorWorld {
 public:
  explicit LocalWorld(int64_t parallelism = 300, int64_t log_max_bytes = 0)
      : parallelism_(parallelism), log_max_bytes_(log_max_bytes) {
    std::string name = (std::filesystem::temp_directory_path() / "aiflow-executor-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~LocalWorld() override {
    EXPECT_EQ(RunnerConnection::Quit(Address(), true), Status::Ok());
    // Nobody sees its exit code.
    std::ifstream log(std::filesystem::path(RunnerDir()) / "runner.log");
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(log), {}),
                testing::Not(testing::HasSubstr("Sanitizer")));
    std::filesystem::remove_all(dir_);
  }

  std::unique_ptr<TaskExecutor> NewExecutor() override { return NewLocal(); }
  std::unique_ptr<LocalExecutor> NewLocal() {
    return std::make_unique<LocalExecutor>(
        LocalExecutorOptions{.runner = Address(),
                             .attempts_dir = (dir_ / "attempts").string(),
                             .parallelism = parallelism_,
                             .log_max_bytes = log_max_bytes_,
                             .environment = ProcessEnvironment()});
  }
  void KillSupervisor() override {
    const pid_t pid = RunnerPid();
    ASSERT_GT(pid, 0);
    const int pidfd = runner::OpenPidfd(pid);
    ASSERT_EQ(runner::SendSignal(pidfd, SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] {
      const auto found = runner::ReadProcessStat(pid);
      return !found || found->state == 'Z';
    }));
    close(pidfd);
  }
  std::filesystem::path dir() const override { return dir_; }
  bool exact() const override { return true; }

  RunnerAddress Address() const {
    return {.binary = AIFLOW_RUNNER_BINARY, .dir = RunnerDir(), .linger = Millis(2'000)};
  }
  /// Deeper than a socket's path may be long.
  std::string RunnerDir() const { return (dir_ / std::string(120, 'r')).string(); }
  /// Who holds the runner's lock; 0: nobody.
  pid_t RunnerPid() const {
    const std::string exe = std::filesystem::canonical(AIFLOW_RUNNER_BINARY).string();
    for (const pid_t pid : runner::AllProcesses()) {
      const std::string proc = "/proc/" + std::to_string(pid);
      std::error_code error;
      if (std::filesystem::read_symlink(proc + "/exe", error) == exe &&
          std::filesystem::read_symlink(proc + "/cwd", error) == RunnerDir()) {
        return pid;
      }
    }
    return 0;
  }

 private:
  const int64_t parallelism_;
  const int64_t log_max_bytes_;
  std::filesystem::path dir_;
};

/// What is promised of the local executor alone.
class LocalExecutorTest : public testing::Test {
 protected:
  void Open(int64_t parallelism = 300, int64_t log_max_bytes = 0) {
    world_ = std::make_unique<LocalWorld>(parallelism, log_max_bytes);
    executor_ = world_->NewLocal();
    ASSERT_EQ(executor_->Open(1, {}, log_.Sink()), Status::Ok());
  }
  void TearDown() override { executor_.reset(); }

  AttemptSpec Spec(int64_t sequence, const std::string& command) const {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(5), .task = 0, .sequence = sequence, .try_number = 1};
    spec.token = "t" + std::to_string(sequence);
    spec.epoch = 1;
    spec.argv = {"bash", "-c", command};
    spec.env = {{"DIR", world_->dir().string()}};
    spec.working_dir = world_->dir().string();
    return spec;
  }
  std::string File(const std::string& name) const { return FileContents(world_->dir() / name); }
  bool RunnerSays(const std::string& text) const {
    const std::filesystem::path log = std::filesystem::path(world_->RunnerDir()) / "runner.log";
    return FileContents(log).find(text) != std::string::npos;
  }
  bool RunnerComplains(const std::string& text) const {
    return Eventually([&] { return RunnerSays(text); });
  }

  std::unique_ptr<LocalWorld> world_;
  ReportLog log_;
  std::unique_ptr<LocalExecutor> executor_;
};

}  // namespace aiflow
