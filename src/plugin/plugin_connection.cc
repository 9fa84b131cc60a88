#include "plugin/plugin_connection.h"

#include <chrono>
#include <utility>

namespace aiflow::plugin {
namespace {

using std::chrono::system_clock;
using Async = pb::ExecutorPlugin::StubInterface::async_interface;

Status ToStatus(const grpc::Status& status) {
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

std::shared_ptr<grpc::Channel> Connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  // Of its own, so that the pauses of an earlier connection are not its.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  auto channel =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  // The queue that all callbacks of a process share goes with the last channel that uses it, and
  // gRPC 1.51 may then touch it once more. So the first channel stays: it is idle.
  static const auto* const kFirst = new std::shared_ptr<grpc::Channel>(channel);
  static_cast<void>(kFirst);
  return channel;
}

}  // namespace

/// Reads the stream of reports, message by message.
class PluginConnection::Watcher final : public grpc::ClientReadReactor<pb::WatchResponse> {
 public:
  explicit Watcher(PluginConnection& connection) : connection_(connection) {
    request_.set_epoch(connection.epoch_);
    connection_.Begin(context_);
    connection_.stub_->async()->Watch(context_.get(), &request_, this);
    StartRead(&message_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    connection_.sink_(Watched{std::exchange(message_, {})});
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    connection_.sink_(Ended{ToStatus(status)});
    connection_.End(context_.get());
  }

 private:
  PluginConnection& connection_;
  const std::shared_ptr<grpc::ClientContext> context_ = std::make_shared<grpc::ClientContext>();
  pb::WatchRequest request_;
  pb::WatchResponse message_;
};

PluginConnection::PluginConnection(const std::string& socket, Epoch epoch, Millis patience,
                                   Sink sink)
    : epoch_(epoch),
      patience_(patience),
      sink_(std::move(sink)),
      stub_(pb::ExecutorPlugin::NewStub(Connect(socket))) {}

PluginConnection::~PluginConnection() {
  // Cancelling may end a call right here, in this thread.
  std::vector<std::shared_ptr<grpc::ClientContext>> contexts;
  std::unique_lock lock(mutex_);
  for (const auto& [pointer, context] : under_way_) contexts.push_back(context);
  lock.unlock();
  for (const auto& context : contexts) context->TryCancel();
  lock.lock();
  idle_.wait(lock, [this] { return under_way_.empty(); });
}

std::shared_ptr<grpc::ClientContext> PluginConnection::NewContext(Millis patience) const {
  auto context = std::make_shared<grpc::ClientContext>();
  context->set_deadline(system_clock::now() + patience);
  return context;
}

void PluginConnection::Begin(std::shared_ptr<grpc::ClientContext> context) {
  const std::lock_guard lock(mutex_);
  const grpc::ClientContext* pointer = context.get();
  under_way_.emplace(pointer, std::move(context));
}

void PluginConnection::End(const grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  under_way_.erase(context);
  // Under the lock: the destructor may go on as soon as it is free.
  idle_.notify_all();
}

template <typename Request, typename Response, typename MakeArrival>
void PluginConnection::Run(Method<Request, Response> method,
                           std::shared_ptr<grpc::ClientContext> context, Request request,
                           MakeArrival make_arrival) {
  struct Call {
    Request request;
    Response response;
  };
  const auto call = std::make_shared<Call>();
  call->request = std::move(request);
  Begin(context);
  (static_cast<pb::ExecutorPlugin::StubInterface::async_interface*>(stub_->async())->*method)(
      context.get(), &call->request, &call->response,
      [this, context, call, make_arrival](const grpc::Status& status) {
        sink_(make_arrival(ToStatus(status), call->response));
        End(context.get());
      });
}

void PluginConnection::Open(const std::string& executor, const std::string& home_id,
                            Millis patience) {
  pb::OpenRequest request;
  request.set_epoch(epoch_);
  request.set_protocol_version(kProtocolVersion);
  request.set_executor(executor);
  request.set_home_id(home_id);
  const auto context = NewContext(patience);
  context->set_wait_for_ready(true);
  Run<pb::OpenRequest, pb::OpenResponse>(&Async::Open, context, std::move(request),
                                         [](Status status, pb::OpenResponse& response) -> Arrival {
                                           if (!status.ok())
                                             return Opened{Error(std::move(status))};
                                           return Opened{std::move(response)};
                                         });
}

void PluginConnection::Watch() { watcher_ = std::make_unique<Watcher>(*this); }

void PluginConnection::Start(pb::Attempt attempt) {
  pb::StartRequest request;
  request.set_epoch(epoch_);
  std::string key = attempt.key();
  *request.mutable_attempt() = std::move(attempt);
  Run<pb::StartRequest, pb::StartResponse>(
      &Async::Start, NewContext(patience_), std::move(request),
      [key = std::move(key)](Status status, pb::StartResponse& /*response*/) -> Arrival {
        return Answered{AttemptBook::Verb::kStart, key, std::move(status)};
      });
}

void PluginConnection::Stop(const AttemptSpec& spec) {
  pb::StopRequest request;
  std::string key = spec.key.ToString();
  request.set_epoch(epoch_);
  request.set_key(key);
  request.set_token(spec.token);
  request.set_stop_grace_ms(spec.stop_grace.count());
  Run<pb::StopRequest, pb::StopResponse>(
      &Async::Stop, NewContext(patience_), std::move(request),
      [key = std::move(key)](Status status, pb::StopResponse& /*response*/) -> Arrival {
        return Answered{AttemptBook::Verb::kStop, key, std::move(status)};
      });
}

void PluginConnection::Forget(const std::vector<std::string>& keys) {
  pb::ForgetRequest request;
  request.set_epoch(epoch_);
  for (const std::string& key : keys) request.add_keys(key);
  Run<pb::ForgetRequest, pb::ForgetResponse>(
      &Async::Forget, NewContext(patience_), std::move(request),
      [](Status status, pb::ForgetResponse& /*response*/) -> Arrival {
        return Forgotten{std::move(status)};
      });
}

void PluginConnection::List(const std::string& page_token) {
  pb::ListRequest request;
  request.set_epoch(epoch_);
  request.set_page_size(kListPage);
  request.set_page_token(page_token);
  Run<pb::ListRequest, pb::ListResponse>(&Async::List, NewContext(patience_), std::move(request),
                                         [](Status status, pb::ListResponse& response) -> Arrival {
                                           if (!status.ok())
                                             return Listed{Error(std::move(status))};
                                           return Listed{std::move(response)};
                                         });
}

}  // namespace aiflow::plugin
