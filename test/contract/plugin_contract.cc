// What the protocol of executor plug-ins asks for beside what every executor promises: seen by
// calls of the protocol itself.
#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "base/spawn.h"
#include "contract/plugin_world.h"
#include "plugin/plugin_messages.h"

namespace aiflow {
namespace {

namespace pb = plugin_pb;
using std::chrono::system_clock;

bool IsEnd(const pb::Report& report) { return report.status() >= pb::ATTEMPT_STATUS_SUCCESS; }

class PluginContract : public testing::Test {
 protected:
  void SetUp() override { Reconnect(); }

  void Reconnect() { stub_ = world_.Connect(); }
  void KillAndReconnect() {
    stub_.reset();
    world_.KillSupervisorForGood();
    Reconnect();
  }

  static void Limit(grpc::ClientContext& context) {
    context.set_deadline(system_clock::now() + std::chrono::seconds(30));
  }
  grpc::Status Open(int64_t epoch, pb::OpenResponse* answer = nullptr) {
    pb::OpenRequest request;
    request.set_epoch(epoch);
    request.set_protocol_version(plugin::kProtocolVersion);
    request.set_executor("contract");
    request.set_home_id("contract-raw");
    grpc::ClientContext context;
    Limit(context);
    pb::OpenResponse mine;
    return stub_->Open(&context, request, answer == nullptr ? &mine : answer);
  }
  grpc::Status Start(int64_t epoch, const pb::Attempt& attempt) {
    pb::StartRequest request;
    request.set_epoch(epoch);
    *request.mutable_attempt() = attempt;
    grpc::ClientContext context;
    Limit(context);
    pb::StartResponse answer;
    return stub_->Start(&context, request, &answer);
  }
  grpc::Status Stop(int64_t epoch, const pb::Attempt& attempt) {
    pb::StopRequest request;
    request.set_epoch(epoch);
    request.set_key(attempt.key());
    request.set_token(attempt.token());
    request.set_stop_grace_ms(attempt.stop_grace_ms());
    grpc::ClientContext context;
    Limit(context);
    pb::StopResponse answer;
    return stub_->Stop(&context, request, &answer);
  }
  grpc::Status Forget(int64_t epoch, const std::string& key) {
    pb::ForgetRequest request;
    request.set_epoch(epoch);
    request.add_keys(key);
    grpc::ClientContext context;
    Limit(context);
    pb::ForgetResponse answer;
    return stub_->Forget(&context, request, &answer);
  }
  grpc::Status ListPage(int64_t epoch, int size, const std::string& token, pb::ListResponse* page) {
    pb::ListRequest request;
    request.set_epoch(epoch);
    request.set_page_size(size);
    request.set_page_token(token);
    grpc::ClientContext context;
    Limit(context);
    return stub_->List(&context, request, page);
  }
  std::vector<pb::Report> List(int64_t epoch, int size = 100) {
    std::vector<pb::Report> all;
    std::string token;
    do {
      pb::ListResponse page;
      const grpc::Status status = ListPage(epoch, size, token, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return all;
      EXPECT_LE(page.reports_size(), size);
      all.insert(all.end(), page.reports().begin(), page.reports().end());
      token = page.next_page_token();
    } while (!token.empty() && all.size() < 10'000);
    return all;
  }
  std::optional<pb::Report> Find(int64_t epoch, const std::string& key) {
    for (pb::Report& report : List(epoch)) {
      if (report.key() == key) return std::move(report);
    }
    return std::nullopt;
  }
  pb::Report AwaitEnd(int64_t epoch, const std::string& key) {
    pb::Report found;
    EXPECT_TRUE(Eventually([&] {
      const auto report = Find(epoch, key);
      if (report.has_value()) found = *report;
      return report.has_value() && IsEnd(*report);
    })) << "attempt "
        << key << " does not end";
    return found;
  }
  pb::Attempt Bash(int64_t sequence, const std::string& command) const {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(23), .task = 1, .sequence = sequence, .try_number = 1};
    spec.token = "token-" + spec.key.ToString();
    spec.argv = {"bash", "-c", command};
    spec.env = {{"DIR", world_.dir().string()}};
    spec.working_dir = (world_.dir() / "work").string();
    spec.ns = "default";
    spec.workflow = "flow";
    spec.task = "task";
    std::filesystem::create_directories(std::filesystem::path(world_.attempts_dir()) / "23" /
                                        ("1-" + std::to_string(sequence) + "-1"));
    return plugin::WriteAttempt(
        spec,
        {.executor = "contract", .attempts_dir = world_.attempts_dir(), .masks_secrets = true});
  }
  std::string File(const std::string& name) const { return FileContents(world_.dir() / name); }
  bool HasFile(const std::string& name) const {
    return std::filesystem::exists(world_.dir() / name);
  }

  PluginWorld world_;
  std::unique_ptr<pb::ExecutorPlugin::Stub> stub_;
};

TEST_F(PluginContract, OpenSaysVersionAndDescription) {
  Promise("Open answers version 1 of the protocol, and a name and version for people");
  pb::OpenResponse answer;
  const grpc::Status status = Open(1, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.protocol_version(), 1);
  EXPECT_NE(answer.description(), "");
}

TEST_F(PluginContract, EveryCallOfALowerEpochIsAbortedAlsoAfterARestart) {
  Promise(
      "The highest epoch seen is durable: every call with a lower one is ABORTED, after kill -9, "
      "too");
  ASSERT_TRUE(Open(5).ok());
  for (const char* when : {"before the restart", "after it"}) {
    EXPECT_EQ(Open(4).error_code(), grpc::StatusCode::ABORTED) << when;
    const pb::Attempt attempt = Bash(1, "touch $DIR/ran");
    EXPECT_EQ(Start(4, attempt).error_code(), grpc::StatusCode::ABORTED) << when;
    EXPECT_EQ(Stop(4, attempt).error_code(), grpc::StatusCode::ABORTED) << when;
    EXPECT_EQ(Forget(4, attempt.key()).error_code(), grpc::StatusCode::ABORTED) << when;
    pb::ListResponse page;
    EXPECT_EQ(ListPage(4, 10, "", &page).error_code(), grpc::StatusCode::ABORTED) << when;
    grpc::ClientContext context;
    Limit(context);
    pb::WatchRequest request;
    request.set_epoch(4);
    const auto stream = stub_->Watch(&context, request);
    pb::WatchResponse message;
    while (stream->Read(&message)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::ABORTED) << when;
    KillAndReconnect();
  }
  EXPECT_TRUE(Open(5).ok());
  EXPECT_FALSE(Find(5, "23-1-1-1").has_value()) << "an old server's call had an effect";
  EXPECT_FALSE(HasFile("ran"));
}

TEST_F(PluginContract, WatchSaysAtOnceThatItWatches) {
  Promise("The first message of Watch comes at once; from then on every report comes over it");
  ASSERT_TRUE(Open(1).ok());
  grpc::ClientContext context;
  Limit(context);
  pb::WatchRequest request;
  request.set_epoch(1);
  const auto stream = stub_->Watch(&context, request);
  pb::WatchResponse message;
  ASSERT_TRUE(stream->Read(&message)) << stream->Finish().error_message();
  EXPECT_EQ(message.reports_size(), 0);
  const pb::Attempt attempt = Bash(1, "exit 3");
  ASSERT_TRUE(Start(1, attempt).ok());
  bool ended = false;
  while (!ended && stream->Read(&message)) {
    for (const pb::Report& report : message.reports()) {
      EXPECT_EQ(report.key(), attempt.key());
      EXPECT_EQ(report.token(), attempt.token());
      ended |= report.status() == pb::ATTEMPT_STATUS_FAILED && report.exit_code() == 3;
    }
  }
  EXPECT_TRUE(ended) << "the end was not told over the stream";
  context.TryCancel();
  stream->Finish();
}

TEST_F(PluginContract, AnAnsweredStartIsClaimedDurably) {
  Promise(
      "Once Start is answered, kill -9 loses it not: it runs at most once, and its end is told");
  ASSERT_TRUE(Open(1).ok());
  for (int64_t i = 1; i <= 3; ++i) {
    const std::string name = "run" + std::to_string(i);
    const pb::Attempt attempt = Bash(i, "echo x >> $DIR/" + name);
    ASSERT_TRUE(Start(1, attempt).ok());
    KillAndReconnect();
    ASSERT_TRUE(Open(1).ok());
    ASSERT_TRUE(Find(1, attempt.key()).has_value()) << "the claim is lost";
    EXPECT_TRUE(Start(1, attempt).ok()) << "a repeated Start of a claimed key is answered OK";
    const pb::Report end = AwaitEnd(1, attempt.key());
    const std::string runs = File(name);
    EXPECT_TRUE(runs == "x\n" || (runs.empty() && end.status() == pb::ATTEMPT_STATUS_FAILED))
        << "it ran " << runs.size() / 2 << " times and is said to be "
        << pb::AttemptStatus_Name(end.status());
  }
}

TEST_F(PluginContract, AnAnsweredStopOfAnUnknownKeyIsDurable) {
  Promise("Stop of a key that was never started claims it as STOPPED, durably");
  ASSERT_TRUE(Open(1).ok());
  const pb::Attempt attempt = Bash(1, "touch $DIR/ran");
  ASSERT_TRUE(Stop(1, attempt).ok());
  KillAndReconnect();
  ASSERT_TRUE(Open(1).ok());
  const auto report = Find(1, attempt.key());
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->status(), pb::ATTEMPT_STATUS_STOPPED);
  EXPECT_EQ(report->token(), attempt.token());
  EXPECT_TRUE(Start(1, attempt).ok());
  EXPECT_EQ(AwaitEnd(1, attempt.key()).status(), pb::ATTEMPT_STATUS_STOPPED);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_F(PluginContract, StopIsAnsweredBeforeTheAttemptHasEnded) {
  Promise("Stop is answered at once; it does not wait for the end of the attempt");
  ASSERT_TRUE(Open(1).ok());
  pb::Attempt attempt = Bash(1, "trap '' TERM; touch $DIR/ready; while :; do sleep 0.1; done");
  attempt.set_stop_grace_ms(8'000);
  ASSERT_TRUE(Start(1, attempt).ok());
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(Stop(1, attempt).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  // Asked again with no grace, as a server does that is in a hurry.
  attempt.set_stop_grace_ms(0);
  EXPECT_TRUE(Stop(1, attempt).ok());
  EXPECT_EQ(AwaitEnd(1, attempt.key()).status(), pb::ATTEMPT_STATUS_STOPPED);
}

TEST_F(PluginContract, AnEndStaysTheSame) {
  Promise("What was said of the end of an attempt stays the same, also after kill -9");
  ASSERT_TRUE(Open(1).ok());
  const pb::Attempt attempt =
      Bash(1, "printf '3\\nno such table\\n' > $AIFLOW_RESULT_FILE; exit 3");
  ASSERT_TRUE(Start(1, attempt).ok());
  const pb::Report before = AwaitEnd(1, attempt.key());
  KillAndReconnect();
  ASSERT_TRUE(Open(2).ok());
  EXPECT_TRUE(Stop(2, attempt).ok());
  const auto after = Find(2, attempt.key());
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->status(), before.status());
  EXPECT_EQ(after->exit_code(), before.exit_code());
  EXPECT_EQ(after->reason(), before.reason());
}

TEST_F(PluginContract, ListComesInPages) {
  Promise("List gives no more than page_size reports at a time, and each attempt once");
  ASSERT_TRUE(Open(1).ok());
  std::vector<std::string> keys;
  for (int64_t i = 1; i <= 5; ++i) {
    pb::Attempt attempt = Bash(i, "");
    attempt.set_refusal("not to run");
    ASSERT_TRUE(Start(1, attempt).ok());
    keys.push_back(attempt.key());
  }
  std::vector<std::string> listed;
  for (const pb::Report& report : List(1, 2)) listed.push_back(report.key());
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(keys));
}

TEST_F(PluginContract, ForgottenKeysAreNotListed) {
  Promise("A forgotten attempt is not listed; a key that is not known is forgotten with OK");
  ASSERT_TRUE(Open(1).ok());
  const pb::Attempt attempt = Bash(1, "true");
  ASSERT_TRUE(Start(1, attempt).ok());
  AwaitEnd(1, attempt.key());
  EXPECT_TRUE(Forget(1, attempt.key()).ok());
  EXPECT_FALSE(Find(1, attempt.key()).has_value());
  EXPECT_TRUE(Forget(1, attempt.key()).ok());
  EXPECT_TRUE(Forget(1, "23-9-9-9").ok());
  KillAndReconnect();
  ASSERT_TRUE(Open(1).ok());
  EXPECT_FALSE(Find(1, attempt.key()).has_value()) << "a forgotten attempt comes back";
}

/// A plug-in that is started here and not looked after, as by a server that is killed.
class LoosePlugin {
 public:
  explicit LoosePlugin(const PluginCommand& command) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    lifeline_ = ends[1];
    std::map<std::string, std::string> variables = command.environment;
    variables["AIFLOW_EXECUTOR_SOCKET"] = command.socket;
    variables["AIFLOW_EXECUTOR_NAME"] = command.executor;
    variables["AIFLOW_EXECUTOR_STATE_DIR"] = command.state_dir;
    variables["AIFLOW_EXECUTOR_CONFIG"] = command.config;
    std::vector<std::string> environment;
    for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, command.log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    SpawnInSession(actions, command.argv, std::move(environment), &pid_);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
  }
  ~LoosePlugin() {
    CutLifeline();
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    if (!ended_) waitpid(pid_, nullptr, 0);
  }
  void CutLifeline() {
    if (lifeline_ >= 0) close(std::exchange(lifeline_, -1));
  }
  bool HasEnded() {
    ended_ = ended_ || waitpid(pid_, nullptr, WNOHANG) == pid_;
    return ended_;
  }

