#include "cli/grpc_call.h"

#include <string_view>

namespace aiflow::cli {
namespace {

// Replies carry whole workflows: source text and pickled object.
constexpr int kMaxReplyBytes = 256 << 20;

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]") || address.starts_with("unix:");
}

}  // namespace

GrpcCall::GrpcCall(const std::string& address) : address_(address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name also the time that one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A proxy of the environment cannot reach the loopback of this machine.
  if (IsLoopback(address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

bool GrpcCall::WasConnected() const {
  const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/false);
  return state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE;
}

Status GrpcCall::ToStatus(const grpc::Status& status) const {
  if (status.ok()) return Status::Ok();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !WasConnected()) {
    return {Code::kUnavailable, "no server answers at " + address_};
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return {Code::kDeadlineExceeded, "the server at " + address_ + " did not answer in time"};
  }
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

}  // namespace aiflow::cli
