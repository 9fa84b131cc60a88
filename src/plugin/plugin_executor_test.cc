// The client against plug-ins that answer late, lie, repeat themselves or go away.
#include "plugin/plugin_executor.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>

#include "aiflow/executor/v1/executor_plugin.grpc.pb.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
namespace pb = ::aiflow::executor::v1;
using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{20};

/// Collects what is said, and lets others wait for it.
class Heard {
 public:
  void Add(std::string text) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(text));
    changed_.notify_all();
  }
  /// Waits for `count` of them.
  bool Await(const std::string& text, size_t count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return CountOf(text) >= count; });
  }
  size_t Count(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return CountOf(text);
  }

 private:
  size_t CountOf(const std::string& text) const {
    return static_cast<size_t>(std::count_if(all_.begin(), all_.end(), [&](const std::string& one) {
      return one.find(text) != std::string::npos;
    }));
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

/// A plug-in in this process that does what the test says.
class FakePlugin final : public pb::ExecutorPlugin::Service {
 public:
  explicit FakePlugin(std::string socket) : socket_(std::move(socket)) { Listen(); }
  ~FakePlugin() override { GoAway(); }

  void Listen() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
    }
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  void GoAway() {
    if (server_ == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  void Tell(pb::WatchResponse message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  void Tell(const pb::Report& report) {
    pb::WatchResponse message;
    *message.add_reports() = report;
    Tell(std::move(message));
  }
  void DropStream() {
    const std::lock_guard lock(mutex_);
    dropped_ = true;
    changed_.notify_all();
  }
  void SetList(std::vector<pb::Report> list) {
    const std::lock_guard lock(mutex_);
    list_ = std::move(list);
  }
  void OnStart(std::function<grpc::Status(const pb::Attempt&)> answer) {
    const std::lock_guard lock(mutex_);
    on_start_ = std::move(answer);
  }

  std::function<grpc::Status(pb::OpenResponse&)> on_open = [](pb::OpenResponse& answer) {
    answer.set_protocol_version(1);
    return grpc::Status::OK;
  };
  std::function<grpc::Status(const pb::ListRequest&, pb::ListResponse&)> on_list;
  bool says_that_it_watches = true;
  Heard calls;

 private:
  grpc::Status Open(grpc::ServerContext*, const pb::OpenRequest* request,
                    pb::OpenResponse* answer) override {
    calls.Add("open " + std::to_string(request->epoch()) + " " + request->executor());
    return on_open(*answer);
  }
  grpc::Status Start(grpc::ServerContext*, const pb::StartRequest* request,
                     pb::StartResponse*) override {
    const pb::Attempt& attempt = request->attempt();
    calls.Add("start " + attempt.key() +
              (attempt.refusal().empty() ? "" : " " + attempt.refusal()));
    std::function<grpc::Status(const pb::Attempt&)> answer;
    {
      const std::lock_guard lock(mutex_);
      answer = on_start_;
    }
    return answer == nullptr ? grpc::Status::OK : answer(attempt);
  }
  grpc::Status Stop(grpc::ServerContext*, const pb::StopRequest* request,
                    pb::StopResponse*) override {
    calls.Add("stop " + request->key());
    return grpc::Status::OK;
  }
  grpc::Status Forget(grpc::ServerContext*, const pb::ForgetRequest* request,
                      pb::ForgetResponse*) override {
    for (const std::string& key : request->keys()) calls.Add("forget " + key);
    return grpc::Status::OK;
  }
  grpc::Status List(grpc::ServerContext*, const pb::ListRequest* request,
                    pb::ListResponse* answer) override {
    calls.Add("list");
    if (on_list != nullptr) return on_list(*request, *answer);
    const std::lock_guard lock(mutex_);
    for (const pb::Report& report : list_) *answer->add_reports() = report;
    return grpc::Status::OK;
  }
  grpc::Status Watch(grpc::ServerContext* context, const pb::WatchRequest*,
                     grpc::ServerWriter<pb::WatchResponse>* writer) override {
    calls.Add("watch");
    std::unique_lock lock(mutex_);
    dropped_ = false;
    if (says_that_it_watches) writer->Write({});
    while (!closed_ && !dropped_ && !context->IsCancelled()) {
      if (messages_.empty()) {
        changed_.wait_for(lock, std::chrono::milliseconds(20));
        continue;
      }
      const pb::WatchResponse message = std::move(messages_.front());
      messages_.pop_front();
      lock.unlock();
      writer->Write(message);
      lock.lock();
    }
    return grpc::Status::OK;
  }

  const std::string socket_;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  bool dropped_ = false;
  std::deque<pb::WatchResponse> messages_;
  std::vector<pb::Report> list_;
  std::function<grpc::Status(const pb::Attempt&)> on_start_;
};

class PluginExecutorTest : public testing::Test {
 protected:
  PluginExecutorTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-plugin-XXXXXX").string();
    dir_ = mkdtemp(name.data());
    plugin_ = std::make_unique<FakePlugin>((dir_ / "sock").string());
  }
  ~PluginExecutorTest() override {
    executor_.reset();
    plugin_.reset();
    fs::remove_all(dir_);
  }

  PluginExecutorOptions Options() {
    PluginExecutorOptions options;
    options.name = "far";
    options.home_id = "home";
    options.attempts_dir = (dir_ / "attempts").string();
    options.socket = (dir_ / "sock").string();
    options.warn = [this](const std::string& line) { warnings_.Add(line); };
    return options;
  }
  void Open(std::vector<ExpectedAttempt> expected = {}) {
    OpenWith(Options(), std::move(expected));
  }
  void OpenWith(PluginExecutorOptions options, std::vector<ExpectedAttempt> expected = {}) {
    executor_ = std::make_unique<PluginExecutor>(std::move(options));
    ASSERT_EQ(executor_->Open(7, std::move(expected), Sink()), Status::Ok());
  }
  TaskExecutor::ReportSink Sink() {
    return [this](const AttemptReport& report) {
      reports_.Add(report.key.ToString() + " " + std::string(TaskStatusName(report.status)) +
                   (report.reason.empty() ? "" : " " + report.reason));
    };
  }
  static AttemptSpec Spec(int64_t sequence) {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(3), .task = 0, .sequence = sequence, .try_number = 1};
    spec.token = "t" + std::to_string(sequence);
    spec.epoch = 7;
    spec.argv = {"true"};
    return spec;
  }
  static pb::Report Report(int64_t sequence, pb::AttemptStatus status) {
    pb::Report report;
    report.set_key(Spec(sequence).key.ToString());
    report.set_token(Spec(sequence).token);
    report.set_status(status);
    return report;
  }

  fs::path dir_;
  std::unique_ptr<FakePlugin> plugin_;
  Heard reports_;
  Heard warnings_;
  std::unique_ptr<PluginExecutor> executor_;
};

TEST_F(PluginExecutorTest, OpensThenWatchesThenListsAndOnlyThenStarts) {
  plugin_->SetList({Report(1, pb::ATTEMPT_STATUS_RUNNING)});
  Open({{.spec = Spec(1), .status = TaskStatus::kRunning},
        {.spec = Spec(2), .status = TaskStatus::kQueued}});
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-2-1"));
  EXPECT_EQ(plugin_->calls.Count("open 7 far"), 1U);
  EXPECT_EQ(plugin_->calls.Count("watch"), 1U);
  EXPECT_EQ(plugin_->calls.Count("list"), 1U);
  EXPECT_EQ(plugin_->calls.Count("start 3-0-1-1"), 0U);
  EXPECT_TRUE(reports_.Await("3-0-1-1 RUNNING"));
  EXPECT_TRUE(executor_->use().connected);
  EXPECT_EQ(executor_->running(), 1);
}

TEST_F(PluginExecutorTest, NothingIsListedBeforeThePlugInSaysThatItWatches) {
  plugin_->says_that_it_watches = false;
  Open();
  ASSERT_TRUE(plugin_->calls.Await("watch"));
  EXPECT_EQ(plugin_->calls.Count("list"), 0U);
  plugin_->Tell(pb::WatchResponse());
  EXPECT_TRUE(plugin_->calls.Await("list"));
}

TEST_F(PluginExecutorTest, OneThatNeverSaysThatItWatchesIsGivenUp) {
  plugin_->says_that_it_watches = false;
  PluginExecutorOptions options = Options();
  options.answer_limit = Millis(300);
  OpenWith(options);
  EXPECT_TRUE(warnings_.Await("it has not said that it watches for 300 ms"));
  EXPECT_TRUE(plugin_->calls.Await("open", 2));
}

TEST_F(PluginExecutorTest, OldProtocolIsRefusedWithBothVersions) {
  plugin_->on_open = [](pb::OpenResponse& answer) {
    answer.set_protocol_version(2);
    return grpc::Status::OK;
  };
  Open();
  EXPECT_TRUE(warnings_.Await("it speaks version 2 of the protocol, and this server version 1"));
  EXPECT_THAT(executor_->use().problem, HasSubstr("version 2"));
  EXPECT_FALSE(executor_->use().connected);
  EXPECT_EQ(plugin_->calls.Count("watch"), 0U);
}

TEST_F(PluginExecutorTest, WhyAPlugInDoesNotOpenIsShown) {
  plugin_->on_open = [](pb::OpenResponse&) {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "no cluster at build7");
  };
  Open();
  EXPECT_TRUE(warnings_.Await("executor far: no cluster at build7"));
  // It is tried again, and once the reason is gone, all is well.
  plugin_->GoAway();
  plugin_->on_open = [](pb::OpenResponse& answer) {
    answer.set_protocol_version(1);
    return grpc::Status::OK;
  };
  plugin_->Listen();
  EXPECT_TRUE(plugin_->calls.Await("list"));
}

