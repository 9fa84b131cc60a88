// Private to api/grpc.
#pragma once

#include "api/grpc/call_counter.h"
#include "api/grpc/log_calls.h"
#include "eventlog/log_service.h"
#include "notification_service/notification_service.grpc.pb.h"

namespace aiflow::api {

/// The frozen notification service over the log. Failures are ERROR with a message in the response;
/// overload alone is gRPC UNAVAILABLE. Thread-safe.
class NotificationServiceAdapter final
    : public notification_service::NotificationService::CallbackService {
 public:
  /// Both must outlive the service; null: its calls are not counted.
  explicit NotificationServiceAdapter(LogService& log, CallCounts* counts = nullptr)
      : log_(log),
        send_event_(OwnCounts(counts, "/notification_service.NotificationService/sendEvent",
                              /*streams=*/false)) {}

  grpc::ServerUnaryReactor* sendEvent(grpc::CallbackServerContext* context,
                                      const notification_service::SendEventRequest* request,
                                      notification_service::SendEventsResponse* response) override;
  grpc::ServerUnaryReactor* listEvents(grpc::CallbackServerContext* context,
                                       const notification_service::ListEventsRequest* request,
                                       notification_service::ListEventsResponse* response) override;
  grpc::ServerUnaryReactor* listAllEvents(
      grpc::CallbackServerContext* context,
      const notification_service::ListAllEventsRequest* request,
      notification_service::ListEventsResponse* response) override;
  grpc::ServerUnaryReactor* countEvents(
      grpc::CallbackServerContext* context, const notification_service::CountEventsRequest* request,
      notification_service::CountEventsResponse* response) override;
  grpc::ServerUnaryReactor* notify(grpc::CallbackServerContext* context,
                                   const notification_service::NotifyRequest* request,
                                   notification_service::CommonResponse* response) override;
  grpc::ServerUnaryReactor* listMembers(
      grpc::CallbackServerContext* context, const notification_service::ListMembersRequest* request,
      notification_service::ListMembersResponse* response) override;
  grpc::ServerUnaryReactor* notifyNewMember(
      grpc::CallbackServerContext* context,
      const notification_service::NotifyNewMemberRequest* request,
      notification_service::CommonResponse* response) override;
  grpc::ServerUnaryReactor* registerClient(
      grpc::CallbackServerContext* context,
      const notification_service::RegisterClientRequest* request,
      notification_service::RegisterClientResponse* response) override;
  grpc::ServerUnaryReactor* deleteClient(grpc::CallbackServerContext* context,
                                         const notification_service::ClientIdRequest* request,
                                         notification_service::CommonResponse* response) override;
  grpc::ServerUnaryReactor* isClientExists(
      grpc::CallbackServerContext* context, const notification_service::ClientIdRequest* request,
      notification_service::isClientExistsResponse* response) override;
  grpc::ServerUnaryReactor* timestampToEventOffset(
      grpc::CallbackServerContext* context,
      const notification_service::TimeToOffsetRequest* request,
      notification_service::TimeToOffsetResponse* response) override;

 private:
  grpc::ServerUnaryReactor* ListAndFinish(grpc::CallbackServerContext* context,
                                          const EventFilter& filter, int32_t timeout_seconds,
                                          notification_service::ListEventsResponse* response);

  LogService& log_;
  MethodCounts* const send_event_;
  AnswersUnderWay under_way_;
};

}  // namespace aiflow::api
