// The log of another process over real sockets, on a log in memory.
#include "api/grpc/remote_event_log.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aiflow/internal/v1/log_access.grpc.pb.h"
#include "aiflow/v1/event_log.grpc.pb.h"
#include "api/grpc/grpc_server.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSecret(64, 's');
constexpr Millis kPatience{30'000};

Event Make(const std::string& key, const std::string& id = "") {
  Event event;
  event.key = key;
  event.value = "value of " + key;
  event.kind = EventKind::kInternal;
  event.id = id;
  return event;
}

/// A notification server that can be stopped and started again on its port.
class RemoteEventLogTest : public testing::Test {
 protected:
  RemoteEventLogTest() { Start(); }

  void Start() {
    service_ = std::make_unique<LogService>(*log_, LogServiceOptions{});
    auto server = GrpcServer::StartLog(*service_, "127.0.0.1", port_);
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
    port_ = server_->port();
  }
  void Stop() {
    server_.reset();
    service_.reset();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  Result<std::unique_ptr<RemoteEventLog>> Open(const std::string& secret = kSecret,
                                               const std::string& log_id = "") {
    return RemoteEventLog::Open({address(), secret, log_id, Millis(2'000)});
  }
  /// What another client does.
  AppendResult AppendThere(Event event) {
    std::promise<Result<AppendResult>> done;
    service_->AppendAsync(std::move(event), Admission::kExternal,
                          [&done](Result<AppendResult> result) { done.set_value(result); });
    return *done.get_future().get();
  }
  static std::vector<std::string> Keys(const Result<std::vector<Event>>& events) {
    EXPECT_TRUE(events.has_value()) << events.error();
    std::vector<std::string> keys;
    if (events.has_value()) {
      for (const Event& event : *events) keys.push_back(event.key);
    }
    return keys;
  }

  std::unique_ptr<MemoryLog> log_ = std::make_unique<MemoryLog>(SystemClock(), "log");
  std::unique_ptr<LogService> service_;
  std::unique_ptr<GrpcServer> server_;
  int port_ = 0;
};

TEST_F(RemoteEventLogTest, EventsOfEveryKindGoThroughAsTheyAre) {
  const auto remote = *Open();
  const auto results = remote->Append({Make("a", "i/1"), Make("b", "i/2"), Make("a", "i/1")});
  ASSERT_TRUE(results.has_value()) << results.error();
  EXPECT_EQ((*results)[1]->offset, 2);
  EXPECT_TRUE((*results)[2]->duplicate);
  EXPECT_EQ(remote->head(), 2);
  const auto read = remote->Read(0, 10, 1 << 20);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, *log_->Read(0, 10, 1 << 20));
  EXPECT_EQ(*remote->List({.key = "b", .include_internal = true}, 10, 1 << 20),
            std::vector<Event>{(*read)[1]});
  EXPECT_EQ(remote->Count({.include_internal = true})->first, 2);
  EXPECT_EQ(*remote->OffsetAt((*read)[1].create_time), 2);
}

TEST_F(RemoteEventLogTest, AnotherPayloadUnderAnIdIsRefusedAlone) {
  const auto remote = *Open();
  ASSERT_TRUE(remote->Append({Make("a", "i/1")}).has_value());
  const auto results = remote->Append({Make("other", "i/1"), Make("b", "i/2")});
  ASSERT_TRUE(results.has_value());
  EXPECT_EQ((*results)[0].error().code(), Code::kAlreadyExists);
  EXPECT_EQ((*results)[1]->offset, 2);
}

TEST_F(RemoteEventLogTest, Rule6OnlyTheFirstOwnerMayAppendWhatTheWireMayNot) {
  const auto first = *Open();
  const auto second = Open(std::string(64, 'x'));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(second.error().message(), HasSubstr("notification db reset"));
  EXPECT_TRUE(Open().has_value()) << "the owner comes back";
  // Without the secret nothing is open, and reading is not, either.
  const auto stub = internal::v1::LogAccess::NewStub(
      grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext append_context;
  internal::v1::AppendRequest append;
  append.add_events()->set_key("forged");
  append.mutable_events(0)->set_id("i/forged");
  internal::v1::AppendResponse appended;
  EXPECT_EQ(stub->Append(&append_context, append, &appended).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  grpc::ClientContext list_context;
  list_context.AddMetadata("aiflow-log-secret", log_->owner());
  internal::v1::ListResponse listed;
  EXPECT_EQ(stub->List(&list_context, internal::v1::ListRequest(), &listed).error_code(),
            grpc::StatusCode::PERMISSION_DENIED)
      << "the digest is not the secret";
  EXPECT_EQ(log_->head(), 0);
}

TEST_F(RemoteEventLogTest, Rule2AnotherLogIsRefused) {
  const auto remote = Open(kSecret, "another-log");
  ASSERT_FALSE(remote.has_value());
  EXPECT_EQ(remote.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(remote.error().message(), HasSubstr("this is event log log, not another-log"));
  EXPECT_EQ(log_->owner(), "") << "claimed by a server that it does not fit";
}

TEST_F(RemoteEventLogTest, WhatOthersAppendIsToldOfAndRead) {
  const auto remote = *Open();
  std::mutex mutex;
  std::condition_variable changed;
  Offset head = 0;
  remote->Follow([&] {
    const std::lock_guard lock(mutex);
    head = remote->head();
    changed.notify_all();
  });
  for (int i = 0; i < 3; ++i) AppendThere(Make("k" + std::to_string(i)));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, kPatience, [&] { return head == 3; }));
  EXPECT_THAT(Keys(remote->Read(0, 10, 1 << 20)), ElementsAre("k0", "k1", "k2"));
  EXPECT_THAT(Keys(remote->Read(1, 1, 1 << 20)), ElementsAre("k1"));
  lock.unlock();
  remote->Interrupt();
}

TEST_F(RemoteEventLogTest, E18ARestartOfTheServerIsSurvivedByItself) {
  const auto remote = *Open();
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
  remote->Follow([&] {
    const std::lock_guard lock(mutex);
    ++told;
    changed.notify_all();
  });
  ASSERT_TRUE(remote->Append({Make("before", "i/1")}).has_value());
  Stop();
  // The pause is shorter than the patience of an append, so that it is answered all the same.
  auto during = std::async(std::launch::async, [&] { return remote->Append({Make("x", "i/2")}); });
  Start();
  const auto appended = during.get();
  ASSERT_TRUE(appended.has_value()) << appended.error();
  EXPECT_EQ((*appended)[0]->offset, 2);
  AppendThere(Make("after"));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, kPatience, [&] { return remote->head() == 3; }));
  EXPECT_EQ(remote->AwayReason(), "");
  lock.unlock();
  remote->Interrupt();
}

TEST_F(RemoteEventLogTest, AServerThatIsAwayIsNamedAndHoldsUpNothing) {
  const auto remote = *Open();
  remote->Follow([] {});
  Stop();
  while (remote->AwayReason().empty()) std::this_thread::yield();
  EXPECT_THAT(remote->AwayReason(), HasSubstr(address()));
  const auto appended = remote->Append({Make("x", "i/2")});
  EXPECT_EQ(appended.error().code(), Code::kUnavailable);
  EXPECT_EQ(remote->Count({}).error().code(), Code::kUnavailable);
  EXPECT_TRUE(remote->Read(remote->head(), 10, 1 << 20)->empty()) << "there is nothing to ask for";
  remote->Interrupt();
  EXPECT_EQ(Open().error().code(), Code::kDeadlineExceeded);
}

TEST_F(RemoteEventLogTest, ALogThatHasBecomeShorterIsNotUsed) {
  const auto remote = *Open();
  remote->Follow([] {});
  ASSERT_TRUE(remote->Append({Make("a", "i/1"), Make("b", "i/2")}).has_value());
  Stop();
  while (remote->AwayReason().empty()) std::this_thread::yield();
  log_ = std::make_unique<MemoryLog>(SystemClock(), "log");
  Start();
  while (remote->AwayReason().find("restored from an older copy") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_EQ(remote->Append({Make("c", "i/3")}).error().code(), Code::kUnavailable);
  remote->Interrupt();
  EXPECT_EQ(log_->head(), 0);
}

TEST_F(RemoteEventLogTest, Rule5ItsPlaceKeepsWhatItStillNeeds) {
  const auto remote = *Open();
  for (int i = 0; i < 10; ++i) AppendThere(Make("k"));
  std::promise<Offset> dropped;
  service_->DropBefore(11, [&dropped](Result<Offset> first) { dropped.set_value(*first); });
  EXPECT_EQ(dropped.get_future().get(), 1);
  ASSERT_TRUE(remote->DropBefore(7).has_value());
  std::promise<Offset> again;
  service_->DropBefore(11, [&again](Result<Offset> first) { again.set_value(*first); });
  EXPECT_EQ(again.get_future().get(), 7);
  // No client may take or move the server's place.
  const auto stub =
      v1::EventLog::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::DeleteConsumerRequest request;
  request.set_name(kServerConsumer);
  v1::DeleteConsumerResponse response;
  EXPECT_EQ(stub->DeleteConsumer(&context, request, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(RemoteEventLogTest, ASharedLogWakesWhoWaitsForWhatOthersAppend) {
  const auto remote = *Open();
  LogServiceOptions shared;
  shared.shared = true;
  LogService local(*remote, shared);
  remote->Follow([&local] { local.Refresh(); });
  std::promise<std::vector<std::string>> found;
  local.List({.key = "k", .include_internal = true}, kPatience,
             [&found](Result<std::vector<Event>> events) { found.set_value(Keys(events)); });
  AppendThere(Make("other"));
  AppendThere(Make("k"));
  EXPECT_THAT(found.get_future().get(), ElementsAre("k"));
  remote->Interrupt();
  local.Stop();
}

TEST_F(RemoteEventLogTest, AConsumerGoesOnBehindItsCursor) {
  for (int i = 1; i <= 5; ++i) {
    Event event = Make("k" + std::to_string(i));
    event.kind = EventKind::kUser;
    AppendThere(event);
  }
  const auto stub =
      v1::EventLog::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext register_context;
  v1::RegisterConsumerRequest registration;
  registration.set_name("reader");
  v1::Consumer consumer;
  ASSERT_TRUE(stub->RegisterConsumer(&register_context, registration, &consumer).ok());
  EXPECT_EQ(consumer.lag(), 5);
  grpc::ClientContext commit_context;
  v1::CommitConsumerRequest commit;
  commit.set_name("reader");
  commit.set_offset(3);
  ASSERT_TRUE(stub->CommitConsumer(&commit_context, commit, &consumer).ok());
  EXPECT_EQ(consumer.lag(), 2);

  grpc::ClientContext context;
  v1::SubscribeRequest request;
  request.set_consumer("reader");
  const auto reader = stub->Subscribe(&context, request);
  v1::SubscribeResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.events(0).offset(), 4);
  context.TryCancel();

  grpc::ClientContext unknown_context;
  request.set_consumer("nobody");
  const auto unknown = stub->Subscribe(&unknown_context, request);
  EXPECT_FALSE(unknown->Read(&response));
  EXPECT_EQ(unknown->Finish().error_code(), grpc::StatusCode::NOT_FOUND);

  grpc::ClientContext list_context;
  v1::ListConsumersResponse list;
  ASSERT_TRUE(stub->ListConsumers(&list_context, v1::ListConsumersRequest(), &list).ok());
  ASSERT_EQ(list.consumers_size(), 1);
  EXPECT_EQ(list.consumers(0).cursor(), 3);
}

}  // namespace
}  // namespace aiflow::api
