// The event client against servers in this process, which share one log.
#include "aiflow/event_client.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "notification_service/notification_service.grpc.pb.h"

namespace aiflow {
namespace {

namespace ns = notification_service;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

/// Events by offset, from 1, and which ids they have.
struct Log {
  std::mutex mutex;
  std::condition_variable written;
  std::vector<v1::EventRecord> events;
  std::map<std::string, int64_t> by_id;

  std::vector<std::string> Keys() {
    const std::lock_guard lock(mutex);
    std::vector<std::string> keys;
    for (const v1::EventRecord& event : events) keys.push_back(event.key());
    return keys;
  }
};

class Notification final : public ns::NotificationService::Service {
 public:
  explicit Notification(Log& log) : log_(log) {}
  int lose_replies = 0;

  grpc::Status sendEvent(grpc::ServerContext*, const ns::SendEventRequest* request,
                         ns::SendEventsResponse* response) override {
    const std::lock_guard lock(log_.mutex);
    if (request->event().key() == "refused") {
      response->set_return_code(ns::ERROR);
      response->set_return_msg("no such key");
      return grpc::Status::OK;
    }
    const auto [found, is_new] = log_.by_id.try_emplace(request->uuid(), log_.events.size() + 1);
    if (is_new) {
      v1::EventRecord record;
      record.set_key(request->event().key());
      record.set_offset(found->second);
      record.set_namespace_(request->event().namespace_());
      log_.events.push_back(record);
      log_.written.notify_all();
    } else {
      response->set_return_msg("exists");
    }
    if (lose_replies > 0) {
      --lose_replies;
      return {grpc::StatusCode::UNAVAILABLE, "the reply was lost"};
    }
    response->mutable_event()->set_offset(found->second);
    return grpc::Status::OK;
  }

  grpc::Status timestampToEventOffset(grpc::ServerContext*, const ns::TimeToOffsetRequest*,
                                      ns::TimeToOffsetResponse* response) override {
    const std::lock_guard lock(log_.mutex);
    response->set_offset(static_cast<int64_t>(log_.events.size()));
    return grpc::Status::OK;
  }

 private:
  Log& log_;
};

class EventLog final : public v1::EventLog::Service {
 public:
  explicit EventLog(Log& log) : log_(log) {}
  int64_t first = 0;  // a subscription to what is before is refused

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override {
    if (request->after_offset() < first) return {grpc::StatusCode::OUT_OF_RANGE, "not kept"};
    size_t next = static_cast<size_t>(request->after_offset());
    std::unique_lock lock(log_.mutex);
    while (!context->IsCancelled()) {
      for (; next < log_.events.size(); ++next) {
        v1::SubscribeResponse response;
        *response.add_events() = log_.events[next];
        writer->Write(response);
      }
      log_.written.wait_for(lock, milliseconds(10));
    }
    return grpc::Status::OK;
  }

 private:
  Log& log_;
};

/// One of several servers; stops and starts on its port.
class Server {
 public:
  explicit Server(Log& log) : notification(log), events(log) { Start(); }
  ~Server() { Stop(); }

  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&notification);
    builder.RegisterService(&events);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    server_.reset();
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  Notification notification;
  EventLog events;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class EventClientTest : public testing::Test {
 protected:
  [[nodiscard]] std::string Both() const { return first_.address() + ", " + second_.address(); }

  /// Collects what arrives.
  EventClient::Callback Collect() {
    return [this](const ReceivedEvent& event) {
      const std::lock_guard lock(mutex_);
      received_.push_back(event.key);
      arrived_.notify_all();
    };
  }
  void WaitFor(const std::vector<std::string>& keys) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, seconds(30), [&] { return received_ == keys; });
    EXPECT_EQ(received_, keys);
  }

  Log log_;
  Server first_{log_};
  Server second_{log_};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> received_;
};

TEST_F(EventClientTest, ASendGoesToTheNextServerWithTheSameId) {
  EventClient client(Both());
  first_.notification.lose_replies = 1;
  const Result<SentEvent> sent = client.Send("key", "value");
  ASSERT_TRUE(sent.has_value()) << sent.error().ToString();
  EXPECT_EQ(sent->offset, 1);
  EXPECT_TRUE(sent->duplicate);
  EXPECT_THAT(log_.Keys(), ElementsAre("key"));
}

TEST_F(EventClientTest, ManyThreadsLoseAndRepeatNothingWhileAServerDies) {
  EventClient client(Both());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < 25; ++number) {
        if (thread == 3 && number == 10) first_.Stop();
        EXPECT_TRUE(
            client.Send(std::to_string(thread) + "." + std::to_string(number), "").has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> keys = log_.Keys();
  EXPECT_EQ(keys.size(), 200U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 200U);
}

TEST_F(EventClientTest, AProducerKeyHoldsAcrossClients) {
  SendOptions options;
  options.event_id = "hour-3";
  EXPECT_FALSE(EventClient(Both()).Send("hour", "3", options)->duplicate);
  const Result<SentEvent> again = EventClient(second_.address()).Send("hour", "3", options);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->offset, 1);
}

TEST_F(EventClientTest, ASubscriptionGoesOnAtTheNextServerAfterTheLastEvent) {
  EventClient client(Both());
  EventClient::Filter filter;
  filter.after_offset = 0;
  ASSERT_TRUE(client.Send("1", "").has_value());
  const Result<Subscription> subscription = client.Listen(filter, Collect());
  WaitFor({"1"});
  first_.Stop();
  ASSERT_TRUE(client.Send("2", "").has_value());
  WaitFor({"1", "2"});
  first_.Start();
  second_.Stop();
  ASSERT_TRUE(client.Send("3", "").has_value());
  WaitFor({"1", "2", "3"});
}

TEST_F(EventClientTest, ASubscriptionOutlivesARestartOfTheOnlyServer) {
  EventClient client(first_.address());
  const Result<Subscription> subscription = client.Listen({}, Collect());
  for (const char* key : {"1", "2"}) {
    first_.Stop();
    first_.Start();
    ASSERT_TRUE(client.Send(key, "").has_value());
  }
  WaitFor({"1", "2"});
}

TEST_F(EventClientTest, APositionThatIsNotKeptIsSaid) {
  first_.events.first = 5;
  EventClient client(first_.address());
  EventClient::Filter filter;
  filter.after_offset = 1;
  filter.on_refused = [this](const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!received_.empty()) return;
    EXPECT_EQ(status.code(), Code::kOutOfRange);
    received_.push_back(status.message());
    arrived_.notify_all();
  };
  const Result<Subscription> subscription = client.Listen(filter, Collect());
  WaitFor({"subscribe at " + first_.address() + ": not kept"});
}

TEST_F(EventClientTest, ARefusalIsNotRepeatedAndNamesItsReason) {
  const Result<SentEvent> sent = EventClient(Both()).Send("refused", "");
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(sent.error().message(), HasSubstr("no such key"));
}

TEST_F(EventClientTest, WithoutAServerASendEndsAtItsTime) {
  first_.Stop();
  second_.Stop();
  EventClientOptions options;
  options.send_timeout = milliseconds(200);
  const Result<SentEvent> sent = EventClient(Both(), options).Send("key", "");
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code(), Code::kUnavailable) << sent.error().ToString();
}

TEST_F(EventClientTest, AListWithoutAnAddressIsRefused) {
  EventClient client(" , ");
  EventClient::Filter filter;
  filter.after_offset = 0;
  EXPECT_EQ(client.Send("key", "").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(client.Listen(filter, Collect()).error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace aiflow
