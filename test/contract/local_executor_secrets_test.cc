// What the local executor promises of attempts with secrets.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "contract/local_executor_world.h"
#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/log_filter.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr char kSecret[] = "hunter22-of-the-test";

class LocalExecutorSecretsTest : public LocalExecutorTest {
 protected:
  AttemptSpec SecretSpec(int64_t sequence, const std::string& command) const {
    AttemptSpec spec = Spec(sequence, command);
    spec.argv = {"bash", "-c", "trap 'echo $? > \"$AIFLOW_RESULT_FILE\"' EXIT; " + command};
    spec.env["PASSWORD"] = kSecret;
    spec.secrets = {kSecret};
    return spec;
  }
  std::string Dir(const AttemptSpec& spec) const { return executor_->AttemptDir(spec.key); }
  std::string Log(const AttemptSpec& spec) const {
    return FileContents(runner::LogPath(Dir(spec)));
  }
  pid_t FilterOf(const AttemptSpec& spec) const {
    const auto record = runner::ReadFilterRecord(Dir(spec));
    return record ? record->pid : 0;
  }
  void KillFilterOf(const AttemptSpec& spec) const {
    const pid_t pid = FilterOf(spec);
    ASSERT_GT(pid, 1);
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] {
      const auto found = runner::ReadProcessStat(pid);
      return !found || found->state == 'Z';
    }));
  }
  void Go() const { std::ofstream(world_->dir() / "go") << "x"; }

  /// No file of the home, and no directory's name, has the secret in it.
  void ExpectNoSecretInTheHome() const {
    for (const auto& entry : fs::recursive_directory_iterator(world_->dir())) {
      if (!entry.is_regular_file()) continue;
      EXPECT_THAT(FileContents(entry.path()), Not(HasSubstr(kSecret))) << entry.path();
    }
  }
};

TEST_F(LocalExecutorSecretsTest, LogIsMaskedAndCompleteWhenTheEndIsReported) {
  Open();
  for (int64_t i = 1; i <= 20; ++i) {
    executor_->Start(SecretSpec(i,
                                "for i in $(seq 2000); do echo \"$i $PASSWORD\"; done; "
                                "printf 'hunter22-of'; printf -- '-the-test the end' >&2"));
  }
  for (int64_t i = 1; i <= 20; ++i) {
    const AttemptSpec spec = SecretSpec(i, "");
    const AttemptReport end = log_.AwaitEnd(spec.key);
    EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
    EXPECT_THAT(Log(spec), testing::StartsWith("1 ***\n2 ***\n"));
    EXPECT_THAT(Log(spec), testing::EndsWith("\n2000 ***\n*** the end"));
  }
  ExpectNoSecretInTheHome();
}

TEST_F(LocalExecutorSecretsTest, SecretReachesTheProcessButNeitherReasonNorOutput) {
  Open();
  const AttemptSpec good = SecretSpec(1,
                                      "printf '%s' \"$PASSWORD\" | wc -c; "
                                      "printf 'it is %s' \"$PASSWORD\" > $AIFLOW_OUTPUT");
  executor_->Start(good);
  EXPECT_EQ(log_.AwaitEnd(good.key).output, "it is ***");
  EXPECT_THAT(Log(good), testing::StartsWith(std::to_string(sizeof(kSecret) - 1) + "\n"));
  const AttemptSpec bad = SecretSpec(
      2, "trap - EXIT; printf '3\\n%s is wrong\\n' \"$PASSWORD\" > $AIFLOW_RESULT_FILE; exit 3");
  executor_->Start(bad);
  EXPECT_EQ(log_.AwaitEnd(bad.key).reason, "exit code 3: *** is wrong");
  ExpectNoSecretInTheHome();
}

