#include "cli/grpc_call.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "client/channel.h"

namespace aiflow::cli {
namespace {

// Replies carry whole workflows: source text and pickled object.
constexpr int kMaxReplyBytes = 256 << 20;

}  // namespace

GrpcCall::GrpcCall(const std::string& address, const client::Credentials& credentials)
    : address_(address), tls_(credentials.tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name also the time that one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  channel_ = client::OpenChannel(address, credentials, arguments);
}

bool GrpcCall::WasConnected() const {
  const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/false);
  return state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE;
}

Status GrpcCall::ToStatus(const grpc::Status& status) const {
  if (status.ok()) return Status::Ok();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !WasConnected()) {
    std::string text = "no server answers at " + address_;
    constexpr std::string_view kUnix = "unix:";
    if (address_.starts_with(kUnix) && access(address_.c_str() + kUnix.size(), R_OK | W_OK) != 0 &&
        errno == EACCES) {
      text = "the socket " + address_ + " is for its own user alone";
    }
    if (tls_) {
      text += " by TLS with a certificate that can be trusted (--tls-ca, AIFLOW_TLS_CA)";
    } else if (!client::IsLocal(address_)) {
      text += " without TLS";
    }
    return {Code::kUnavailable, text};
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return {Code::kDeadlineExceeded, "the server at " + address_ + " did not answer in time"};
  }
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

}  // namespace aiflow::cli
