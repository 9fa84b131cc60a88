// Private to api/grpc.
#pragma once

#include "aiflow/v1/event_log.grpc.pb.h"
#include "api/grpc/call_counter.h"
#include "eventlog/log_service.h"

namespace aiflow::api {

/// aiflow.v1.EventLog: publish, list and subscribe, durable consumers. Thread-safe.
class EventLogServiceAdapter final : public aiflow::v1::EventLog::CallbackService {
 public:
  /// Both must outlive the service; null: its calls are not counted.
  explicit EventLogServiceAdapter(LogService& log, CallCounts* counts = nullptr)
      : log_(log),
        publish_event_(OwnCounts(counts, "/aiflow.v1.EventLog/PublishEvent", /*streams=*/false)),
        publish_(OwnCounts(counts, "/aiflow.v1.EventLog/Publish", /*streams=*/true)),
        subscribe_(OwnCounts(counts, "/aiflow.v1.EventLog/Subscribe", /*streams=*/true)) {}

  grpc::ServerUnaryReactor* PublishEvent(grpc::CallbackServerContext* context,
                                         const aiflow::v1::PublishEventRequest* request,
                                         aiflow::v1::PublishEventResponse* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const aiflow::v1::ListEventsRequest* request,
                                       aiflow::v1::ListEventsResponse* response) override;
  grpc::ServerBidiReactor<aiflow::v1::PublishRequest, aiflow::v1::PublishResponse>* Publish(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<aiflow::v1::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* context, const aiflow::v1::SubscribeRequest* request) override;
  grpc::ServerUnaryReactor* RegisterConsumer(grpc::CallbackServerContext* context,
                                             const aiflow::v1::RegisterConsumerRequest* request,
                                             aiflow::v1::Consumer* response) override;
  grpc::ServerUnaryReactor* CommitConsumer(grpc::CallbackServerContext* context,
                                           const aiflow::v1::CommitConsumerRequest* request,
                                           aiflow::v1::Consumer* response) override;
  grpc::ServerUnaryReactor* ListConsumers(grpc::CallbackServerContext* context,
                                          const aiflow::v1::ListConsumersRequest* request,
                                          aiflow::v1::ListConsumersResponse* response) override;
  grpc::ServerUnaryReactor* DeleteConsumer(grpc::CallbackServerContext* context,
                                           const aiflow::v1::DeleteConsumerRequest* request,
                                           aiflow::v1::DeleteConsumerResponse* response) override;

 private:
  LogService& log_;
  MethodCounts* const publish_event_;
  MethodCounts* const publish_;
  MethodCounts* const subscribe_;
};

}  // namespace aiflow::api