TEST_F(LocalExecutorSecretsTest, AttemptWithoutSecretsHasNoFilter) {
  Open();
  AttemptSpec spec = SecretSpec(1, "readlink /proc/self/fd/1");
  spec.secrets = {"1", "true"};
  executor_->Start(spec);
  EXPECT_EQ(log_.AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(Log(spec), runner::LogPath(Dir(spec)) + "\n");
  EXPECT_EQ(FilterOf(spec), 0);
}

TEST_F(LocalExecutorSecretsTest, FilterOutlivesAKilledRunnerAndServer) {
  Open();
  const AttemptSpec spec = SecretSpec(
      1,
      "echo \"begin $PASSWORD\"; while [ ! -e $DIR/go ]; do sleep 0.01; done; "
      "printf '7\\n%s' \"$PASSWORD\" > $DIR/own; trap - EXIT; "
      "echo \"end $PASSWORD\"; printf '0\\nby %s\\n' \"$PASSWORD\" > $AIFLOW_RESULT_FILE; "
      "printf '%s' \"$PASSWORD\" > $AIFLOW_OUTPUT; rm $DIR/own");
  executor_->Start(spec);
  log_.AwaitRunning(spec.key);
  const pid_t filter = FilterOf(spec);
  executor_->Close();
  world_->KillSupervisor();
  Go();
  ASSERT_TRUE(Eventually([&] { return runner::ReadFilterRecord(Dir(spec))->done; }));
  EXPECT_EQ(FilterOf(spec), filter);
  EXPECT_EQ(Log(spec), "begin ***\nend ***\n[aiflow: a secret was masked in the output]\n");

  auto next = world_->NewLocal();
  ReportLog next_log;
  ASSERT_EQ(next->Open(2, {{.spec = Spec(1, ""), .status = TaskStatus::kRunning}}, next_log.Sink()),
            Status::Ok());
  const AttemptReport end = next_log.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_EQ(end.reason, "by ***");
  EXPECT_EQ(end.output, "***");
  ExpectNoSecretInTheHome();
  next->Close();
}

TEST_F(LocalExecutorSecretsTest, KilledFilterHarmsNoTaskAndIsReplaced) {
  Open();
  const AttemptSpec spec =
      SecretSpec(1,
                 "echo \"begin $PASSWORD\"; while [ ! -e $DIR/go ]; do sleep 0.01; done; "
                 "for i in $(seq 20000); do echo \"$i $PASSWORD\"; done; echo end");
  executor_->Start(spec);
  log_.AwaitRunning(spec.key);
  ASSERT_TRUE(Eventually([&] { return Log(spec) == "begin ***\n"; }));
  const pid_t filter = FilterOf(spec);
  KillFilterOf(spec);
  ASSERT_TRUE(Eventually([&] { return FilterOf(spec) != filter; }));
  Go();
  const AttemptReport end = log_.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_THAT(Log(spec), testing::StartsWith("begin ***\n[aiflow: the filter of this log"));
  EXPECT_THAT(Log(spec), testing::EndsWith("\n20000 ***\nend\n"));
  EXPECT_TRUE(RunnerComplains("its log filter has gone; another one takes its place"));
  ExpectNoSecretInTheHome();
}

TEST_F(LocalExecutorSecretsTest, WithFilterAndRunnerKilledTheTaskRunsOnAndNothingLeaks) {
  Open();
  const AttemptSpec spec =
      SecretSpec(1,
                 "while [ ! -e $DIR/go ]; do sleep 0.01; done; "
                 "for i in $(seq 20000); do echo \"$i $PASSWORD\"; done; "
                 "trap - EXIT; printf '0\\n%s\\n' \"$PASSWORD\" > $AIFLOW_RESULT_FILE; "
                 "printf '%s' \"$PASSWORD\" > $AIFLOW_OUTPUT");
  executor_->Start(spec);
  log_.AwaitRunning(spec.key);
  executor_->Close();
  world_->KillSupervisor();
  KillFilterOf(spec);
  Go();
  auto next = world_->NewLocal();
  ReportLog next_log;
  ASSERT_EQ(next->Open(2, {{.spec = Spec(1, ""), .status = TaskStatus::kRunning}}, next_log.Sink()),
            Status::Ok());
  const AttemptReport end = next_log.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_EQ(end.reason, "");
  EXPECT_EQ(end.output, "");
  EXPECT_THAT(Log(spec), HasSubstr("nobody knows the secrets any more"));
  ExpectNoSecretInTheHome();
  next->Close();
}

// Rule 14: the filter is no process of the attempt, and what one leaves behind does not hold it up.
TEST_F(LocalExecutorSecretsTest, StoppedAttemptEndsWithItsFilter) {
  Open();
  const AttemptSpec spec = SecretSpec(
      1, "setsid sleep 1000 & echo $! > $DIR/child; echo \"$PASSWORD\"; exec sleep 1000");
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return Log(spec) == "***\n"; }));
  const pid_t filter = FilterOf(spec);
  AttemptSpec stop = spec;
  stop.stop_grace = Millis(0);
  executor_->Stop(stop);
  EXPECT_EQ(log_.AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_TRUE(runner::ReadFilterRecord(Dir(spec))->done);
  EXPECT_TRUE(Eventually([&] { return !runner::ReadProcessStat(filter); }));
  EXPECT_FALSE(fs::exists(runner::LogPipePath(Dir(spec))));
}

