// The supervision of plug-ins, with programs that are no plug-ins.
#include "plugin/plugin_process.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "plugin/plugin_pid_file.h"
#include "runner/process.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

bool IsGone(pid_t pid) {
  const auto found = runner::ReadProcessStat(pid);
  return !found.has_value() || found->state == 'Z';
}

class PluginProcessTest : public testing::Test {
 protected:
  PluginProcessTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-plugin-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~PluginProcessTest() override { fs::remove_all(dir_); }

  PluginCommand Command(const std::string& script) const {
    return {.executor = "far",
            .argv = {"bash", "-c", script},
            .environment = {{"PATH", "/usr/bin:/bin"}, {"DIR", dir_.string()}},
            .config = R"({"hosts": ["a"]})",
            .directory = dir_.string(),
            .socket = (dir_ / "run" / "executor-far.sock").string(),
            .state_dir = (dir_ / "executors" / "far").string(),
            .log = (dir_ / "logs" / "executor-far.log").string(),
            .grace = Millis(2'000)};
  }
  std::unique_ptr<PluginProcess> Process(const std::string& script) {
    return std::make_unique<PluginProcess>(Command(script), [](const std::string&) {});
  }
  std::string File(const fs::path& name) const {
    std::ifstream in(dir_ / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  pid_t AwaitPid(const std::string& name) const {
    EXPECT_TRUE(Eventually([&] { return File(name).ends_with("\n"); }));
    return File(name).empty() ? -1 : std::stoi(File(name));
  }

  fs::path dir_;
};

// One that ends when its stdin does, as it should.
constexpr char kGood[] = "echo $$ > $DIR/pid; cat > /dev/null";
// One that does not.
constexpr char kStubborn[] = "trap '' TERM; echo $$ > $DIR/pid; while :; do sleep 0.05; done";

TEST_F(PluginProcessTest, FindsItsEnvironmentAndItsDirectories) {
  const auto process = Process(
      "echo \"$AIFLOW_EXECUTOR_NAME $AIFLOW_EXECUTOR_CONFIG $AIFLOW_EXECUTOR_SOCKET\"; "
      "test -d \"$AIFLOW_EXECUTOR_STATE_DIR\" && pwd >&2; echo $$ > $DIR/pid; cat > /dev/null");
  ASSERT_EQ(process->Start(1, [] {}), Status::Ok());
  const pid_t pid = AwaitPid("pid");
  EXPECT_TRUE(Eventually([&] { return process->pid() == pid; }));
  EXPECT_EQ(getsid(pid), pid);
  EXPECT_EQ(File("logs/executor-far.log"), "far {\"hosts\": [\"a\"]} " +
                                               (dir_ / "run/executor-far.sock").string() + "\n" +
                                               dir_.string() + "\n");
  EXPECT_EQ(fs::status(dir_ / "run").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(dir_ / "executors/far").permissions(), fs::perms::owner_all);
  process->Stop();
  EXPECT_TRUE(IsGone(pid));
  EXPECT_EQ(process->starts(), 1);
}

TEST_F(PluginProcessTest, IsStartedAgainWhenItDiesAndWhatItLeftBehindIsKilled) {
  const auto process =
      Process("sleep 1000 & echo $! >> $DIR/children; echo $$ >> $DIR/pids; cat > /dev/null");
  ASSERT_EQ(process->Start(1, [] {}), Status::Ok());
  ASSERT_TRUE(Eventually([&] { return File("pids").ends_with("\n"); }));
  const pid_t child = std::stoi(File("children"));
  kill(std::stoi(File("pids")), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return process->starts() == 2; }));
  EXPECT_TRUE(Eventually([&] { return IsGone(child); }));
  EXPECT_THAT(File("logs/executor-far.log"), HasSubstr("was ended by SIGKILL"));
  process->Stop();
}

TEST_F(PluginProcessTest, ProgramThatIsNotThereIsAProblemAndNoError) {
  PluginCommand command = Command("");
  command.argv = {"/nonexistent/plug-in"};
  PluginProcess process(command, [](const std::string&) {});
  ASSERT_EQ(process.Start(1, [] {}), Status::Ok());
  EXPECT_TRUE(Eventually([&] {
    return process.problem().find("/nonexistent/plug-in cannot be started") != std::string::npos;
  }));
  process.Stop();
}

TEST_F(PluginProcessTest, ExitCodeIsAProblemThatNamesTheLog) {
  const auto process = Process("echo no such module; exit 3");
  ASSERT_EQ(process->Start(1, [] {}), Status::Ok());
  EXPECT_TRUE(Eventually([&] {
    return process->problem().find("it ended with exit code 3; see ") != std::string::npos;
  }));
  process->Stop();
  EXPECT_THAT(File("logs/executor-far.log"), HasSubstr("no such module"));
}

TEST_F(PluginProcessTest, OneThatDoesNotEndIsKilled) {
  PluginCommand command = Command(kStubborn);
  command.grace = Millis(200);
  PluginProcess process(command, [](const std::string&) {});
  ASSERT_EQ(process.Start(1, [] {}), Status::Ok());
  const pid_t pid = AwaitPid("pid");
  process.Stop();
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(PluginProcessTest, TheOneOfAKilledServerIsEndedBeforeTheNextBegins) {
  // A server that starts a plug-in and is killed.
  const pid_t server = fork();
  if (server == 0) {
    PluginProcess process(Command(kStubborn), [](const std::string&) {});
    if (!process.Start(1, [] {}).ok()) _exit(1);
    pause();
    _exit(0);
  }
  const pid_t old = AwaitPid("pid");
  ASSERT_TRUE(Eventually(
      [&] { return plugin::ReadPidFile((dir_ / "run/executor-far.pid").string()).pid == old; }));
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  ASSERT_FALSE(IsGone(old));
  PluginCommand command = Command(
      "grep -q 'State:.[^Z]' /proc/$(cat $DIR/pid)/status && echo beside > $DIR/beside; "
      "echo $$ > $DIR/new; cat > /dev/null");
  command.grace = Millis(300);
  PluginProcess process(command, [](const std::string&) {});
  ASSERT_EQ(process.Start(2, [] {}), Status::Ok());
  AwaitPid("new");
  EXPECT_TRUE(IsGone(old));
  EXPECT_FALSE(fs::exists(dir_ / "beside"));
  process.Stop();
}

TEST_F(PluginProcessTest, AServerThatWasReplacedStartsNoneAgain) {
  const auto old = Process(kGood);
  bool fenced = false;
  std::mutex mutex;
  ASSERT_EQ(old->Start(1,
                       [&] {
                         const std::lock_guard lock(mutex);
                         fenced = true;
                       }),
            Status::Ok());
  const pid_t pid = AwaitPid("pid");
  const auto next = Process("echo $$ > $DIR/new; cat > /dev/null");
  ASSERT_EQ(next->Start(2, [] {}), Status::Ok());
  const pid_t fresh = AwaitPid("new");
  EXPECT_TRUE(IsGone(pid));
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return fenced;
  }));
  EXPECT_EQ(old->starts(), 1);
  old->Stop();
  EXPECT_FALSE(IsGone(fresh));
  const auto late = Process(kGood);
  EXPECT_EQ(late->Start(1, [] {}).code(), Code::kAborted);
  next->Stop();
}

