#include "api/grpc/remote_event_log.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "aiflow/internal/v1/log_access.grpc.pb.h"
#include "api/grpc/log_access_convert.h"
#include "api/grpc/random_id.h"
#include "api/grpc/remote_log_calls.h"
#include "api/grpc/remote_log_tail.h"
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

Status Unsupported() {
  return {Code::kUnimplemented, "the event log is in another server; ask the notification server"};
}

}  // namespace

class RemoteEventLog::Impl {
 public:
  explicit Impl(RemoteLogOptions options)
      : options_(std::move(options)),
        calls_(options_.address, options_.secret, options_.credentials),
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
  template <typename Method, typename Request, typename Response>
  Status Call(Method method, const Request& request, Response* response, Millis deadline) const {
    if (std::string reason = AwayReason(); !reason.empty()) {
      return {Code::kUnavailable, std::move(reason)};
    }
    return calls_.Call(method, request, response, deadline);
  }
  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events);
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const;
  const RemoteLogTail& tail() const { return tail_; }
  void TakePosition(const internal_v1::LogPosition& position);

 private:
  Status Attach();
  void SetAway(std::string reason);
  void Run();
  Status WaitEvents();
  Result<std::vector<Result<AppendResult>>> AppendPart(const Event* events, size_t count);
  Status AppendUntilAnswered(const internal_v1::AppendRequest& request,
                             internal_v1::AppendResponse* response);
  void RaiseHead(Offset head);

  const RemoteLogOptions options_;
  RemoteLogCalls calls_;
  RemoteLogTail tail_;
  std::atomic<Offset> head_{0};
  std::atomic<Offset> first_{1};
  // Of the thread alone, once it runs.
  Offset seen_ = 0;    // what it has asked for
  Offset told_ = 0;    // what `moved_` was called for
  bool back_ = false;  // `moved_` is to be told that it can be reached again

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // All guarded by mutex_.
  bool interrupted_ = false;
  std::string away_ = "it has not been attached yet";  // empty: attached
  Steady::time_point away_since_ = Steady::now();
  std::string log_id_;

  std::function<void()> moved_;
  std::thread thread_;
};

void RemoteEventLog::Impl::Interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  calls_.Interrupt();
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
  AIFLOW_RETURN_IF_ERROR(calls_.Call(&LogAccess::Stub::Attach, request, &response, kCallDeadline));
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
      calls_.Call(&LogAccess::Stub::WaitEvents, request, &response, kEventWaitDeadline));
  for (internal_v1::LogEvent& proto : *response.mutable_events()) {
    seen_ = proto.offset();
    tail_.Push(FromProto(std::move(proto)));
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
      tail_.Push(std::move(event));
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
  if (after >= head() || impl_->tail().Read(after, max_events, max_bytes, &events)) return events;
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

bool LogServerAnswers(const std::string& address, const client::Credentials& credentials,
                      Millis patience) {
  const auto stub = LogAccess::NewStub(LogChannel(address, credentials));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  internal_v1::FindOffsetResponse response;
  const auto code =
      stub->FindOffset(&context, internal_v1::FindOffsetRequest(), &response).error_code();
  return code == grpc::StatusCode::PERMISSION_DENIED || code == grpc::StatusCode::UNAUTHENTICATED;
}

}  // namespace aiflow::api
