#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aiflow/event.h"
#include "base/status.h"

namespace aiflow {

struct SentEvent {
  int64_t offset = 0;
  int64_t create_time = 0;
  bool duplicate = false;  // the id was there already; offset and time are the first one's
};

struct SendOptions {
  /// The producer's own idempotency key, within the namespace: sending it again changes nothing.
  /// Empty: one is made for this call, so that its retries are idempotent.
  std::string event_id;
  std::string context;  // free text, by convention a JSON object
  /// Confines the event to one workflow execution. Adds `workflow_execution_id` to an empty
  /// context.
  std::optional<int64_t> execution_id;
};

struct EventClientOptions {
  std::string ns = "default";
  std::string sender;
  /// Total time of one Send, retries included.
  std::chrono::milliseconds send_timeout{60'000};
  /// For servers of other users or machines; what is empty is taken from $AIFLOW_TOKEN,
  /// $AIFLOW_TOKEN_FILE and $AIFLOW_TLS_CA; in a task, for its own notification server, first from
  /// $AIFLOW_NOTIFICATION_TOKEN_FILE and $AIFLOW_NOTIFICATION_TLS_CA. A token is sent by TLS or
  /// within this machine only.
  std::string token;
  std::string token_file;   // for its owner alone
  std::string tls_ca_file;  // PEM; connects by TLS
};

/// A running subscription; destroying it ends it (after the callback that runs now). Movable.
class Subscription {
 public:
  Subscription();
  ~Subscription();
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;

  /// Ends it now. Idempotent; not from inside the callback.
  void Stop();

 private:
  friend class EventClient;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Sends and receives events through a notification server. Thread-safe. Every send is durable when
/// it returns OK and is stored once, however often it is retried.
class EventClient {
 public:
  /// `uri` is host:port or unix:/path, or several with commas: when one does not answer, the next
  /// one is asked, with the same idempotency key. Does not connect yet; files of a token or of TLS
  /// that cannot be used are told by the first call.
  explicit EventClient(std::string uri, EventClientOptions options = {});
  ~EventClient();
  EventClient(const EventClient&) = delete;
  EventClient& operator=(const EventClient&) = delete;

  /// Retries with back-off while the servers are away or busy, until the send time-out: then
  /// kUnavailable, and the event may be stored nevertheless; with an `event_id`, sending it again
  /// is harmless. kInvalidArgument: the server refuses the event. May be called by many threads.
  Result<SentEvent> Send(const std::string& key, const std::string& value,
                         const SendOptions& options = {});

  using Callback = std::function<void(const ReceivedEvent&)>;
  struct Filter {
    std::vector<std::string> keys;  // empty: every key
    bool any_namespace = false;     // default: the client's namespace
    /// Only events after this offset; unset: only events from now on.
    std::optional<int64_t> after_offset;
    /// Only events confined to this workflow execution; unset: all.
    std::optional<int64_t> execution_id;
    /// A server refuses to subscribe, for instance with kOutOfRange because `after_offset` is not
    /// kept any more. Called from the subscription's thread, each time it is tried again.
    std::function<void(const Status&)> on_refused;
  };
  /// Calls `callback` for each matching event, in order, from a thread of its own; reconnects, to
  /// the next server where there are several, and goes on after the last delivered offset. Returns
  /// once the server knows of the subscription, so that no event sent after this call is missed.
  Result<Subscription> Listen(Filter filter, Callback callback);

  /// The offset of the newest event.
  Result<int64_t> Head();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow
