#include "api/grpc/event_log_service.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "api/grpc/event_records.h"
#include "api/grpc/grpc_status.h"
#include "api/grpc/list_events.h"

namespace aiflow::api {
namespace {

using v1::PublishRequest;
using v1::PublishResponse;
using v1::SubscribeRequest;
using v1::SubscribeResponse;

// One stream may have this much unacknowledged; more is not read from the wire.
constexpr size_t kPublishWindowEvents = 4096;
constexpr size_t kPublishWindowBytes = 16 << 20;

/// Reads, appends and acknowledges in the order of reading. Appends may end in any order and after
/// the stream did, so they hold a share of this.
class PublishStream final : public grpc::ServerBidiReactor<PublishRequest, PublishResponse>,
                            public std::enable_shared_from_this<PublishStream> {
 public:
  PublishStream(LogService& log, MethodCounts* counts) : log_(log), counted_(counts) {}

  void Begin() {
    self_ = shared_from_this();
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (ok) Accept();
    const std::lock_guard lock(mutex_);
    reading_ = false;
    if (!ok) input_ended_ = true;
    ReadIfRoom();
    FinishIfOver();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
    slots_.pop_front();
    WriteNext();
    ReadIfRoom();
  }

  void OnDone() override { self_.reset(); }

 private:
  struct Slot {
    PublishResponse response;
    size_t bytes = 0;
    bool done = false;
  };

  void Accept() {
    Event event = FromProto(request_.event());
    Slot* slot = nullptr;
    {
      const std::lock_guard lock(mutex_);
      slot = &slots_.emplace_back();  // a deque keeps its other elements in place
      slot->response.set_sequence(request_.sequence());
      slot->bytes = event.key.size() + event.value.size() + event.context.size();
      bytes_ += slot->bytes;
    }
    const Status admitted = AdmitFromWire(request_.event_id(), /*idempotent=*/true, &event);
    if (!admitted.ok()) {
      Acknowledge(slot, Error(admitted));
      return;
    }
    log_.AppendAsync(std::move(event), Admission::kExternal,
                     [self = shared_from_this(), slot](const Result<AppendResult>& stored) {
                       self->Acknowledge(slot, stored);
                     });
  }

  void Acknowledge(Slot* slot, const Result<AppendResult>& stored) {
    const std::lock_guard lock(mutex_);
    if (stored.has_value()) {
      slot->response.set_offset(stored->offset);
      slot->response.set_create_time(stored->create_time.count());
      slot->response.set_duplicate(stored->duplicate);
    } else {
      slot->response.set_error(stored.error().ToString());
    }
    slot->done = true;
    bytes_ -= slot->bytes;
    WriteNext();
  }

  // The functions below need mutex_.

  void WriteNext() {
    if (broken_) {
      while (!slots_.empty() && slots_.front().done) slots_.pop_front();
    }
    if (!writing_ && !broken_ && !slots_.empty() && slots_.front().done) {
      writing_ = true;
      grpc::WriteOptions options;
      // More acknowledgements are ready: let the transport gather them.
      if (slots_.size() > 1 && slots_[1].done) options.set_buffer_hint();
      StartWrite(&slots_.front().response, options);
    }
    FinishIfOver();
  }

  void ReadIfRoom() {
    if (reading_ || input_ended_ || broken_) return;
    if (slots_.size() >= kPublishWindowEvents || bytes_ >= kPublishWindowBytes) return;
    reading_ = true;
    StartRead(&request_);
  }

  void FinishIfOver() {
    if (finished_ || !(input_ended_ || broken_) || reading_ || writing_ || !slots_.empty()) return;
    finished_ = true;
    Finish(counted_.Ended(grpc::Status::OK));
  }

  LogService& log_;
  const CountedStream counted_;
  std::shared_ptr<PublishStream> self_;  // until OnDone
  PublishRequest request_;
  std::mutex mutex_;
  std::deque<Slot> slots_;  // read, not yet acknowledged on the wire
  size_t bytes_ = 0;
  bool reading_ = true;
  bool writing_ = false;
  bool input_ended_ = false;
  bool broken_ = false;
  bool finished_ = false;
};

/// Lists, writes, lists on from the last event: at most one batch is in memory, whatever the pace
/// of the reader.
class SubscribeStream final : public grpc::ServerWriteReactor<SubscribeResponse>,
                              public std::enable_shared_from_this<SubscribeStream> {
 public:
  SubscribeStream(LogService& log, MethodCounts* counts, const EventKinds& kinds,
                  const SubscribeRequest& request)
      : log_(log),
        counted_(counts),
        kinds_(kinds),
        keys_(request.keys().begin(), request.keys().end()) {
    filter_.ns = request.namespace_();
    filter_.match_ns = true;
    filter_.sender = request.sender();
    filter_.include_internal = kinds.internal();
    filter_.after = request.from_now() ? log.head() : std::max<int64_t>(0, request.after_offset());
    // Only a given position can be too old; from the beginning means from the oldest kept.
    filter_.refuse_gap = filter_.after > 0;
    if (keys_.size() == 1) filter_.key = keys_.front();
  }

  /// Begins behind the cursor of the consumer, if one is named.
  void Begin(const std::string& consumer) {
    self_ = shared_from_this();
    if (!consumer.empty()) {
      const Status found = BeginAtCursor(consumer);
      if (!found.ok()) return End(found);
    }
    Next();
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      End(Status(Code::kCancelled, "the subscriber is gone"));
    }
  }

  void OnCancel() override {
    LogService::WaitId wait = 0;
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      wait = wait_;
    }
    // Without a wait a write is under way; its end sees the cancellation.
    if (wait != 0) log_.Cancel(wait);
  }

