// The notification service over real sockets, on a log in memory.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "api/grpc/grpc_server.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "notification_service/notification_service.grpc.pb.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

namespace ns = notification_service;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NotificationServiceTest : public testing::Test {
 protected:
  NotificationServiceTest()
      : log_(SystemClock(), "log"),
        service_(log_, {}),
        server_(*GrpcServer::StartNotification(service_, "127.0.0.1", 0)),
        channel_(grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                     grpc::InsecureChannelCredentials())),
        stub_(ns::NotificationService::NewStub(channel_)) {}

  ns::SendEventsResponse Send(const std::string& key, const std::string& value,
                              const std::string& uuid = "", bool idempotent = true) {
    ns::SendEventRequest request;
    request.mutable_event()->set_key(key);
    request.mutable_event()->set_value(value);
    request.mutable_event()->set_namespace_("default");
    request.mutable_event()->set_sender("me");
    request.set_uuid(uuid);
    request.set_enable_idempotence(idempotent);
    grpc::ClientContext context;
    ns::SendEventsResponse response;
    EXPECT_TRUE(stub_->sendEvent(&context, request, &response).ok());
    return response;
  }

  std::vector<std::string> List(const ns::ListEventsRequest& request) {
    grpc::ClientContext context;
    ns::ListEventsResponse response;
    EXPECT_TRUE(stub_->listEvents(&context, request, &response).ok());
    EXPECT_EQ(response.return_code(), ns::SUCCESS) << response.return_msg();
    std::vector<std::string> values;
    for (const ns::EventProto& event : response.events()) values.push_back(event.value());
    return values;
  }

  std::vector<std::string> ListAll(int64_t start_time, int64_t start_offset, int64_t end_offset) {
    ns::ListAllEventsRequest request;
    request.set_start_time(start_time);
    request.set_start_offset(start_offset);
    request.set_end_offset(end_offset);
    grpc::ClientContext context;
    ns::ListEventsResponse response;
    EXPECT_TRUE(stub_->listAllEvents(&context, request, &response).ok());
    std::vector<std::string> values;
    for (const ns::EventProto& event : response.events()) values.push_back(event.value());
    return values;
  }

  MemoryLog log_;
  LogService service_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<ns::NotificationService::Stub> stub_;
};

TEST_F(NotificationServiceTest, SentEventComesBackWithOffsetAndTime) {
  const ns::SendEventsResponse first = Send("k", "a");
  EXPECT_EQ(first.return_code(), ns::SUCCESS);
  EXPECT_EQ(first.return_msg(), "");
  EXPECT_EQ(first.event().offset(), 1);
  EXPECT_GT(first.event().create_time(), 0);
  EXPECT_EQ(first.event().key(), "k");
  EXPECT_EQ(first.event().sender(), "me");
  EXPECT_EQ(Send("k", "b").event().offset(), 2);
}

TEST_F(NotificationServiceTest, RepeatedUuidAnswersTheStoredEvent) {
  const ns::SendEventsResponse first = Send("k", "a", "client_1_0");
  Send("k", "b", "client_1_1");
  const ns::SendEventsResponse again = Send("k", "a", "client_1_0");
  EXPECT_EQ(again.return_code(), ns::SUCCESS);
  EXPECT_EQ(again.return_msg(), "Ignored because event already exists.");
  EXPECT_EQ(again.event().offset(), first.event().offset());
  EXPECT_EQ(again.event().create_time(), first.event().create_time());
  EXPECT_EQ(log_.head(), 2);
}

TEST_F(NotificationServiceTest, UuidWithoutIdempotenceIsIgnored) {
  Send("k", "a", "u", /*idempotent=*/false);
  EXPECT_EQ(Send("k", "a", "u", /*idempotent=*/false).event().offset(), 2);
}

TEST_F(NotificationServiceTest, RefusedEventIsAnErrorWithAMessageAndNoRpcFailure) {
  EXPECT_EQ(Send("", "a").return_code(), ns::ERROR);
  const ns::SendEventsResponse other = (Send("k", "a", "u"), Send("k", "other", "u"));
  EXPECT_EQ(other.return_code(), ns::ERROR);
  EXPECT_NE(other.return_msg(), "");
  // Only the engine's own parts may report a task's status.
  EXPECT_EQ(Send("AIFLOW_SCHEDULING_EVENT", "TASK_STATUS").return_code(), ns::ERROR);
  EXPECT_EQ(log_.head(), 1);
}

TEST_F(NotificationServiceTest, Rule25OverloadIsUnavailableWithAHintWhenToRetry) {
  MemoryLog log(SystemClock(), "full");
  LogServiceOptions options;
  options.max_queued_bytes = 1;  // always full
  LogService service(log, options);
  const auto server = *GrpcServer::StartNotification(service, "127.0.0.1", 0);
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()),
                                           grpc::InsecureChannelCredentials());
  const auto stub = ns::NotificationService::NewStub(channel);
  ns::SendEventRequest request;
  request.mutable_event()->set_key("k");
  grpc::ClientContext context;
  ns::SendEventsResponse response;
  const grpc::Status status = stub->sendEvent(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("overloaded"));
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1U);
  EXPECT_EQ(log.head(), 0);
}

