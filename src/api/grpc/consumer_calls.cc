// The durable consumers of aiflow.v1.EventLog.
#include <algorithm>
#include <optional>

#include "api/grpc/event_log_service.h"
#include "api/grpc/grpc_status.h"

namespace aiflow::api {
namespace {

void ToProto(const Consumer& consumer, Offset head, v1::Consumer* proto) {
  proto->set_name(consumer.name);
  proto->set_cursor(consumer.cursor);
  proto->set_lag(std::max<Offset>(head - consumer.cursor, 0));
  proto->set_create_time(consumer.create_time.count());
  proto->set_commit_time(consumer.commit_time.count());
}

/// The server's own consumer keeps events that it still needs.
Status CheckName(const std::string& name) {
  if (name != kServerConsumer) return Status::Ok();
  return {Code::kPermissionDenied,
          "consumer '" + name + "' is the AIFlow server's own, and goes with the log"};
}

LogService::ConsumerDone Answer(LogService& log, grpc::CallbackServerContext* context,
                                grpc::ServerUnaryReactor* reactor, v1::Consumer* response) {
  return [&log, context, reactor, response](const Result<Consumer>& consumer) {
    const Status status = consumer.has_value() ? Status::Ok() : consumer.error();
    if (consumer.has_value()) ToProto(*consumer, log.head(), response);
    HintRetry(context, status);
    reactor->Finish(ToGrpc(status));
  };
}

}  // namespace

grpc::ServerUnaryReactor* EventLogServiceAdapter::RegisterConsumer(
    grpc::CallbackServerContext* context, const v1::RegisterConsumerRequest* request,
    v1::Consumer* response) {
  if (const Status named = CheckName(request->name()); !named.ok()) {
    return FinishNow(context, named);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  std::optional<Offset> after;
  if (!request->from_now()) after = std::max<Offset>(request->after_offset(), 0);
  log_.RegisterConsumer(request->name(), after, Answer(log_, context, reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* EventLogServiceAdapter::CommitConsumer(
    grpc::CallbackServerContext* context, const v1::CommitConsumerRequest* request,
    v1::Consumer* response) {
  if (const Status named = CheckName(request->name()); !named.ok()) {
    return FinishNow(context, named);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.CommitConsumer(request->name(), request->offset(), Answer(log_, context, reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* EventLogServiceAdapter::ListConsumers(
    grpc::CallbackServerContext* context, const v1::ListConsumersRequest*,
    v1::ListConsumersResponse* response) {
  const Offset head = log_.head();
  for (const Consumer& consumer : log_.Consumers()) {
    ToProto(consumer, head, response->add_consumers());
  }
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* EventLogServiceAdapter::DeleteConsumer(
    grpc::CallbackServerContext* context, const v1::DeleteConsumerRequest* request,
    v1::DeleteConsumerResponse*) {
  if (const Status named = CheckName(request->name()); !named.ok()) {
    return FinishNow(context, named);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.DeleteConsumer(request->name(), [context, reactor](const Status& status) {
    HintRetry(context, status);
    reactor->Finish(ToGrpc(status));
  });
  return reactor;
}

}  // namespace aiflow::api
