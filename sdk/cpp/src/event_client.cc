#include "aiflow/event_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "base/backoff.h"
#include "client/credentials.h"
#include "notification_service/notification_service.grpc.pb.h"
#include "servers.h"

namespace aiflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCallTimeout{10'000};

Status FromGrpc(const grpc::Status& status, const std::string& what) {
  return {static_cast<Code>(status.error_code()), what + ": " + status.error_message()};
}

bool MayRetry(const grpc::Status& status) {
  // CANCELLED comes from a server that ends in good order: no call of ours is cancelled here.
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::CANCELLED ||
         status.error_code() == grpc::StatusCode::ABORTED ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

std::string RandomId() {
  std::random_device device;
  std::string id = "cpp-";
  constexpr char kHex[] = "0123456789abcdef";
  for (int i = 0; i < 4; ++i) {
    uint32_t bits = device();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) id += kHex[bits & 15];
  }
  return id;
}

ReceivedEvent ToReceived(const v1::EventRecord& record) {
  ReceivedEvent event;
  event.offset = record.offset();
  event.create_time = record.create_time();
  event.key = record.key();
  event.value = record.value();
  event.context = record.context();
  event.ns = record.namespace_();
  event.sender = record.sender();
  return event;
}

/// The execution that a context confines its event to, as a number or a decimal string.
bool IsConfinedTo(const std::string& context, int64_t execution) {
  const auto json = nlohmann::json::parse(context, nullptr, false);
  if (!json.is_object()) return false;
  const auto member = json.find("workflow_execution_id");
  if (member == json.end()) return false;
  return *member == execution || *member == std::to_string(execution);
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Result<client::Credentials> CredentialsOf(const EventClientOptions& options,
                                          const std::string& uri) {
  client::CredentialSettings given;
  given.token = options.token;
  given.token_file = options.token_file;
  given.tls_ca_file = options.tls_ca_file;
  given = client::Merge(std::move(given), client::SettingsOfTask(uri, Variable));
  return client::ReadCredentials(
      client::Merge(std::move(given), client::SettingsOfEnvironment(Variable)));
}

}  // namespace

class Subscription::Impl {
 public:
  Impl(std::shared_ptr<Servers> servers, v1::SubscribeRequest request, EventClient::Filter filter,
       EventClient::Callback callback)
      : servers_(std::move(servers)),
        request_(std::move(request)),
        execution_(filter.execution_id),
        on_refused_(std::move(filter.on_refused)),
        callback_(std::move(callback)),
        thread_([this] { Run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      if (call_ != nullptr) call_->TryCancel();
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    Backoff backoff;
    size_t in_vain = 0;  // servers in a row that delivered nothing
    while (true) {
      grpc::ClientContext call;
      {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        call_ = &call;
      }
      const Servers::Server server = servers_->Current();
      const auto reader = v1::EventLog::NewStub(server.channel)->Subscribe(&call, request_);
      v1::SubscribeResponse response;
      ++in_vain;
      while (reader->Read(&response)) {
        backoff.Reset();
        in_vain = 0;
        Deliver(response);
      }
      const grpc::Status status = reader->Finish();
      std::unique_lock lock(mutex_);
      call_ = nullptr;
      if (stopped_) return;
      const bool refused = !status.ok() && !MayRetry(status);
      if (!refused) servers_->GoOnFrom(server.address);
      if (!refused && in_vain % servers_->size() != 0) continue;  // the next one, at once
      if (refused && on_refused_) {
        lock.unlock();
        on_refused_(FromGrpc(status, "subscribe at " + server.address));
        lock.lock();
      }
      if (changed_.wait_for(lock, backoff.Next(), [this] { return stopped_; })) return;
    }
  }

  void Deliver(const v1::SubscribeResponse& response) {
    for (const v1::EventRecord& record : response.events()) {
      {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
      }
      if (!execution_ || IsConfinedTo(record.context(), *execution_)) callback_(ToReceived(record));
      request_.set_after_offset(record.offset());
    }
  }

  const std::shared_ptr<Servers> servers_;
  v1::SubscribeRequest request_;
  const std::optional<int64_t> execution_;
  const std::function<void(const Status&)> on_refused_;
  const EventClient::Callback callback_;
  std::mutex mutex_;
  std::condition_variable changed_;
  grpc::ClientContext* call_ = nullptr;
  bool stopped_ = false;
  std::thread thread_;  // last: uses everything above
};

Subscription::Subscription() = default;
Subscription::~Subscription() = default;
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
void Subscription::Stop() { impl_.reset(); }

class EventClient::Impl {
 public:
  Impl(std::string uri, EventClientOptions options)
      : uri_(std::move(uri)),
        options_(std::move(options)),
        credentials_(CredentialsOf(options_, uri_)),
        servers_(std::make_shared<Servers>(
            uri_, credentials_.has_value() ? *credentials_ : client::Credentials())) {}

