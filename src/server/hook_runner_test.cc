#include "server/hook_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/hook_request.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class HookRunnerTest : public ::testing::Test {
 protected:
  HookRunnerTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-hooks-XXXXXX").string();
    root_ = mkdtemp(name.data());
    options_.directory = root_;
    options_.logs = root_ / "logs";
    options_.environment = {{"PATH", std::getenv("PATH")}, {"FROM_HOME", "yes"}};
  }
  ~HookRunnerTest() override {
    runner_.reset();
    fs::remove_all(root_);
  }

  HookRunner& Runner() {
    if (!runner_.has_value()) runner_.emplace(options_);
    return *runner_;
  }
  static HookDelivery Delivery(int64_t id = 7) {
    HookDelivery delivery;
    delivery.id = OutboxId(id);
    delivery.key = "log/hook/" + std::to_string(id);
    delivery.call.execution_id = ExecutionId(5);
    delivery.call.ns = "team";
    delivery.call.workflow = "flow";
    delivery.call.status = ExecutionStatus::kFailed;
    delivery.call.reason = "task 'a' failed: \"$HOME\"";
    return delivery;
  }
  static HookDelivery Command(std::string command, int64_t id = 7) {
    HookDelivery delivery = Delivery(id);
    delivery.call.command = std::move(command);
    return delivery;
  }
  void Begin(HookDelivery delivery) {
    Runner().Send(std::move(delivery), [this](std::string error) {
      const std::lock_guard lock(mutex_);
      errors_.push_back(std::move(error));
      answered_.notify_all();
    });
  }
  std::vector<std::string> Await(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(answered_.wait_for(lock, std::chrono::seconds(30),
                                   [&] { return errors_.size() >= count; }));
    return errors_;
  }
  std::string Try(HookDelivery delivery) {
    Begin(std::move(delivery));
    const std::vector<std::string> errors = Await(1);
    return errors.empty() ? "no answer" : errors[0];
  }
  std::string Read(const fs::path& path) const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void AwaitFile(const fs::path& path) const {
    for (int i = 0; i < 3000 && !fs::exists(path); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(fs::exists(path)) << path;
  }

  fs::path root_;
  HookRunnerOptions options_;
  std::optional<HookRunner> runner_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::vector<std::string> errors_;
};

// ---- Commands ----------------------------------------------------------------------------------

TEST_F(HookRunnerTest, ACommandKnowsWhatHasEnded) {
  EXPECT_EQ(Try(Command("printf '%s|' \"$AIFLOW_HOOK_KEY\" \"$AIFLOW_NAMESPACE\" "
                        "\"$AIFLOW_WORKFLOW\" \"$AIFLOW_WORKFLOW_EXECUTION_ID\" "
                        "\"$AIFLOW_STATUS\" \"$AIFLOW_REASON\" \"$FROM_HOME\" > told")),
            "");
  EXPECT_EQ(Read(root_ / "told"), "log/hook/7|team|flow|5|FAILED|task 'a' failed: \"$HOME\"|yes|");
}

TEST_F(HookRunnerTest, TheOutputOfACommandIsKept) {
  EXPECT_EQ(Try(Command("echo out; echo err >&2")), "");
  EXPECT_EQ(Read(options_.logs / "5.7.log"), "out\nerr\n");
}

TEST_F(HookRunnerTest, AFailedCommandTellsItsLastWords) {
  EXPECT_EQ(Try(Command("echo first; echo no such host >&2; exit 3")), "exit code 3: no such host");
}

TEST_F(HookRunnerTest, ACommandEndedByASignalHasFailed) {
  EXPECT_EQ(Try(Command("kill -KILL $$")), "it was ended by signal 9");
}