TEST_F(PluginExecutorTest, FencedAtOpenIsAborted) {
  plugin_->on_open = [](pb::OpenResponse&) {
    return grpc::Status(grpc::StatusCode::ABORTED, "epoch 9 was seen");
  };
  PluginExecutorOptions options = Options();
  options.open_patience = Millis(20'000);
  PluginExecutor executor(std::move(options));
  EXPECT_EQ(executor.Open(7, {}, Sink()).code(), Code::kAborted);
}

TEST_F(PluginExecutorTest, FencedLaterItSaysNoMore) {
  plugin_->OnStart([](const pb::Attempt&) {
    return grpc::Status(grpc::StatusCode::ABORTED, "epoch 9 was seen");
  });
  Open();
  executor_->Start(Spec(1));
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-1-1"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (executor_->use().connected && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  executor_->Stop(Spec(1));
  EXPECT_THAT(executor_->use().problem, HasSubstr("higher epoch"));
  EXPECT_EQ(plugin_->calls.Count("stop"), 0U);
  EXPECT_EQ(plugin_->calls.Count("open"), 1U);
}

TEST_F(PluginExecutorTest, CommandIsRepeatedUntilItIsAccepted) {
  std::atomic<int> asked = 0;
  plugin_->OnStart([&asked](const pb::Attempt&) {
    switch (++asked) {
      case 1: return grpc::Status(grpc::StatusCode::INTERNAL, "disk full");
      case 2: return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "all hosts are busy");
      default: return grpc::Status::OK;
    }
  });
  Open();
  executor_->Start(Spec(1));
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-1-1", 3));
  EXPECT_TRUE(warnings_.Await("a start is not accepted: INTERNAL: disk full"));
  EXPECT_EQ(warnings_.Count("busy"), 0U) << "a full plug-in is nothing to complain about";
  EXPECT_EQ(executor_->use().starts, 1);
}

