#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/credentials.h"
#include "storage/event_log.h"

namespace aiflow::api {

struct RemoteLogOptions {
  std::string address;                // host:port of the notification server
  std::string secret;                 // proves who owns the log; at least 32 bytes
  std::string log_id;                 // the log it must be; empty: any
  Millis patience{10'000};            // for the first attach
  client::Credentials credentials{};  // what the notification server asks of everybody
};

/// The event log of a notification server in another process, over gRPC, for the one AIFlow server
/// that owns it. Clients append to the same log without this object, so it belongs under a
/// LogService that is `shared`.
///
/// While the server is away, calls fail at once with kUnavailable and the reason; a thread attaches
/// again with growing pauses. Append repeats what was not answered, with the same ids, for some
/// seconds, so that it is stored once; an error means that it may or may not be there, and that it
/// may be appended again. Another log at the address, or one that has become shorter, is never
/// used. Thread-safety as in EventLog, and Append from one thread.
class RemoteEventLog final : public EventLog {
 public:
  /// Attaches, and claims a log that nobody owns. kDeadlineExceeded when nobody answers within the
  /// patience, kPermissionDenied for another server's log, kUnauthenticated without a token that is
  /// good for servers, kFailedPrecondition for another log or
  /// a server that keeps none for others.
  static Result<std::unique_ptr<RemoteEventLog>> Open(RemoteLogOptions options);
  ~RemoteEventLog() override;

  /// Follows the log from now on: `moved` is called from the thread when there are events that
  /// others appended, and when the server is back. Once.
  void Follow(std::function<void()> moved);
  /// Why the log cannot be reached; empty: it can.
  std::string AwayReason() const;
  /// Ends the calls under way and the thread; later calls fail. Idempotent.
  void Interrupt();

  std::string log_id() const override;
  Offset head() const override;
  Offset first() const override;
  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events) override;
  Result<std::vector<Event>> Read(Offset after, size_t max_events, size_t max_bytes) const override;
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const override;
  Result<std::pair<int64_t, std::vector<SenderCount>>> Count(
      const EventFilter& filter) const override;
  Result<Offset> OffsetAt(Millis time) const override;
  Result<Offset> OffsetBefore(Millis time) const override;
  /// Events below `offset` are not needed here any more. The server removes them when its own
  /// retention says so.
  Result<DropProgress> DropBefore(Offset offset) override;

  // Clients and consumers speak with the notification server itself: kUnimplemented.
  Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) override;
  Status DeleteClient(int64_t client_id) override;
  Result<bool> ClientExists(int64_t client_id) const override;
  Result<Consumer> RegisterConsumer(const std::string& name, Offset after) override;
  Result<Consumer> CommitConsumer(const std::string& name, Offset cursor) override;
  Status DeleteConsumer(const std::string& name) override;
  std::vector<Consumer> Consumers() const override { return {}; }
  std::string owner() const override { return ""; }
  Status SetOwner(const std::string& owner) override;

 private:
  class Impl;
  explicit RemoteEventLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether a notification server that keeps a log for other servers answers at `address` within
/// `patience`.
bool LogServerAnswers(const std::string& address, const client::Credentials& credentials,
                      Millis patience);

}  // namespace aiflow::api
