#include "api/grpc/remote_log_calls.h"

#include <chrono>
#include <utility>

#include "client/channel.h"

namespace aiflow::api {

std::shared_ptr<grpc::Channel> LogChannel(const std::string& address,
                                          const client::Credentials& credentials) {
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
  return client::OpenChannel(address, credentials, std::move(arguments));
}

RemoteLogCalls::RemoteLogCalls(std::string address, std::string secret,
                               const client::Credentials& credentials)
    : address_(std::move(address)),
      secret_(std::move(secret)),
      stub_(internal_v1::LogAccess::NewStub(LogChannel(address_, credentials))) {}

bool RemoteLogCalls::Begin(grpc::ClientContext& context, Millis deadline) const {
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  context.AddMetadata(kLogSecretMetadata, secret_);
  const std::lock_guard lock(mutex_);
  if (!interrupted_) calls_.insert(&context);
  return !interrupted_;
}

void RemoteLogCalls::End(grpc::ClientContext& context) const {
  const std::lock_guard lock(mutex_);
  calls_.erase(&context);
}

void RemoteLogCalls::Interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  for (grpc::ClientContext* call : calls_) call->TryCancel();
}

Status RemoteLogCalls::ToStatus(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return Status::Ok();
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {Code::kUnavailable, "the notification server at " + address_ + " does not answer (" +
                                      status.error_message() + ")"};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {Code::kFailedPrecondition,
              "what answers at " + address_ +
                  " keeps no event log for other servers: it is an AIFlow server, or a "
                  "notification server of another make; set notification_server_uri to one "
                  "started with 'notification server start', or notification_server: embedded"};
    case grpc::StatusCode::UNAUTHENTICATED:
      return {Code::kUnauthenticated,
              "the notification server at " + address_ +
                  " lets only servers in that bring a token: make one there with 'notification "
                  "token add NAME --server', and name its file in notification_token_file"};
    default:
      return {static_cast<Code>(status.error_code()),
              "notification server " + address_ + ": " + status.error_message()};
  }
}

}  // namespace aiflow::api