TEST_F(PluginExecutorTest, OneThatLeavesACommandUnansweredIsLeft) {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  plugin_->OnStart([&](const pb::Attempt&) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kPatience, [&] { return released; });
    return grpc::Status::OK;
  });
  PluginExecutorOptions options = Options();
  options.answer_limit = Millis(300);
  OpenWith(options);
  executor_->Start(Spec(1));
  EXPECT_TRUE(warnings_.Await("it has not answered for 300 ms"));
  {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }
  EXPECT_TRUE(plugin_->calls.Await("open", 2));
  EXPECT_TRUE(plugin_->calls.Await("start 3-0-1-1", 2));
}

TEST_F(PluginExecutorTest, DroppedStreamIsFollowedByANewConnectionAndAList) {
  Open();
  executor_->Start(Spec(1));
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-1-1"));
  // Its end is told to nobody.
  plugin_->SetList({Report(1, pb::ATTEMPT_STATUS_SUCCESS)});
  plugin_->DropStream();
  EXPECT_TRUE(reports_.Await("3-0-1-1 SUCCESS"));
  EXPECT_EQ(plugin_->calls.Count("open"), 2U);
}

TEST_F(PluginExecutorTest, LostReportIsFoundByTheNextList) {
  PluginExecutorOptions options = Options();
  options.list_interval = Millis(50);
  OpenWith(options);
  plugin_->OnStart([this](const pb::Attempt&) {
    plugin_->calls.Add("claimed");
    return grpc::Status::OK;
  });
  plugin_->SetList({Report(1, pb::ATTEMPT_STATUS_FAILED)});
  executor_->Start(Spec(1));
  EXPECT_TRUE(reports_.Await("3-0-1-1 FAILED"));
  EXPECT_EQ(plugin_->calls.Count("open"), 1U);
}

TEST_F(PluginExecutorTest, PlugInThatGoesAwayIsFoundAgainAndNothingIsLost) {
  Open();
  ASSERT_TRUE(plugin_->calls.Await("list"));
  plugin_->GoAway();
  executor_->Start(Spec(1));
  executor_->Start(Spec(2));
  executor_->Stop(Spec(2));
  EXPECT_GT(executor_->use().attempts, 1);
  plugin_->Listen();
  EXPECT_TRUE(plugin_->calls.Await("start 3-0-1-1"));
  EXPECT_TRUE(plugin_->calls.Await("stop 3-0-2-1"));
  EXPECT_EQ(plugin_->calls.Count("start 3-0-2-1"), 0U);
}

