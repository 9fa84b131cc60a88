#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "aiflow/executor/v1/executor_plugin.grpc.pb.h"
#include "base/clock.h"
#include "base/status.h"
#include "plugin/attempt_book.h"
#include "plugin/plugin_messages.h"

namespace aiflow::plugin {

/// What has come over a connection.
struct Opened {
  Result<pb::OpenResponse> answer;
};
struct Answered {
  AttemptBook::Verb verb = AttemptBook::Verb::kStart;
  std::string key;
  Status status;
};
struct Forgotten {
  Status status;
};
struct Listed {
  Result<pb::ListResponse> answer;
};
struct Watched {
  pb::WatchResponse message;
};
/// The stream of reports has ended, and with it the connection.
struct Ended {
  Status status;
};
using Arrival = std::variant<Opened, Answered, Forgotten, Listed, Watched, Ended>;

/// A connection to a plug-in. Nothing here waits: what comes is handed to `sink`, from threads of
/// gRPC; `sink` may hold up a Watched until there is room for it. After the destructor, which
/// cancels what is under way, nothing comes any more. Calls from one thread at a time.
class PluginConnection {
 public:
  using Sink = std::function<void(Arrival)>;

  /// `socket`: a path of at most 107 bytes. Every call has to be answered within `patience`.
  PluginConnection(const std::string& socket, Epoch epoch, Millis patience, Sink sink);
  ~PluginConnection();
  PluginConnection(const PluginConnection&) = delete;
  PluginConnection& operator=(const PluginConnection&) = delete;

  /// Waits for somebody who listens, too, for `patience` in all.
  void Open(const std::string& executor, const std::string& home_id, Millis patience);
  void Watch();
  void Start(pb::Attempt attempt);
  void Stop(const AttemptSpec& spec);
  void Forget(const std::vector<std::string>& keys);
  void List(const std::string& page_token);

 private:
  class Watcher;
  template <typename Request, typename Response>
  using Method = void (pb::ExecutorPlugin::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);
  template <typename Request, typename Response, typename MakeArrival>
  void Run(Method<Request, Response> method, std::shared_ptr<grpc::ClientContext> context,
           Request request, MakeArrival make_arrival);
  std::shared_ptr<grpc::ClientContext> NewContext(Millis patience) const;
  void Begin(std::shared_ptr<grpc::ClientContext> context);
  void End(const grpc::ClientContext* context);

  const Epoch epoch_;
  const Millis patience_;
  const Sink sink_;
  std::unique_ptr<pb::ExecutorPlugin::Stub> stub_;
  std::unique_ptr<Watcher> watcher_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::map<const grpc::ClientContext*, std::shared_ptr<grpc::ClientContext>> under_way_;
};

}  // namespace aiflow::plugin
