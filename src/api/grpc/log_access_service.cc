#include "api/grpc/log_access_service.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/grpc_status.h"
#include "api/grpc/log_access_convert.h"
#include "api/grpc/log_calls.h"
#include "storage/blob_store.h"

namespace aiflow::api {
namespace {

/// Short secrets can be guessed.
constexpr size_t kLeastSecretBytes = 32;

constexpr size_t kMaxEventsAtOnce = 4'096;
constexpr size_t kMaxBytesAtOnce = 8 << 20;
constexpr Millis kLongestWait{60'000};

std::string MetadataOf(const grpc::CallbackServerContext& context, const char* name) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(name);
  if (found == metadata.end()) return "";
  return {found->second.data(), found->second.size()};
}

std::string SecretOf(const grpc::CallbackServerContext& context) {
  return MetadataOf(context, kLogSecretMetadata);
}

/// Takes as long for any two texts of one length.
bool Equal(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

void Position(const LogService& log, internal_v1::LogPosition* position) {
  position->set_log_id(log.log_id());
  position->set_head(log.head());
  position->set_first(log.first());
}

/// The answers to the events of one call, which come in any order.
struct AppendCall {
  AppendCall(size_t count, grpc::ServerUnaryReactor* r, internal_v1::AppendResponse* out)
      : left(count), reactor(r), response(out) {}

  void Answer(int index, const Result<AppendResult>& stored) {
    internal_v1::AppendResult* result = response->mutable_results(index);
    if (stored.has_value()) {
      result->set_offset(stored->offset);
      result->set_create_time(stored->create_time.count());
      result->set_duplicate(stored->duplicate);
    } else {
      result->set_code(static_cast<int>(stored.error().code()));
      result->set_message(stored.error().message());
    }
    if (left.fetch_sub(1) == 1) reactor->Finish(grpc::Status::OK);
  }

  std::atomic<size_t> left;
  grpc::ServerUnaryReactor* const reactor;
  internal_v1::AppendResponse* const response;
};

}  // namespace

Status LogAccessServiceAdapter::CheckToken(const grpc::CallbackServerContext& context) const {
  return access_.CheckServer(MetadataOf(context, kAuthorizationMetadata));
}

Status LogAccessServiceAdapter::Authorize(const grpc::CallbackServerContext& context) const {
  AIFLOW_RETURN_IF_ERROR(CheckToken(context));
  const std::string secret = SecretOf(context);
  const std::string owner = log_.owner();
  if (!owner.empty() && secret.size() >= kLeastSecretBytes && Equal(Sha256Hex(secret), owner)) {
    return Status::Ok();
  }
  return {Code::kPermissionDenied, "the caller does not own event log " + log_.log_id()};
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::Attach(grpc::CallbackServerContext* context,
                                                          const internal_v1::AttachRequest* request,
                                                          internal_v1::AttachResponse* response) {
  if (const Status status = CheckToken(*context); !status.ok()) return FinishNow(context, status);
  const std::string secret = SecretOf(*context);
  if (secret.size() < kLeastSecretBytes) {
    return FinishNow(context, Status(Code::kUnauthenticated, "the call brings no secret"));
  }
  if (!request->log_id().empty() && request->log_id() != log_.log_id()) {
    return FinishNow(context,
                     Status(Code::kFailedPrecondition,
                            "this is event log " + log_.log_id() + ", not " + request->log_id()));
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.Claim(Sha256Hex(secret), [this, reactor, response](const Result<bool>& claimed) {
    if (!claimed.has_value()) return reactor->Finish(ToGrpc(claimed.error()));
    response->set_claimed(*claimed);
    // From its first event on: what it has not read yet must stay.
    log_.RegisterConsumer(kServerConsumer, 0, [this, reactor, response](const auto& consumer) {
      if (!consumer.has_value()) return reactor->Finish(ToGrpc(consumer.error()));
      Position(log_, response->mutable_position());
      reactor->Finish(grpc::Status::OK);
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::WaitEvents(
    grpc::CallbackServerContext* context, const internal_v1::WaitEventsRequest* request,
    internal_v1::WaitEventsResponse* response) {
  if (const Status status = Authorize(*context); !status.ok()) return FinishNow(context, status);
  EventFilter filter;
  filter.after = request->after();
  filter.include_internal = true;
  filter.refuse_gap = true;
  const auto answer = [this, response](Result<std::vector<Event>> events) {
    if (!events.has_value()) return ToGrpc(events.error());
    for (Event& event : *events) ToProto(std::move(event), response->add_events());
    Position(log_, response->mutable_position());
    return grpc::Status::OK;
  };
  if (log_.head() > request->after()) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(answer(log_.ListSome(filter, kMaxEventsAtOnce, kMaxBytesAtOnce)));
    return reactor;
  }
  auto* call = new ListCall(log_, under_way_, answer);
  call->Begin(filter, std::clamp(Millis(request->timeout_ms()), Millis(1), kLongestWait));
  return call;
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::Append(grpc::CallbackServerContext* context,
                                                          const internal_v1::AppendRequest* request,
                                                          internal_v1::AppendResponse* response) {
  Status status = Authorize(*context);
  for (const internal_v1::LogEvent& event : request->events()) {
    const bool known = event.kind() >= 0 && event.kind() <= static_cast<int>(EventKind::kInternal);
    if (status.ok() && !known) {
      status = {Code::kInvalidArgument, "unknown kind of event " + std::to_string(event.kind())};
    }
    // What is sent again after a lost answer must be known by its id.
    if (status.ok() && event.id().empty()) {
      status = {Code::kInvalidArgument, "an event without an id"};
    }
  }
  if (!status.ok() || request->events().empty()) return FinishNow(context, status);
  const auto count = static_cast<size_t>(request->events_size());
  for (size_t i = 0; i < count; ++i) response->add_results();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto call = std::make_shared<AppendCall>(count, reactor, response);
  for (int i = 0; i < request->events_size(); ++i) {
    log_.AppendAsync(FromProto(internal_v1::LogEvent(request->events(i))), Admission::kInternal,
                     [call, i](const Result<AppendResult>& stored) { call->Answer(i, stored); });
  }
  return reactor;
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::List(grpc::CallbackServerContext* context,
                                                        const internal_v1::ListRequest* request,
                                                        internal_v1::ListResponse* response) {
  if (const Status status = Authorize(*context); !status.ok()) return FinishNow(context, status);
  const auto events =
      log_.ListSome(FromProto(request->filter()),
                    static_cast<size_t>(std::max<int64_t>(request->max_events(), 0)),
                    static_cast<size_t>(std::max<int64_t>(request->max_bytes(), 0)));
  if (!events.has_value()) return FinishNow(context, events.error());
  response->mutable_events()->Reserve(static_cast<int>(events->size()));
  for (const Event& event : *events) ToProto(event, response->add_events());
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::Count(grpc::CallbackServerContext* context,
                                                         const internal_v1::CountRequest* request,
                                                         internal_v1::CountResponse* response) {
  if (const Status status = Authorize(*context); !status.ok()) return FinishNow(context, status);
  const auto counted = log_.Count(FromProto(request->filter()));
  if (!counted.has_value()) return FinishNow(context, counted.error());
  response->set_count(counted->first);
  for (const SenderCount& sender : counted->second) {
    auto* proto = response->add_senders();
    proto->set_sender(sender.sender);
    proto->set_count(sender.count);
  }
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::FindOffset(
    grpc::CallbackServerContext* context, const internal_v1::FindOffsetRequest* request,
    internal_v1::FindOffsetResponse* response) {
  if (const Status status = Authorize(*context); !status.ok()) return FinishNow(context, status);
  const Millis time(request->time());
  const Result<Offset> offset = request->before() ? log_.OffsetBefore(time) : log_.OffsetAt(time);
  if (offset.has_value()) response->set_offset(*offset);
  return FinishNow(context, offset.has_value() ? Status::Ok() : offset.error());
}

grpc::ServerUnaryReactor* LogAccessServiceAdapter::CommitCursor(
    grpc::CallbackServerContext* context, const internal_v1::CommitCursorRequest* request,
    internal_v1::LogPosition* response) {
  if (const Status status = Authorize(*context); !status.ok()) return FinishNow(context, status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.CommitConsumer(
      kServerConsumer, request->offset(),
      [this, reactor, response](const Result<Consumer>& consumer) {
        if (consumer.has_value()) Position(log_, response);
        reactor->Finish(ToGrpc(consumer.has_value() ? Status::Ok() : consumer.error()));
      });
  return reactor;
}

}  // namespace aiflow::api
