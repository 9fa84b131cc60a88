#pragma once

#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/credentials.h"

namespace aiflow {

/// The one place where a channel to a server is made. Connects when it is first used.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const client::Credentials& credentials);

/// The servers of one service, of which one is the current one. Thread-safe.
class Servers {
 public:
  struct Server {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
  };

  /// Of "a:1, b:2". The first one is the current one. Of a list without any, it is one without
  /// address and channel.
  Servers(const std::string& list, client::Credentials credentials);

  [[nodiscard]] size_t size() const { return addresses_.size(); }
  Server Current();
  /// `address` does not answer: makes the next one the current one, unless another thread already
  /// went on from `address`.
  void GoOnFrom(const std::string& address);

 private:
  const std::vector<std::string> addresses_;  // at least one
  const client::Credentials credentials_;
  std::mutex mutex_;
  size_t current_ = 0;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // made when first used
};

}  // namespace aiflow