TEST_F(PluginProcessTest, ProcessWithAReusedNumberIsLeftAlone) {
  const pid_t bystander = fork();
  if (bystander == 0) {
    setsid();
    pause();
    _exit(0);
  }
  plugin::PidFile file = plugin::RecordOf(bystander, 1);
  --file.start_time;
  fs::create_directories(dir_ / "run");
  ASSERT_EQ(plugin::WritePidFile((dir_ / "run/executor-far.pid").string(), file), Status::Ok());
  const auto process = Process(kGood);
  ASSERT_EQ(process->Start(2, [] {}), Status::Ok());
  AwaitPid("pid");
  EXPECT_EQ(waitpid(bystander, nullptr, WNOHANG), 0);
  process->Stop();
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_F(PluginProcessTest, SocketOfADeepHomeHasAShortName) {
  dir_ /= std::string(120, 'd');
  fs::create_directories(dir_);
  const auto process = Process(
      "echo $AIFLOW_EXECUTOR_SOCKET > $DIR/socket; "
      "echo x > $AIFLOW_EXECUTOR_SOCKET; echo $$ > $DIR/pid; cat > /dev/null");
  ASSERT_EQ(process->Start(1, [] {}), Status::Ok());
  AwaitPid("pid");
  EXPECT_EQ(File("socket"), "run/executor-far.sock\n");
  EXPECT_LE(process->SocketHere().size(), 107U);
  EXPECT_TRUE(fs::exists(process->SocketHere()));
  process->Stop();
  dir_ = dir_.parent_path();
}

TEST_F(PluginProcessTest, OneThatHangsIsKilledUnlessItHasJustBegun) {
  const auto process = Process(kGood);
  ASSERT_EQ(process->Start(1, [] {}), Status::Ok());
  const pid_t pid = AwaitPid("pid");
  process->Kill("it hangs", Millis(3'600'000));
  EXPECT_FALSE(IsGone(pid));
  process->Kill("it hangs", Millis(0));
  EXPECT_TRUE(Eventually([&] { return process->starts() == 2; }));
  EXPECT_THAT(File("logs/executor-far.log"), HasSubstr("killed: it hangs"));
  process->Stop();
}

}  // namespace
}  // namespace aiflow