TEST_F(HookRunnerTest, ACommandOverItsTimeLimitIsKilledWithItsChildren) {
  options_.timeout = Millis(300);
  EXPECT_THAT(Try(Command("trap '' TERM; (trap '' TERM; sleep 600) & echo $! > child; echo begun; "
                          "wait; sleep 600")),
              AllOf(StartsWith("hook_timeout: it ran longer than 300 ms"), HasSubstr("begun")));
  const int child = std::stoi(Read(root_ / "child"));
  // Killed with the group; it may still be a zombie of whoever adopts it.
  for (int i = 0; i < 500 && kill(child, 0) == 0; ++i) {
    const std::string stat = Read("/proc/" + std::to_string(child) + "/stat");
    if (stat.find(") Z ") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(kill(child, 0), 0);
}

TEST_F(HookRunnerTest, WhatRunsInTheBackgroundIsNotWaitedFor) {
  EXPECT_EQ(Try(Command("sleep 600 & echo $! > child")), "");
  EXPECT_EQ(kill(std::stoi(Read(root_ / "child")), SIGKILL), 0) << "it was left alone";
}

TEST_F(HookRunnerTest, OutputWithoutEndIsCut) {
  EXPECT_EQ(Try(Command("head -c 3000000 /dev/zero | tr '\\0' 'x'")), "");
  EXPECT_GT(fs::file_size(options_.logs / "5.7.log"), 1'000'000U);
  EXPECT_LT(fs::file_size(options_.logs / "5.7.log"), 1'100'000U);
}

TEST_F(HookRunnerTest, NoMoreThanAllowedRunAtATime) {
  options_.parallel = 2;
  for (int i = 0; i < 6; ++i) {
    // Each sees how many have begun and not ended.
    Begin(
        Command("n=${AIFLOW_HOOK_KEY##*/}; touch in.$n; "
                "ls in.* | wc -l >> seen; rm in.$n",
                i));
  }
  for (const std::string& error : Await(6)) EXPECT_EQ(error, "");
  std::ifstream seen(root_ / "seen");
  for (int count = 0; seen >> count;) EXPECT_LE(count, 2);
}

TEST_F(HookRunnerTest, TooManyThatWaitAreRefused) {
  options_.parallel = 1;
  options_.max_waiting = 1;
  Begin(Command("touch begun; while [ ! -e go ]; do sleep 0.01; done", 1));
  AwaitFile(root_ / "begun");
  Begin(Command("true", 2));
  Begin(Command("true", 3));
  EXPECT_EQ(Await(1)[0], "too many hooks wait: 1");
  std::ofstream(root_ / "go") << "";
  EXPECT_EQ(Await(3).size(), 3U);
}

TEST_F(HookRunnerTest, AStopCutsShortAndSaysNothing) {
  options_.parallel = 1;
  Begin(Command("echo $$ > pid; touch begun; sleep 600", 1));
  Begin(Command("touch second", 2));
  AwaitFile(root_ / "begun");
  const auto begin = std::chrono::steady_clock::now();
  Runner().Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_NE(kill(std::stoi(Read(root_ / "pid")), 0), 0) << "it is gone, and reaped";
  Begin(Command("touch third", 3));
  Runner().Stop();
  EXPECT_FALSE(fs::exists(root_ / "second"));
  EXPECT_FALSE(fs::exists(root_ / "third"));
}

// ---- URLs --------------------------------------------------------------------------------------

/// A real HTTP server.
class HookUrlTest : public HookRunnerTest {
 protected:
  HookUrlTest() {
    server_.Post("/ok", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(request.body);
      keys_.push_back(request.get_header_value("Idempotency-Key"));
      types_.push_back(request.get_header_value("Content-Type"));
      targets_.push_back(request.target);
      response.status = 204;
    });
    server_.Post("/moved", [](const httplib::Request&, httplib::Response& response) {
      response.set_redirect("/ok");
    });
    server_.Post("/broken", [](const httplib::Request&, httplib::Response& response) {
      response.status = 503;
    });
    server_.Post("/hangs", [this](const httplib::Request&, httplib::Response&) {
      std::unique_lock lock(mutex_);
      hanging_ = true;
      answered_.notify_all();
      answered_.wait(lock, [this] { return released_; });
    });
    server_.Post("/drips", [this](const httplib::Request&, httplib::Response& response) {
      response.status = 500;
      response.set_chunked_content_provider("text/plain", [this](size_t, httplib::DataSink& sink) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const std::lock_guard lock(mutex_);
        return !released_ && sink.write("x", 1);
      });
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Stopping a server that does not listen yet would be lost.
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~HookUrlTest() override {
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
      answered_.notify_all();
    }
    runner_.reset();
    server_.stop();
    thread_.join();
  }
  HookDelivery Url(const std::string& path, int64_t id = 7) {
    HookDelivery delivery = Delivery(id);
    delivery.call.url = "http://127.0.0.1:" + std::to_string(port_) + path;
    return delivery;
  }

  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  bool hanging_ = false;  // guarded by mutex_, as all below
  bool released_ = false;
  std::vector<std::string> bodies_;
  std::vector<std::string> keys_;
  std::vector<std::string> types_;
  std::vector<std::string> targets_;
};

TEST_F(HookUrlTest, AUrlGetsTheMessageWithItsKey) {
  EXPECT_EQ(Try(Url("/ok?from=aiflow#part")), "");
  ASSERT_EQ(bodies_.size(), 1U);
  EXPECT_EQ(bodies_[0], Delivery().call.Message());
  EXPECT_EQ(keys_[0], "log/hook/7");
  EXPECT_EQ(types_[0], "application/json");
  EXPECT_EQ(targets_[0], "/ok?from=aiflow");
}

TEST_F(HookUrlTest, AnyAnswerBut2xxIsAFailure) {
  EXPECT_EQ(Try(Url("/broken")), "HTTP status 503");
  Begin(Url("/missing"));
  EXPECT_EQ(Await(2)[1], "HTTP status 404");
  Begin(Url("/moved"));
  EXPECT_EQ(Await(3)[2], "HTTP status 302") << "redirects are not followed";
  EXPECT_THAT(bodies_, IsEmpty());
}

TEST_F(HookUrlTest, AServerThatIsNotThereIsAFailure) {
  HookDelivery delivery = Delivery();
  delivery.call.url = "http://127.0.0.1:1/x";
  EXPECT_THAT(Try(std::move(delivery)), HasSubstr("Connection"));
}

TEST_F(HookUrlTest, AServerThatDoesNotAnswerIsNotWaitedForLong) {
  options_.timeout = Millis(200);
  EXPECT_THAT(Try(Url("/hangs")), HasSubstr("no answer within 200 ms"));
}

TEST_F(HookUrlTest, AServerThatAnswersWithoutEndIsNotWaitedForLong) {
  options_.timeout = Millis(300);
  EXPECT_EQ(Try(Url("/drips")), "HTTP status 500");
}

TEST_F(HookUrlTest, PlainHttpIsNoHttps) {
  HookDelivery delivery = Url("/ok");
  delivery.call.url.replace(0, 4, "https");
  EXPECT_THAT(Try(std::move(delivery)), HasSubstr("SSL"));
  EXPECT_THAT(bodies_, IsEmpty());
}

TEST_F(HookUrlTest, AStopEndsACallThatHangs) {
  options_.timeout = Millis(600'000);
  Begin(Url("/hangs"));
  {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(answered_.wait_for(lock, std::chrono::seconds(30), [this] { return hanging_; }));
  }
  const auto begin = std::chrono::steady_clock::now();
  Runner().Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_THAT(errors_, IsEmpty());
}

TEST(SplitUrlTest, TheServerAndTheRest) {
  using Parts = std::pair<std::string, std::string>;
  EXPECT_EQ(SplitUrl("http://host"), (Parts{"http://host", "/"}));
  EXPECT_EQ(SplitUrl("https://host:8443/a/b?c=d#e"), (Parts{"https://host:8443", "/a/b?c=d"}));
  EXPECT_EQ(SplitUrl("http://host?x=/y"), (Parts{"http://host", "/?x=/y"}));
  EXPECT_EQ(SplitUrl("http://[::1]:80/x"), (Parts{"http://[::1]:80", "/x"}));
}

}  // namespace
}  // namespace aiflow::server