  void OnDone() override { self_.reset(); }

 private:
  // Long enough that an idle subscription costs nothing to speak of.
  static constexpr std::chrono::minutes kWait{10};

  Status BeginAtCursor(const std::string& name) {
    for (const Consumer& consumer : log_.Consumers()) {
      if (consumer.name != name) continue;
      filter_.after = consumer.cursor;
      filter_.refuse_gap = true;  // nothing above a cursor is ever removed
      return Status::Ok();
    }
    return {Code::kNotFound, "there is no consumer '" + name + "'; register it first"};
  }

  /// One call of List. It may answer before it returns, again and again: those answers are gone
  /// through in a loop, not each within the one before.
  struct Round {
    std::thread::id caller = std::this_thread::get_id();
    bool within = true;  // the caller's only, as the next one
    bool again = false;
  };

  void Next() {
    for (bool again = true; again;) {
      const auto round = std::make_shared<Round>();
      // What an empty answer has looked at.
      const Offset seen = log_.head();
      const LogService::WaitId wait =
          log_.List(filter_, kWait, [self = shared_from_this(), seen, round](auto events) {
            if (!self->Deliver(seen, std::move(events))) return;
            if (round->caller == std::this_thread::get_id() && round->within) {
              round->again = true;
            } else {
              self->Next();
            }
          });
      round->within = false;
      again = round->again;
      bool cancelled = false;
      {
        const std::lock_guard lock(mutex_);
        if (wait > wait_) wait_ = wait;
        cancelled = cancelled_;
      }
      if (cancelled) log_.Cancel(wait);
    }
  }

  /// True when there was nothing to write, and the next list is due.
  bool Deliver(Offset seen, Result<std::vector<Event>> events) {
    if (!events.has_value()) {
      End(events.error());
      return false;
    }
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) {
        EndLocked(Status(Code::kCancelled, "the subscriber is gone"));
        return false;
      }
    }
    filter_.after = events->empty() ? std::max(filter_.after, seen) : events->back().offset;
    // A reader that is slower than the removal of old events is told. After an idle wait, which has
    // looked at more than `seen`, nothing can be missing.
    filter_.refuse_gap = !events->empty();
    response_.Clear();
    for (Event& event : *events) {
      if (keys_.size() > 1 && std::find(keys_.begin(), keys_.end(), event.key) == keys_.end()) {
        continue;
      }
      if (kinds_.Has(event.kind)) ToProto(std::move(event), response_.add_events());
    }
    if (response_.events().empty()) return true;
    StartWrite(&response_);
    return false;
  }

  void End(const Status& status) {
    const std::lock_guard lock(mutex_);
    EndLocked(status);
  }
  void EndLocked(const Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(counted_.Ended(ToGrpc(status)));
  }

  LogService& log_;
  const CountedStream counted_;
  const EventKinds kinds_;
  const std::vector<std::string> keys_;
  EventFilter filter_;
  SubscribeResponse response_;
  std::shared_ptr<SubscribeStream> self_;  // until OnDone
  std::mutex mutex_;
  LogService::WaitId wait_ = 0;
  bool cancelled_ = false;
  bool finished_ = false;
};

/// Ends at once.
class RefusedSubscription final : public grpc::ServerWriteReactor<SubscribeResponse> {
 public:
  RefusedSubscription(MethodCounts* counts, const Status& status) {
    Finish(CountedStream(counts).Ended(ToGrpc(status)));
  }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerUnaryReactor* EventLogServiceAdapter::PublishEvent(
    grpc::CallbackServerContext* context, const v1::PublishEventRequest* request,
    v1::PublishEventResponse* response) {
  const CountedCall call(publish_event_);
  Event event = FromProto(request->event());
  const Status admitted = AdmitFromWire(request->event_id(), /*idempotent=*/true, &event);
  if (!admitted.ok()) {
    call.Ended(ToGrpc(admitted));
    return FinishNow(context, admitted);
  }
  ToProto(event, response->mutable_event());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  log_.AppendAsync(std::move(event), Admission::kExternal,
                   [context, reactor, response, call](const Result<AppendResult>& stored) {
                     if (stored.has_value()) {
                       response->mutable_event()->set_offset(stored->offset);
                       response->mutable_event()->set_create_time(stored->create_time.count());
                       response->set_duplicate(stored->duplicate);
                     }
                     const Status status = stored.has_value() ? Status::Ok() : stored.error();
                     HintRetry(context, status);
                     reactor->Finish(call.Ended(ToGrpc(status)));
                   });
  return reactor;
}

grpc::ServerUnaryReactor* EventLogServiceAdapter::ListEvents(grpc::CallbackServerContext* context,
                                                             const v1::ListEventsRequest* request,
                                                             v1::ListEventsResponse* response) {
  return FinishNow(context, api::ListEvents(log_, *request, response));
}

grpc::ServerBidiReactor<PublishRequest, PublishResponse>* EventLogServiceAdapter::Publish(
    grpc::CallbackServerContext*) {
  const auto stream = std::make_shared<PublishStream>(log_, publish_);
  stream->Begin();
  return stream.get();
}

grpc::ServerWriteReactor<SubscribeResponse>* EventLogServiceAdapter::Subscribe(
    grpc::CallbackServerContext*, const SubscribeRequest* request) {
  const Result<EventKinds> kinds = EventKinds::Of(request->kinds(), request->include_internal());
  if (!kinds.has_value()) return new RefusedSubscription(subscribe_, kinds.error());
  const auto stream = std::make_shared<SubscribeStream>(log_, subscribe_, *kinds, *request);
  stream->Begin(request->consumer());
  return stream.get();
}

}  // namespace aiflow::api