TEST_F(LocalExecutorSecretsTest, FilterThatHangsDoesNotHoldUpTheEndForLong) {
  Open();
  const AttemptSpec spec =
      SecretSpec(1,
                 "trap - EXIT; printf '3\\n%s\\n' \"$PASSWORD\" > $AIFLOW_RESULT_FILE; "
                 "while [ ! -e $DIR/go ]; do sleep 0.01; done; exit 3");
  executor_->Start(spec);
  log_.AwaitRunning(spec.key);
  const pid_t filter = FilterOf(spec);
  ASSERT_EQ(kill(filter, SIGSTOP), 0);
  Go();
  EXPECT_EQ(log_.AwaitEnd(spec.key).reason, "exit code 3: ***");
  EXPECT_TRUE(RunnerComplains("its log filter does not end"));
  kill(filter, SIGCONT);
  EXPECT_TRUE(Eventually([&] { return !runner::ReadProcessStat(filter); }));
}

/// A runner of the first version of the protocol, as far as a greeting goes.
void ServeAsOldRunner(int listener, std::string* met) {
  const auto receive = [](int fd, runner::MessageReader* in) -> std::optional<runner::Message> {
    while (true) {
      auto next = in->Next();
      if (next && *next) return **next;
      const ssize_t size = recv(fd, in->Reserve(4096), 4096, 0);
      if (size <= 0) return std::nullopt;
      in->Commit(static_cast<size_t>(size));
    }
  };
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) return;
    runner::MessageReader in;
    const auto first = receive(fd, &in);
    const bool quit = first && std::holds_alternative<runner::Quit>(*first);
    *met += quit ? "quit " : "hello ";
    if (!quit) {
      const std::string answer = runner::EncodeMessage(
          runner::Refused{.version = 1, .text = "the runner speaks version 1"});
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    } else {
      shutdown(listener, SHUT_RDWR);
    }
    close(fd);
    if (quit) return;
  }
}

TEST_F(LocalExecutorSecretsTest, RunnerOfAnOlderVersionMakesRoomForOneThatMasks) {
  const LocalWorld world;
  // A short path, as a socket's is.
  const RunnerAddress address = {
      .binary = AIFLOW_RUNNER_BINARY, .dir = (world.dir() / "r").string(), .linger = Millis(2'000)};
  fs::create_directories(address.dir);
  const std::string path = address.dir + "/runner.sock";
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(name.sun_path));
  std::copy(path.begin(), path.end(), name.sun_path);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  ASSERT_EQ(listen(listener, 4), 0);
  std::string met;
  std::thread old_runner([&] { ServeAsOldRunner(listener, &met); });
  auto connection = RunnerConnection::Open(address, 1);
  EXPECT_TRUE(connection.has_value()) << connection.error();
  old_runner.join();
  close(listener);
  EXPECT_EQ(met, "hello quit ");
  connection->Close();
  EXPECT_EQ(RunnerConnection::Quit(address, true), Status::Ok());
}

}  // namespace
}  // namespace aiflow