TEST_F(PluginExecutorTest, LostAttemptIsClaimedBeforeItIsSaidToHaveFailed) {
  plugin_->OnStart([this](const pb::Attempt& attempt) {
    pb::Report report = Report(1, pb::ATTEMPT_STATUS_FAILED);
    report.set_reason(attempt.refusal());
    plugin_->Tell(report);
    return grpc::Status::OK;
  });
  Open({{.spec = Spec(1), .status = TaskStatus::kRunning}});
  EXPECT_TRUE(plugin_->calls.Await("start 3-0-1-1 executor far no longer knows the attempt"));
  EXPECT_TRUE(reports_.Await("3-0-1-1 FAILED executor far no longer knows the attempt"));
}

TEST_F(PluginExecutorTest, LiesAreCountedAndNotTold) {
  Open();
  executor_->Start(Spec(1));
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-1-1"));
  pb::Report forged = Report(1, pb::ATTEMPT_STATUS_SUCCESS);
  forged.set_token("guessed");
  plugin_->Tell(forged);
  pb::Report nothing = Report(1, pb::ATTEMPT_STATUS_UNSPECIFIED);
  plugin_->Tell(nothing);
  pb::Report path = Report(1, pb::ATTEMPT_STATUS_SUCCESS);
  path.set_key("../../../etc");
  plugin_->Tell(path);
  plugin_->Tell(Report(9, pb::ATTEMPT_STATUS_SUCCESS));
  plugin_->Tell(Report(1, pb::ATTEMPT_STATUS_FAILED));
  plugin_->Tell(Report(1, pb::ATTEMPT_STATUS_SUCCESS));
  plugin_->Tell(Report(1, pb::ATTEMPT_STATUS_RUNNING));
  EXPECT_TRUE(warnings_.Await("is SUCCESS, after it has said FAILED"));
  EXPECT_TRUE(warnings_.Await("another token"));
  EXPECT_TRUE(warnings_.Await("no key of an attempt"));
  EXPECT_EQ(executor_->use().refused, 4);
  EXPECT_EQ(reports_.Count("SUCCESS"), 0U);
  EXPECT_EQ(reports_.Count("FAILED"), 1U);
}

TEST_F(PluginExecutorTest, ListWithoutAnEndIsGivenUp) {
  plugin_->on_list = [](const pb::ListRequest&, pb::ListResponse& answer) {
    answer.set_next_page_token("more");
    return grpc::Status::OK;
  };
  Open();
  EXPECT_TRUE(warnings_.Await("its list of attempts has no end"));
}

TEST_F(PluginExecutorTest, ForgottenAttemptIsForgottenThereAndItsDirectoryIsCleared) {
  Open();
  executor_->Start(Spec(1));
  ASSERT_TRUE(plugin_->calls.Await("start 3-0-1-1"));
  const fs::path dir = dir_ / "attempts/3/0-1-1";
  ASSERT_TRUE(fs::is_directory(dir));
  std::ofstream(dir / "scratch") << "x";
  std::ofstream(dir / "log") << "x";
  plugin_->Tell(Report(1, pb::ATTEMPT_STATUS_SUCCESS));
  ASSERT_TRUE(reports_.Await("3-0-1-1 SUCCESS"));
  executor_->Forget(Spec(1).key);
  ASSERT_TRUE(plugin_->calls.Await("forget 3-0-1-1"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (fs::exists(dir / "scratch") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_FALSE(fs::exists(dir / "scratch"));
  EXPECT_EQ(executor_->LogPath(Spec(1).key), (dir / "log").string());
  EXPECT_EQ(executor_->use().attempts, 0);
}

TEST_F(PluginExecutorTest, OpenThatMayWaitSaysWhyItCannot) {
  plugin_->GoAway();
  PluginExecutorOptions options = Options();
  options.open_patience = Millis(200);
  PluginExecutor executor(std::move(options));
  const Status status = executor.Open(7, {}, Sink());
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("executor far: "));
}

TEST_F(PluginExecutorTest, FloodOfReportsIsHeldUpAndNothingOfItIsLost) {
  Open();
  constexpr int64_t kAttempts = 3'000;
  for (int64_t i = 1; i <= kAttempts; ++i) executor_->Start(Spec(i));
  for (int64_t i = 1; i <= kAttempts; ++i) plugin_->Tell(Report(i, pb::ATTEMPT_STATUS_SUCCESS));
  EXPECT_TRUE(reports_.Await("SUCCESS", kAttempts));
}

}  // namespace
}  // namespace aiflow