  Result<SentEvent> Send(const std::string& key, const std::string& value,
                         const SendOptions& options) {
    notification_service::SendEventRequest request;
    request.set_enable_idempotence(true);
    request.set_uuid(options.event_id.empty() ? RandomId() : options.event_id);
    notification_service::EventProto& event = *request.mutable_event();
    event.set_key(key);
    event.set_value(value);
    event.set_namespace_(options_.ns);
    event.set_sender(options_.sender);
    event.set_context(options.context);
    if (options.execution_id && options.context.empty()) {
      event.set_context(nlohmann::json{{"workflow_execution_id", *options.execution_id}}.dump());
    }
    notification_service::SendEventsResponse response;
    const Status status = Call("send event " + key, [&](Stub& stub, grpc::ClientContext* context) {
      return stub.sendEvent(context, request, &response);
    });
    if (!status.ok()) return Error(status);
    if (response.return_code() != notification_service::SUCCESS) {
      return Error(Code::kInvalidArgument, "send event " + key + ": " + response.return_msg());
    }
    return SentEvent{response.event().offset(), response.event().create_time(),
                     !response.return_msg().empty()};
  }

  Result<int64_t> Head() {
    notification_service::TimeToOffsetRequest request;
    request.set_timestamp(std::numeric_limits<int64_t>::max());
    notification_service::TimeToOffsetResponse response;
    const Status status =
        Call("ask for the newest offset", [&](Stub& stub, grpc::ClientContext* context) {
          return stub.timestampToEventOffset(context, request, &response);
        });
    if (!status.ok()) return Error(status);
    return response.offset();
  }

  [[nodiscard]] const EventClientOptions& options() const { return options_; }
  [[nodiscard]] const std::shared_ptr<Servers>& servers() const { return servers_; }

  /// Whether there is somebody to call, and what to show.
  [[nodiscard]] Status Check() const {
    if (!credentials_.has_value()) return credentials_.error();
    if (!servers_->Current().address.empty()) return Status::Ok();
    return {Code::kInvalidArgument,
            "the event client has no server; give host:port, or several with commas"};
  }

 private:
  using Stub = notification_service::NotificationService::Stub;

  /// Calls one server after the other until one answers, be it with a failure for good, or the send
  /// time-out is over. Pauses after each round.
  template <typename F>
  Status Call(const std::string& what, F&& call) {
    AIFLOW_RETURN_IF_ERROR(Check());
    const auto end = steady_clock::now() + options_.send_timeout;
    Backoff backoff;
    for (size_t failures = 1;; ++failures) {
      const Servers::Server server = servers_->Current();
      Stub stub(server.channel);
      grpc::ClientContext context;
      const auto left =
          std::max<steady_clock::duration>(end - steady_clock::now(), milliseconds(1));
      context.set_deadline(std::chrono::system_clock::now() +
                           std::min<steady_clock::duration>(kCallTimeout, left));
      const grpc::Status status = call(stub, &context);
      if (status.ok()) return Status::Ok();
      if (!MayRetry(status)) return FromGrpc(status, what + " at " + server.address);
      servers_->GoOnFrom(server.address);
      const bool round_is_over = failures % servers_->size() == 0;
      const milliseconds pause = round_is_over ? backoff.Next() : milliseconds(0);
      if (steady_clock::now() + pause >= end) {
        return FromGrpc(status, what + " at " + server.address);
      }
      std::this_thread::sleep_for(pause);
    }
  }

  const std::string uri_;
  const EventClientOptions options_;
  const Result<client::Credentials> credentials_;
  const std::shared_ptr<Servers> servers_;
};

EventClient::EventClient(std::string uri, EventClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(uri), std::move(options))) {}
EventClient::~EventClient() = default;

Result<SentEvent> EventClient::Send(const std::string& key, const std::string& value,
                                    const SendOptions& options) {
  return impl_->Send(key, value, options);
}

Result<int64_t> EventClient::Head() { return impl_->Head(); }

Result<Subscription> EventClient::Listen(Filter filter, Callback callback) {
  if (Status status = impl_->Check(); !status.ok()) return Error(std::move(status));
  v1::SubscribeRequest request;
  if (filter.after_offset) {
    request.set_after_offset(*filter.after_offset);
  } else {
    // The head as of now: whatever comes later is after it, also before the stream stands.
    const Result<int64_t> head = Head();
    if (!head) return Error(head.error());
    request.set_after_offset(*head);
  }
  for (std::string& key : filter.keys) request.add_keys(std::move(key));
  if (!filter.any_namespace) request.set_namespace_(impl_->options().ns);
  Subscription subscription;
  subscription.impl_ = std::make_unique<Subscription::Impl>(impl_->servers(), std::move(request),
                                                            std::move(filter), std::move(callback));
  return subscription;
}

}  // namespace aiflow