TEST_F(NotificationServiceTest, ListFiltersByOffsetsKeyAndStar) {
  Send("x", "1");
  Send("y", "2");
  Send("x", "3");
  Send("x", "4");
  ns::ListEventsRequest request;
  EXPECT_THAT(List(request), ElementsAre("1", "2", "3", "4"));
  request.set_key("*");
  EXPECT_THAT(List(request), ElementsAre("1", "2", "3", "4"));
  request.set_key("x");
  EXPECT_THAT(List(request), ElementsAre("1", "3", "4"));
  request.set_start_offset(1);
  request.set_end_offset(3);
  EXPECT_THAT(List(request), ElementsAre("3"));
  request.set_namespace_("elsewhere");
  EXPECT_THAT(List(request), IsEmpty());
}

TEST_F(NotificationServiceTest, ListAllPrefersOffsetsToTime) {
  Send("x", "1");
  const int64_t second = Send("y", "2").event().create_time();
  Send("x", "3");
  EXPECT_THAT(ListAll(0, 0, 0), ElementsAre("1", "2", "3"));
  EXPECT_THAT(ListAll(second + 1'000'000, 1, 2), ElementsAre("2"));
  EXPECT_THAT(ListAll(second + 1'000'000, 0, 0), IsEmpty());
  EXPECT_THAT(ListAll(-5, -5, -5), ElementsAre("1", "2", "3"));
}

TEST_F(NotificationServiceTest, LongPollReturnsAtTheFirstMatchingWrite) {
  ns::ListEventsRequest request;
  request.set_key("wanted");
  request.set_timeout_seconds(60);
  auto polled = std::async(std::launch::async, [&] { return List(request); });
  // The poll ends because of a write, whether it came before or after the poll began.
  Send("other", "0");
  Send("wanted", "1");
  EXPECT_THAT(polled.get(), ElementsAre("1"));
}

