#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "client/credentials.h"

namespace aiflow::client {

/// A channel to host:port or unix:/path. Every call on it brings the token of `credentials`, where
/// TokenFor allows. Does not connect yet. An address of this machine is never looked for through a
/// proxy.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const Credentials& credentials,
                                           grpc::ChannelArguments arguments);

}  // namespace aiflow::client
