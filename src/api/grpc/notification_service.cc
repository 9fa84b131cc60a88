#include "api/grpc/notification_service.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/grpc_status.h"

namespace aiflow::api {
namespace {

namespace ns = notification_service;

constexpr char kAlreadyExists[] = "Ignored because event already exists.";

std::string AnyToEmpty(const std::string& filter) { return filter == "*" ? "" : filter; }

/// Fills the response's status and gives the call's: overload is the call's own failure, anything
/// else an ERROR in the response.
template <typename Response>
grpc::Status Answer(grpc::CallbackServerContext* context, const Status& status,
                    Response* response) {
  if (status.code() == Code::kUnavailable) {
    HintRetry(context, status);
    return ToGrpc(status);
  }
  response->set_return_code(status.ok() ? ns::SUCCESS : ns::ERROR);
  if (!status.ok()) response->set_return_msg(status.message());
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

Event FromProto(const ns::EventProto& proto) {
  Event event;
  event.key = proto.key();
  event.value = proto.value();
  event.context = proto.context();
  event.ns = proto.namespace_();
  event.sender = proto.sender();
  return event;
}

void ToProto(Event event, ns::EventProto* proto) {
  proto->set_key(std::move(event.key));
  proto->set_value(std::move(event.value));
  proto->set_context(std::move(event.context));
  proto->set_namespace_(std::move(event.ns));
  proto->set_sender(std::move(event.sender));
  proto->set_offset(event.offset);
  proto->set_create_time(event.create_time.count());
}

/// Ends after a time or when its client goes away. Deletes itself.
class DelayedCall final : public grpc::ServerUnaryReactor {
 public:
  explicit DelayedCall(std::chrono::seconds delay) {
    alarm_.Set(std::chrono::system_clock::now() + delay,
               [this](bool) { Finish(grpc::Status::OK); });
  }
  void OnCancel() override { alarm_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  grpc::Alarm alarm_;
};

}  // namespace

grpc::ServerUnaryReactor* NotificationServiceAdapter::sendEvent(
    grpc::CallbackServerContext* context, const ns::SendEventRequest* request,
    ns::SendEventsResponse* response) {
  const CountedCall call(send_event_);
  Event event = FromProto(request->event());
  if (const Status admitted = AdmitFromWire(request->uuid(), request->enable_idempotence(), &event);
      !admitted.ok()) {
    return FinishNow(context, call.Ended(Answer(context, admitted, response)));
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.AppendAsync(std::move(event), Admission::kExternal, [=](const Result<AppendResult>& stored) {
    if (!stored.has_value()) {
      reactor->Finish(call.Ended(Answer(context, stored.error(), response)));
      return;
    }
    *response->mutable_event() = request->event();
    response->mutable_event()->set_offset(stored->offset);
    response->mutable_event()->set_create_time(stored->create_time.count());
    if (stored->duplicate) response->set_return_msg(kAlreadyExists);
    reactor->Finish(call.Ended(Answer(context, Status::Ok(), response)));
  });
  return reactor;
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::ListAndFinish(
    grpc::CallbackServerContext* context, const EventFilter& filter, int32_t timeout_seconds,
    ns::ListEventsResponse* response) {
  if (under_way_.TooMany()) {
    const Status busy(Code::kUnavailable, "clients have not read lists of " +
                                              std::to_string(AnswersUnderWay::kMaxBytes >> 20) +
                                              " MiB yet that they asked for; try again later");
    return FinishNow(context, Answer(context, busy, response));
  }
  auto* call =
      new ListCall(log_, under_way_, [context, response](Result<std::vector<Event>> events) {
        if (!events.has_value()) return Answer(context, events.error(), response);
        response->mutable_events()->Reserve(static_cast<int>(events->size()));
        for (Event& event : *events) ToProto(std::move(event), response->add_events());
        return Answer(context, Status::Ok(), response);
      });
  call->Begin(filter, std::chrono::seconds(std::max(0, timeout_seconds)));
  return call;
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::listEvents(
    grpc::CallbackServerContext* context, const ns::ListEventsRequest* request,
    ns::ListEventsResponse* response) {
  EventFilter filter;
  filter.key = AnyToEmpty(request->key());
  filter.ns = AnyToEmpty(request->namespace_());
  filter.sender = AnyToEmpty(request->sender());
  filter.after = std::max<int64_t>(0, request->start_offset());
  filter.until = std::max<int64_t>(0, request->end_offset());
  return ListAndFinish(context, filter, request->timeout_seconds(), response);
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::listAllEvents(
    grpc::CallbackServerContext* context, const ns::ListAllEventsRequest* request,
    ns::ListEventsResponse* response) {
  EventFilter filter;
  if (request->start_offset() > 0) {
    filter.after = request->start_offset();
    filter.until = std::max<int64_t>(0, request->end_offset());
  } else if (request->start_time() > 0) {
    const Result<Offset> before = log_.OffsetBefore(Millis(request->start_time()));
    if (!before.has_value()) {
      return FinishNow(context, Answer(context, before.error(), response));
    }
    filter.after = *before;
  }
  return ListAndFinish(context, filter, request->timeout_seconds(), response);
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::countEvents(
    grpc::CallbackServerContext* context, const ns::CountEventsRequest* request,
    ns::CountEventsResponse* response) {
  EventFilter filter;
  filter.key = AnyToEmpty(request->key());
  filter.ns = AnyToEmpty(request->namespace_());
  filter.sender = AnyToEmpty(request->sender());
  filter.after = std::max<int64_t>(0, request->start_offset());
  filter.until = std::max<int64_t>(0, request->end_offset());
  const auto counted = log_.Count(filter);
  if (!counted.has_value()) {
    return FinishNow(context, Answer(context, counted.error(), response));
  }
  response->set_event_count(counted->first);
  for (const SenderCount& sender : counted->second) {
    ns::SenderEventCountProto* proto = response->add_sender_event_counts();
    proto->set_sender(sender.sender);
    proto->set_event_count(sender.count);
  }
  return FinishNow(context, Answer(context, Status::Ok(), response));
}

// Writers of this server wake its waiters themselves, and there are no other members.
grpc::ServerUnaryReactor* NotificationServiceAdapter::notify(grpc::CallbackServerContext* context,
                                                             const ns::NotifyRequest*,
                                                             ns::CommonResponse* response) {
  return FinishNow(context, Answer(context, Status::Ok(), response));
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::listMembers(
    grpc::CallbackServerContext* context, const ns::ListMembersRequest* request,
    ns::ListMembersResponse* response) {
  response->set_return_code(ns::SUCCESS);
  if (request->timeout_seconds() <= 0) return FinishNow(context, grpc::Status::OK);
  return new DelayedCall(std::chrono::seconds(request->timeout_seconds()));
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::notifyNewMember(
    grpc::CallbackServerContext* context, const ns::NotifyNewMemberRequest*,
    ns::CommonResponse* response) {
  return FinishNow(context, Answer(context, Status::Ok(), response));
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::registerClient(
    grpc::CallbackServerContext* context, const ns::RegisterClientRequest* request,
    ns::RegisterClientResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.RegisterClient(request->client_meta().namespace_(), request->client_meta().sender(),
                      [=](const Result<int64_t>& id) {
                        if (id.has_value()) response->set_client_id(*id);
                        const Status status = id.has_value() ? Status::Ok() : id.error();
                        reactor->Finish(Answer(context, status, response));
                      });
  return reactor;
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::deleteClient(
    grpc::CallbackServerContext* context, const ns::ClientIdRequest* request,
    ns::CommonResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.DeleteClient(request->client_id(), [=](const Status& status) {
    reactor->Finish(Answer(context, status, response));
  });
  return reactor;
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::isClientExists(
    grpc::CallbackServerContext* context, const ns::ClientIdRequest* request,
    ns::isClientExistsResponse* response) {
  const Result<bool> exists = log_.ClientExists(request->client_id());
  if (exists.has_value()) response->set_is_exists(*exists);
  const Status status = exists.has_value() ? Status::Ok() : exists.error();
  return FinishNow(context, Answer(context, status, response));
}

grpc::ServerUnaryReactor* NotificationServiceAdapter::timestampToEventOffset(
    grpc::CallbackServerContext* context, const ns::TimeToOffsetRequest* request,
    ns::TimeToOffsetResponse* response) {
  const Result<Offset> offset = log_.OffsetAt(Millis(request->timestamp()));
  if (!offset.has_value() && offset.error().code() == Code::kUnavailable) {
    HintRetry(context, offset.error());
    return FinishNow(context, ToGrpc(offset.error()));
  }
  // The response has no room for a message.
  response->set_return_code(offset.has_value() ? ns::SUCCESS : ns::ERROR);
  response->set_offset(offset.value_or(0));
  return FinishNow(context, grpc::Status::OK);
}

}  // namespace aiflow::api