TEST_F(NotificationServiceTest, CancelledLongPollsLeaveNothingBehind) {
  ns::ListEventsRequest request;
  request.set_timeout_seconds(3600);
  for (int i = 0; i < 8; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(20));
    ns::ListEventsResponse response;
    EXPECT_EQ(stub_->listEvents(&context, request, &response).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  // Waits for calls under way, so a wait that was left over would hang here.
  server_->Shutdown(std::chrono::seconds(5));
}

TEST_F(NotificationServiceTest, CountsPerSenderInOrderOfAppearance) {
  Send("x", "1");
  Send("x", "2");
  ns::SendEventRequest send;
  send.mutable_event()->set_key("x");
  grpc::ClientContext send_context;
  ns::SendEventsResponse sent;
  ASSERT_TRUE(stub_->sendEvent(&send_context, send, &sent).ok());
  grpc::ClientContext context;
  ns::CountEventsResponse response;
  ASSERT_TRUE(stub_->countEvents(&context, {}, &response).ok());
  EXPECT_EQ(response.event_count(), 3);
  ASSERT_EQ(response.sender_event_counts_size(), 2);
  EXPECT_EQ(response.sender_event_counts(0).sender(), "me");
  EXPECT_EQ(response.sender_event_counts(0).event_count(), 2);
  EXPECT_EQ(response.sender_event_counts(1).sender(), "");
}

TEST_F(NotificationServiceTest, ClientsAreRegisteredAndDeletedOnce) {
  grpc::ClientContext register_context;
  ns::RegisterClientRequest request;
  ns::RegisterClientResponse registered;
  ASSERT_TRUE(stub_->registerClient(&register_context, request, &registered).ok());
  EXPECT_EQ(registered.client_id(), 1);
  ns::ClientIdRequest id;
  id.set_client_id(registered.client_id());
  const auto exists = [&] {
    grpc::ClientContext context;
    ns::isClientExistsResponse response;
    EXPECT_TRUE(stub_->isClientExists(&context, id, &response).ok());
    return response.is_exists();
  };
  const auto remove = [&] {
    grpc::ClientContext context;
    ns::CommonResponse response;
    EXPECT_TRUE(stub_->deleteClient(&context, id, &response).ok());
    return response.return_code();
  };
  EXPECT_TRUE(exists());
  EXPECT_EQ(remove(), ns::SUCCESS);
  EXPECT_FALSE(exists());
  EXPECT_EQ(remove(), ns::ERROR);
}

TEST_F(NotificationServiceTest, TimestampGivesTheLastOffsetUpToIt) {
  const int64_t time = Send("x", "1").event().create_time();
  const auto offset = [&](int64_t timestamp) {
    ns::TimeToOffsetRequest request;
    request.set_timestamp(timestamp);
    grpc::ClientContext context;
    ns::TimeToOffsetResponse response;
    EXPECT_TRUE(stub_->timestampToEventOffset(&context, request, &response).ok());
    return response.offset();
  };
  EXPECT_EQ(offset(time - 1), 0);
  EXPECT_EQ(offset(time), 1);
}

TEST_F(NotificationServiceTest, MembersAreNone) {
  grpc::ClientContext context;
  ns::ListMembersResponse response;
  ASSERT_TRUE(stub_->listMembers(&context, {}, &response).ok());
  EXPECT_EQ(response.return_code(), ns::SUCCESS);
  EXPECT_EQ(response.members_size(), 0);
}

TEST_F(NotificationServiceTest, PublishAcknowledgesInOrderAndSubscribeDeliversAll) {
  const auto log = v1::EventLog::NewStub(channel_);
  constexpr int kEvents = 5'000;
  grpc::ClientContext publish_context;
  const auto publish = log->Publish(&publish_context);
  auto writer = std::async(std::launch::async, [&] {
    for (int i = 0; i < kEvents; ++i) {
      v1::PublishRequest request;
      request.set_sequence(i);
      // One of them is refused; the stream goes on.
      request.mutable_event()->set_key(i == 7 ? "" : "k");
      request.mutable_event()->set_value(std::to_string(i));
      publish->Write(request);
    }
    publish->WritesDone();
  });
  v1::PublishResponse acknowledged;
  Offset offset = 0;
  for (int i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(publish->Read(&acknowledged));
    ASSERT_EQ(acknowledged.sequence(), i);
    if (i == 7) {
      EXPECT_THAT(acknowledged.error(), HasSubstr("INVALID_ARGUMENT"));
    } else {
      ASSERT_EQ(acknowledged.offset(), ++offset) << acknowledged.error();
    }
  }
  writer.get();
  EXPECT_FALSE(publish->Read(&acknowledged));
  EXPECT_TRUE(publish->Finish().ok());

  grpc::ClientContext subscribe_context;
  v1::SubscribeRequest request;
  request.set_after_offset(10);
  const auto subscription = log->Subscribe(&subscribe_context, request);
  Offset last = 10;
  v1::SubscribeResponse batch;
  while (last < offset) {
    ASSERT_TRUE(subscription->Read(&batch));
    for (const v1::EventRecord& event : batch.events()) ASSERT_EQ(event.offset(), ++last);
  }
  Send("k", "live");
  ASSERT_TRUE(subscription->Read(&batch));
  EXPECT_EQ(batch.events(0).value(), "live");
  subscribe_context.TryCancel();
  EXPECT_EQ(subscription->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

// Rule 5: new calls say that events are gone, old ones begin at the oldest.
TEST_F(NotificationServiceTest, ReadingBelowTheFirstOffsetIsOutOfRangeForSubscriptionsOnly) {
  for (int i = 1; i <= 5; ++i) Send("k", std::to_string(i));
  std::promise<Result<Offset>> dropped;
  service_.DropBefore(4, [&](Result<Offset> first) { dropped.set_value(std::move(first)); });
  ASSERT_EQ(*dropped.get_future().get(), 4);
  const auto log = v1::EventLog::NewStub(channel_);
  v1::SubscribeRequest request;
  v1::SubscribeResponse batch;
  {
    grpc::ClientContext context;
    request.set_after_offset(2);
    const auto subscription = log->Subscribe(&context, request);
    EXPECT_FALSE(subscription->Read(&batch));
    const grpc::Status status = subscription->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(status.error_message(), HasSubstr("first offset is 4"));
  }
  for (const Offset after : {0, 3}) {
    grpc::ClientContext context;
    request.set_after_offset(after);
    const auto subscription = log->Subscribe(&context, request);
    ASSERT_TRUE(subscription->Read(&batch));
    EXPECT_EQ(batch.events(0).offset(), 4);
    context.TryCancel();
  }
}

TEST_F(NotificationServiceTest, SubscriptionToSeveralKeysSkipsTheOthers) {
  Send("a", "1");
  Send("b", "2");
  Send("c", "3");
  const auto log = v1::EventLog::NewStub(channel_);
  grpc::ClientContext context;
  v1::SubscribeRequest request;
  request.add_keys("a");
  request.add_keys("c");
  const auto subscription = log->Subscribe(&context, request);
  std::vector<std::string> values;
  v1::SubscribeResponse batch;
  while (values.size() < 2 && subscription->Read(&batch)) {
    for (const v1::EventRecord& event : batch.events()) values.push_back(event.value());
  }
  EXPECT_THAT(values, ElementsAre("1", "3"));
  context.TryCancel();
}

}  // namespace
}  // namespace aiflow::api
