// Calls of a server over a real socket, counted.
#include "api/grpc/call_counts.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "api/grpc/grpc_server.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "notification_service/notification_service.grpc.pb.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

namespace ns = notification_service;

constexpr size_t kOk = 0;
constexpr size_t kNotFound = 5;
constexpr size_t kUnimplemented = 12;

class CallCountsTest : public testing::Test {
 protected:
  CallCountsTest() {
    auto socket = ListenSocket::Tcp("127.0.0.1", 0);
    EXPECT_TRUE(socket.has_value()) << socket.error();
    GrpcDoor door{.sockets = {}, .access = access_, .tls = std::nullopt};
    door.counts = &counts_;
    door.sockets.push_back(*std::move(socket));
    auto server = GrpcServer::StartNotification(service_, std::move(door));
    EXPECT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
    events_ = v1::EventLog::NewStub(channel_);
  }

  const MethodCounts& Of(const std::string& path, bool streams = false) {
    return counts_.Of(path, streams);
  }
  grpc::Status PublishEvent(const std::string& key) {
    grpc::ClientContext context;
    v1::PublishEventRequest request;
    request.mutable_event()->set_key(key);
    v1::PublishEventResponse response;
    return events_->PublishEvent(&context, request, &response);
  }
  /// The end of a stream is counted a moment before or after its client knows.
  static void Await(const std::atomic<int64_t>& count, int64_t expected) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (count.load() != expected && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    EXPECT_EQ(count.load(), expected);
  }

  CallCounts counts_;
  const Tokens tokens_{std::filesystem::path()};
  const Access access_{{}, tokens_};
  MemoryLog log_{SystemClock(), "log"};
  LogService service_{log_, {}};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::EventLog::Stub> events_;
};

TEST_F(CallCountsTest, AMethodThatCountsItselfIsCountedOnceByCodeAndDuration) {
  ASSERT_TRUE(PublishEvent("k").ok());
  ASSERT_FALSE(PublishEvent("").ok()) << "an empty key is refused";
  const MethodCounts& method = Of("/aiflow.v1.EventLog/PublishEvent");
  EXPECT_EQ(method.ended.at(kOk), 1);
  EXPECT_EQ(method.total(), 2);
  EXPECT_EQ(method.service, "aiflow.v1.EventLog");
  EXPECT_EQ(method.method, "PublishEvent");

  grpc::ClientContext context;
  ns::SendEventRequest request;
  request.mutable_event()->set_key("k");
  ns::SendEventsResponse response;
  ASSERT_TRUE(
      ns::NotificationService::NewStub(channel_)->sendEvent(&context, request, &response).ok());
  EXPECT_EQ(Of("/notification_service.NotificationService/sendEvent").ended.at(kOk), 1);
}

TEST_F(CallCountsTest, EveryOtherMethodIsCountedByTheInterceptor) {
  grpc::ClientContext context;
  v1::ListConsumersResponse response;
  ASSERT_TRUE(events_->ListConsumers(&context, v1::ListConsumersRequest(), &response).ok());
  grpc::ClientContext delete_context;
  v1::DeleteConsumerRequest request;
  request.set_name("nobody");
  v1::DeleteConsumerResponse deleted;
  EXPECT_EQ(events_->DeleteConsumer(&delete_context, request, &deleted).error_code(),
            grpc::StatusCode::NOT_FOUND);
  Await(Of("/aiflow.v1.EventLog/ListConsumers").ended.at(kOk), 1);
  Await(Of("/aiflow.v1.EventLog/DeleteConsumer").ended.at(kNotFound), 1);
  EXPECT_EQ(Of("/aiflow.v1.EventLog/DeleteConsumer").total(), 1);
  EXPECT_EQ(counts_.Methods().size(), 6U) << "four count themselves, two were called";
}

TEST_F(CallCountsTest, WhatClientsMakeUpIsCountedTogether) {
  grpc::TemplatedGenericStub<v1::ListConsumersRequest, v1::ListConsumersResponse> stub(channel_);
  for (const char* method : {"/aiflow.v1.EventLog/Nothing", "/made.up.Service/Method"}) {
    grpc::ClientContext context;
    const v1::ListConsumersRequest request;
    v1::ListConsumersResponse response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                   [&done](const grpc::Status& status) { done.set_value(status); });
    EXPECT_EQ(done.get_future().get().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
  Await(Of("/other/other").ended.at(kUnimplemented), 2);
  EXPECT_EQ(counts_.Methods().size(), 5U);
}

TEST_F(CallCountsTest, AStreamIsOpenUntilItsEnd) {
  ASSERT_TRUE(PublishEvent("k").ok());
  const MethodCounts& method = Of("/aiflow.v1.EventLog/Subscribe", /*streams=*/true);
  {
    grpc::ClientContext context;
    const auto reader = events_->Subscribe(&context, v1::SubscribeRequest());
    v1::SubscribeResponse response;
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(method.open, 1);
    context.TryCancel();
    reader->Finish();
  }
  Await(method.open, 0);
  EXPECT_EQ(method.total(), 1);
}

}  // namespace
}  // namespace aiflow::api
