#include "api/grpc/remote_event_log.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "aiflow/internal/v1/log_access.grpc.pb.h"
#include "api/grpc/log_access_convert.h"
#include "api/grpc/random_id.h"
#include "base/backoff.h"
#include "base/check.h"
#include "model/event_keys.h"
#include "storage/event_filter.h"

namespace aiflow::api {
namespace {

using Steady = std::chrono::steady_clock;
using internal_v1::LogAccess;

// A server that hangs must not look like one that works for longer than this.
constexpr Millis kCallDeadline{5'000};
constexpr Millis kCountDeadline{30'000};
constexpr Millis kEventWait{10'000};
constexpr Millis kEventWaitDeadline = kEventWait + kCallDeadline;
// Callers of the API wait behind it.
constexpr Millis kAppendPatience{3'000};
constexpr int64_t kMaxMessageEvents = 4'096;
constexpr int64_t kMaxReadBytes = 32 << 20;
// Of the newest events, kept so that the engine need not ask for what has just come by.
constexpr size_t kTailEvents = 8'192;
constexpr size_t kTailBytes = 16 << 20;

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxLogMessageBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name also the time that one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // A proxy of the environment is for what lies outside.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A channel of its own, so that a server that was away is not taken for away by an old one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Status Unsupported() {
  return {Code::kUnimplemented, "the event log is in another server; ask the notification server"};
}

}  // namespace

class RemoteEventLog::Impl {
 public:
  explicit Impl(RemoteLogOptions options)
      : options_(std::move(options)),
        stub_(LogAccess::NewStub(ChannelTo(options_.address))),
        log_id_(options_.log_id) {}
  ~Impl() { Interrupt(); }

  Status FirstAttach();
  void Follow(std::function<void()> moved);
  void Interrupt();
  std::string AwayReason() const;

  std::string log_id() const {
    const std::lock_guard lock(mutex_);
    return log_id_;
  }
  Offset head() const { return head_.load(std::memory_order_acquire); }
  Offset first() const { return first_.load(std::memory_order_acquire); }

  /// The call fails at once while the server is away.
  template <typename Request, typename Response>
  Status Call(grpc::Status (LogAccess::Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
              const Request& request, Response* response, Millis deadline) const {
    if (std::string reason = AwayReason(); !reason.empty()) {
      return {Code::kUnavailable, std::move(reason)};
    }
    return CallAnyway(method, request, response, deadline);
  }
  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events);
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const;
  /// From the tail, if it has the event after `after`.
  bool ReadTail(Offset after, size_t max_events, size_t max_bytes,
                std::vector<Event>* events) const;
  void TakePosition(const internal_v1::LogPosition& position);

 private:
  template <typename Request, typename Response>
  Status CallAnyway(grpc::Status (LogAccess::Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
                    const Request& request, Response* response, Millis deadline) const;
  Status ToStatus(const grpc::Status& status) const;
  Status Attach();
  void SetAway(std::string reason);
  void Run();
  Status WaitEvents();
  Result<std::vector<Result<AppendResult>>> AppendPart(const Event* events, size_t count);
  Status AppendUntilAnswered(const internal_v1::AppendRequest& request,
                             internal_v1::AppendResponse* response);
  void RaiseHead(Offset head);
  void PushTail(Event event);

  const RemoteLogOptions options_;
  const std::unique_ptr<LogAccess::Stub> stub_;
  std::atomic<Offset> head_{0};
  std::atomic<Offset> first_{1};
  // Of the thread alone, once it runs.
  Offset seen_ = 0;    // what it has asked for
  Offset told_ = 0;    // what `moved_` was called for
  bool back_ = false;  // `moved_` is to be told that it can be reached again

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // All guarded by mutex_.
  mutable std::set<grpc::ClientContext*> calls_;
  bool interrupted_ = false;
  std::string away_ = "it has not been attached yet";  // empty: attached
  Steady::time_point away_since_ = Steady::now();
  std::string log_id_;
  std::deque<Event> tail_;  // dense
  size_t tail_bytes_ = 0;

  std::function<void()> moved_;
  std::thread thread_;
};

// ---- Calls -------------------------------------------------------------------------------------

template <typename Request, typename Response>
Status RemoteEventLog::Impl::CallAnyway(
    grpc::Status (LogAccess::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request, Response* response, Millis deadline) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  context.AddMetadata(kLogSecretMetadata, options_.secret);
  {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return {Code::kUnavailable, "the server is stopping"};
    calls_.insert(&context);
  }
  const grpc::Status status = (stub_.get()->*method)(&context, request, response);
  const std::lock_guard lock(mutex_);
  calls_.erase(&context);
  return ToStatus(status);
}

Status RemoteEventLog::Impl::ToStatus(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return Status::Ok();
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {Code::kUnavailable, "the notification server at " + options_.address +
                                      " does not answer (" + status.error_message() + ")"};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {Code::kFailedPrecondition,
              "what answers at " + options_.address +
                  " keeps no event log for other servers: it is an AIFlow server, or a "
                  "notification server of another make; set notification_server_uri to one "
                  "started with 'notification server start', or notification_server: embedded"};
    default:
      return {static_cast<Code>(status.error_code()),
              "notification server " + options_.address + ": " + status.error_message()};
  }
}

void RemoteEventLog::Impl::Interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    for (grpc::ClientContext* call : calls_) call->TryCancel();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::string RemoteEventLog::Impl::AwayReason() const {
  const std::lock_guard lock(mutex_);
  return away_.empty() ? "" : "the event log cannot be reached: " + away_;
}

void RemoteEventLog::Impl::SetAway(std::string reason) {
  const std::lock_guard lock(mutex_);
  if (away_.empty()) away_since_ = Steady::now();
  away_ = std::move(reason);
  changed_.notify_all();
}

// ---- Attaching and following -------------------------------------------------------------------

Status RemoteEventLog::Impl::Attach() {
  internal_v1::AttachRequest request;
  request.set_log_id(log_id());
  internal_v1::AttachResponse response;
  AIFLOW_RETURN_IF_ERROR(CallAnyway(&LogAccess::Stub::Attach, request, &response, kCallDeadline));
  const internal_v1::LogPosition& position = response.position();
  if (position.head() < head()) {
    return {Code::kFailedPrecondition,
            "event log " + position.log_id() + " at " + options_.address + " ends at offset " +
                std::to_string(position.head()) + ", but it had " + std::to_string(head()) +
                " before: it was cut or restored from an older copy; put the newer one back"};
  }
  {
    const std::lock_guard lock(mutex_);
    log_id_ = position.log_id();
    away_.clear();
    changed_.notify_all();
  }
  back_ = true;
  seen_ = position.head();
  TakePosition(position);
  return Status::Ok();
}

Status RemoteEventLog::Impl::FirstAttach() {
  const auto end = Steady::now() + options_.patience;
  Backoff backoff;
  for (;;) {
    Status status = Attach();
    if (status.code() != Code::kUnavailable) return status;
    const Millis pause = backoff.Next();
    if (Steady::now() + pause >= end) {
      return {Code::kDeadlineExceeded,
              status.message() +
                  "; start it with 'notification server start -d', or say where it is with "
                  "notification_server_uri"};
    }
    std::this_thread::sleep_for(pause);
  }
}

void RemoteEventLog::Impl::Follow(std::function<void()> moved) {
  CHECK(!thread_.joinable()) << "the log is followed already";
  moved_ = std::move(moved);
  thread_ = std::thread([this] { Run(); });
}

void RemoteEventLog::Impl::Run() {
  Backoff backoff;
  for (;;) {
    Status status = AwayReason().empty() ? WaitEvents() : Attach();
    if (status.ok()) {
      backoff.Reset();
      continue;
    }
    SetAway(status.message());
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, backoff.Next(), [this] { return interrupted_; })) return;
  }
}

Status RemoteEventLog::Impl::WaitEvents() {
  internal_v1::WaitEventsRequest request;
  request.set_after(seen_);
  request.set_timeout_ms(kEventWait.count());
  internal_v1::WaitEventsResponse response;
  // Also what came while it was away, or before anybody followed.
  const Offset now = head();
  const bool more = std::exchange(told_, now) != now;
  if (std::exchange(back_, false) || more) moved_();
  AIFLOW_RETURN_IF_ERROR(
      CallAnyway(&LogAccess::Stub::WaitEvents, request, &response, kEventWaitDeadline));
  for (internal_v1::LogEvent& proto : *response.mutable_events()) {
    seen_ = proto.offset();
    PushTail(FromProto(std::move(proto)));
  }
  TakePosition(response.position());
  return Status::Ok();
}

void RemoteEventLog::Impl::TakePosition(const internal_v1::LogPosition& position) {
  first_.store(position.first(), std::memory_order_release);
  RaiseHead(position.head());
}

void RemoteEventLog::Impl::RaiseHead(Offset head) {
  Offset known = head_.load(std::memory_order_relaxed);
  while (known < head && !head_.compare_exchange_weak(known, head, std::memory_order_acq_rel)) {
  }
}

// ---- Events ------------------------------------------------------------------------------------

/// Appends that are answered and events that are waited for may come in any order: what does not
/// follow on the last one is left to the other way, or begins the tail anew.
void RemoteEventLog::Impl::PushTail(Event event) {
  const std::lock_guard lock(mutex_);
  if (!tail_.empty() && event.offset <= tail_.back().offset) return;
  if (!tail_.empty() && event.offset != tail_.back().offset + 1) {
    tail_.clear();
    tail_bytes_ = 0;
  }
  tail_bytes_ += EventBytes(event);
  tail_.push_back(std::move(event));
  while (tail_.size() > kTailEvents || tail_bytes_ > kTailBytes) {
    tail_bytes_ -= EventBytes(tail_.front());
    tail_.pop_front();
  }
}

bool RemoteEventLog::Impl::ReadTail(Offset after, size_t max_events, size_t max_bytes,
                                    std::vector<Event>* events) const {
  const std::lock_guard lock(mutex_);
  if (tail_.empty() || after + 1 < tail_.front().offset || after >= tail_.back().offset) {
    return false;
  }
  size_t bytes = 0;
  for (auto i = static_cast<size_t>(after + 1 - tail_.front().offset); i < tail_.size(); ++i) {
    if (events->size() >= max_events || bytes >= max_bytes) break;
    bytes += EventBytes(tail_[i]);
    events->push_back(tail_[i]);
  }
  return true;
}

Result<std::vector<Event>> RemoteEventLog::Impl::List(const EventFilter& filter, size_t max_events,
                                                      size_t max_bytes) const {
  std::vector<Event> events;
  internal_v1::ListRequest request;
  ToProto(filter, request.mutable_filter());
  size_t bytes = 0;
  // One message has a limit, so a long list takes several.
  while (events.size() < max_events && bytes < max_bytes) {
    const auto left = static_cast<int64_t>(max_events - events.size());
    request.set_max_events(std::min(left, kMaxMessageEvents));
    request.set_max_bytes(std::min(static_cast<int64_t>(max_bytes - bytes), kMaxReadBytes));
    internal_v1::ListResponse response;
    if (Status status = Call(&LogAccess::Stub::List, request, &response, kCallDeadline);
        !status.ok()) {
      return Error(std::move(status));
    }
    if (response.events().empty()) break;
    for (internal_v1::LogEvent& event : *response.mutable_events()) {
      events.push_back(FromProto(std::move(event)));
      bytes += EventBytes(events.back());
    }
    request.mutable_filter()->set_after(events.back().offset);
    if (events.back().offset >= head()) break;
  }
  return events;
}

Status RemoteEventLog::Impl::AppendUntilAnswered(const internal_v1::AppendRequest& request,
                                                 internal_v1::AppendResponse* response) {
  const auto begin = Steady::now();
  for (;;) {
    response->Clear();
    Status status = Call(&LogAccess::Stub::Append, request, response, kCallDeadline);
    if (status.code() != Code::kUnavailable) return status;
    std::unique_lock lock(mutex_);
    // Perhaps it restarts just now. One that has been away for longer is not waited for.
    const auto end = (away_.empty() ? begin : std::min(begin, away_since_)) + kAppendPatience;
    if (interrupted_ || Steady::now() >= end) return status;
    if (away_.empty()) {
      changed_.wait_for(lock, Backoff::kFirst, [this] { return interrupted_; });
    } else {
      changed_.wait_until(lock, end, [this] { return interrupted_ || away_.empty(); });
    }
  }
}

Result<std::vector<Result<AppendResult>>> RemoteEventLog::Impl::AppendPart(const Event* events,
                                                                           size_t count) {
  internal_v1::AppendRequest request;
  for (size_t i = 0; i < count; ++i) {
    internal_v1::LogEvent* event = request.add_events();
    ToProto(events[i], event);
    // Repeated after a lost answer, it must be known.
    if (event->id().empty()) event->set_id(RequestEventId(RandomId()));
  }
  internal_v1::AppendResponse response;
  if (Status status = AppendUntilAnswered(request, &response); !status.ok()) {
    return Error(std::move(status));
  }
  if (response.results_size() != request.events_size()) {
    return Error(Code::kInternal, "the notification server answered " +
                                      std::to_string(response.results_size()) + " of " +
                                      std::to_string(count) + " appends");
  }
  std::vector<Result<AppendResult>> results;
  for (int i = 0; i < response.results_size(); ++i) {
    const internal_v1::AppendResult& proto = response.results(i);
    const auto code = static_cast<Code>(proto.code());
    if (code == Code::kOk) {
      const AppendResult result{proto.offset(), Millis(proto.create_time()), proto.duplicate()};
      results.emplace_back(result);
      RaiseHead(result.offset);
      if (result.duplicate) continue;
      Event event = FromProto(std::move(*request.mutable_events(i)));
      event.offset = result.offset;
      event.create_time = result.create_time;
      PushTail(std::move(event));
    } else if (code == Code::kAlreadyExists || code == Code::kInvalidArgument) {
      results.emplace_back(Error(code, proto.message()));
    } else {
      return Error(code, proto.message());
    }
  }
  return results;
}

Result<std::vector<Result<AppendResult>>> RemoteEventLog::Impl::Append(
    const std::vector<Event>& events) {
  std::vector<Result<AppendResult>> results;
  for (size_t begin = 0; begin < events.size();) {
    size_t end = begin;
    for (size_t bytes = 0; end < events.size() && (end == begin || bytes < kMaxReadBytes); ++end) {
      bytes += EventBytes(events[end]);
    }
    auto part = AppendPart(&events[begin], end - begin);
    if (!part) return part;
    for (auto& result : *part) results.push_back(std::move(result));
    begin = end;
  }
  return results;
}

// ---- The door ----------------------------------------------------------------------------------

RemoteEventLog::RemoteEventLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RemoteEventLog::~RemoteEventLog() = default;

Result<std::unique_ptr<RemoteEventLog>> RemoteEventLog::Open(RemoteLogOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status status = impl->FirstAttach(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<RemoteEventLog>(new RemoteEventLog(std::move(impl)));
}

void RemoteEventLog::Follow(std::function<void()> moved) { impl_->Follow(std::move(moved)); }
std::string RemoteEventLog::AwayReason() const { return impl_->AwayReason(); }
void RemoteEventLog::Interrupt() { impl_->Interrupt(); }
std::string RemoteEventLog::log_id() const { return impl_->log_id(); }
Offset RemoteEventLog::head() const { return impl_->head(); }
Offset RemoteEventLog::first() const { return impl_->first(); }

Result<std::vector<Result<AppendResult>>> RemoteEventLog::Append(const std::vector<Event>& events) {
  return impl_->Append(events);
}

Result<std::vector<Event>> RemoteEventLog::Read(Offset after, size_t max_events,
                                                size_t max_bytes) const {
  std::vector<Event> events;
  if (after >= head() || impl_->ReadTail(after, max_events, max_bytes, &events)) return events;
  EventFilter everything;
  everything.after = after;
  everything.include_internal = true;
  everything.refuse_gap = true;
  return impl_->List(everything, max_events, max_bytes);
}

Result<std::vector<Event>> RemoteEventLog::List(const EventFilter& filter, size_t max_events,
                                                size_t max_bytes) const {
  return impl_->List(filter, max_events, max_bytes);
}

Result<std::pair<int64_t, std::vector<SenderCount>>> RemoteEventLog::Count(
    const EventFilter& filter) const {
  internal_v1::CountRequest request;
  ToProto(filter, request.mutable_filter());
  internal_v1::CountResponse response;
  if (Status status = impl_->Call(&LogAccess::Stub::Count, request, &response, kCountDeadline);
      !status.ok()) {
    return Error(std::move(status));
  }
  std::vector<SenderCount> senders;
  for (const auto& sender : response.senders())
    senders.push_back({sender.sender(), sender.count()});
  return std::pair(int64_t{response.count()}, std::move(senders));
}

Result<Offset> RemoteEventLog::OffsetAt(Millis time) const {
  internal_v1::FindOffsetRequest request;
  request.set_time(time.count());
  internal_v1::FindOffsetResponse response;
  if (Status status = impl_->Call(&LogAccess::Stub::FindOffset, request, &response, kCallDeadline);
      !status.ok()) {
    return Error(std::move(status));
  }
  return response.offset();
}

Result<Offset> RemoteEventLog::OffsetBefore(Millis time) const {
  internal_v1::FindOffsetRequest request;
  request.set_time(time.count());
  request.set_before(true);
  internal_v1::FindOffsetResponse response;
  if (Status status = impl_->Call(&LogAccess::Stub::FindOffset, request, &response, kCallDeadline);
      !status.ok()) {
    return Error(std::move(status));
  }
  return response.offset();
}

Result<DropProgress> RemoteEventLog::DropBefore(Offset offset) {
  internal_v1::CommitCursorRequest request;
  request.set_offset(offset - 1);
  internal_v1::LogPosition position;
  if (Status status =
          impl_->Call(&LogAccess::Stub::CommitCursor, request, &position, kCallDeadline);
      !status.ok()) {
    return Error(std::move(status));
  }
  impl_->TakePosition(position);
  return DropProgress{first(), true};
}

Result<int64_t> RemoteEventLog::RegisterClient(const std::string&, const std::string&) {
  return Error(Unsupported());
}
Status RemoteEventLog::DeleteClient(int64_t) { return Unsupported(); }
Result<bool> RemoteEventLog::ClientExists(int64_t) const { return Error(Unsupported()); }
Result<Consumer> RemoteEventLog::RegisterConsumer(const std::string&, Offset) {
  return Error(Unsupported());
}
Result<Consumer> RemoteEventLog::CommitConsumer(const std::string&, Offset) {
  return Error(Unsupported());
}
Status RemoteEventLog::DeleteConsumer(const std::string&) { return Unsupported(); }
Status RemoteEventLog::SetOwner(const std::string&) { return Unsupported(); }

bool LogServerAnswers(const std::string& address, Millis patience) {
  const auto stub = LogAccess::NewStub(ChannelTo(address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  internal_v1::FindOffsetResponse response;
  const auto code =
      stub->FindOffset(&context, internal_v1::FindOffsetRequest(), &response).error_code();
  return code == grpc::StatusCode::PERMISSION_DENIED || code == grpc::StatusCode::UNAUTHENTICATED;
}

}  // namespace aiflow::api
