#include "servers.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/backoff.h"
#include "client/channel.h"

namespace aiflow {
namespace {

// A subscription waits for events without end: only this tells a server that vanished from one that
// has nothing to say. Servers refuse clients that ask more often than every ten seconds.
constexpr int kKeepAliveMs = 60'000;
constexpr int kKeepAliveAnswerMs = 20'000;

// What gRPC calls the shortest pause is how long making a connection may take.
constexpr int kConnectMs = 2'000;

std::vector<std::string> Addresses(const std::string& list) {
  std::vector<std::string> addresses;
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t first = part.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    std::string address = part.substr(first, part.find_last_not_of(" \t") - first + 1);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  // The client refuses an empty one.
  if (addresses.empty()) addresses.emplace_back();
  return addresses;
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const client::Credentials& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(Backoff::kMax.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveAnswerMs);
  arguments.SetMaxReceiveMessageSize(-1);
  return client::OpenChannel(address, credentials, arguments);
}

Servers::Servers(const std::string& list, client::Credentials credentials)
    : addresses_(Addresses(list)), credentials_(std::move(credentials)) {}

Servers::Server Servers::Current() {
  const std::lock_guard lock(mutex_);
  const std::string& address = addresses_[current_];
  if (address.empty()) return {};
  std::shared_ptr<grpc::Channel>& channel = channels_[address];
  if (channel == nullptr) channel = MakeChannel(address, credentials_);
  return {address, channel};
}

void Servers::GoOnFrom(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (addresses_[current_] == address) current_ = (current_ + 1) % addresses_.size();
}

}  // namespace aiflow