 private:
  pid_t pid_ = -1;
  int lifeline_ = -1;
  bool ended_ = false;
};

TEST_F(PluginContract, TheEndOfStdinEndsItAndNoAttempt) {
  Promise("When its stdin ends, the server is gone: it exits within 10 s, and its attempts run on");
  stub_.reset();
  world_.ServerGone();
  LoosePlugin plugin(world_.Command());
  const auto channel =
      grpc::CreateChannel("unix:" + world_.Command().socket, grpc::InsecureChannelCredentials());
  ASSERT_TRUE(channel->WaitForConnected(system_clock::now() + std::chrono::seconds(30)));
  stub_ = pb::ExecutorPlugin::NewStub(channel);
  ASSERT_TRUE(Open(1).ok());
  const pb::Attempt attempt =
      Bash(1, "touch $DIR/ready; while [ ! -e $DIR/go ]; do sleep 0.05; done; touch $DIR/done");
  ASSERT_TRUE(Start(1, attempt).ok());
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  plugin.CutLifeline();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return plugin.HasEnded(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  std::ofstream(world_.dir() / "go") << "x";
  EXPECT_TRUE(Eventually([&] { return HasFile("done"); }));
  Reconnect();
  ASSERT_TRUE(Open(1).ok());
  EXPECT_EQ(AwaitEnd(1, attempt.key()).status(), pb::ATTEMPT_STATUS_SUCCESS);
}

TEST_F(PluginContract, ASecondOneDoesNotServeBesideTheFirst) {
  Promise("Two processes with the same AIFLOW_EXECUTOR_STATE_DIR never serve at the same time");
  ASSERT_TRUE(Open(1).ok());
  PluginCommand command = world_.Command();
  command.socket = (world_.home() / "run" / "second.sock").string();
  const LoosePlugin second(command);
  const auto channel =
      grpc::CreateChannel("unix:" + command.socket, grpc::InsecureChannelCredentials());
  const auto first = std::move(stub_);
  stub_ = pb::ExecutorPlugin::NewStub(channel);
  pb::OpenRequest request;
  request.set_epoch(1);
  request.set_protocol_version(1);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(system_clock::now() + std::chrono::seconds(4));
  pb::OpenResponse answer;
  EXPECT_FALSE(stub_->Open(&context, request, &answer).ok())
      << "hold a lock in the directory of the state, for as long as the plug-in lives";
}

}  // namespace
}  // namespace aiflow
