// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "api/grpc/grpc_status.h"
#include "api/observer_loop.h"
#include "base/status.h"

namespace aiflow::api {

/// A stream whose messages are made on the observers' thread, one a turn. However often it is woken
/// and however slow its reader is, one message is being written and one turn waits for it to leave.
/// Made by std::make_shared; lives until gRPC is done with it.
template <typename Message>
class TurnStream : public grpc::ServerWriteReactor<Message>,
                   public std::enable_shared_from_this<TurnStream<Message>> {
 public:
  void OnWriteDone(bool ok) final {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok) cancelled_ = true;
    }
    Wake();
  }
  void OnCancel() final {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    Wake();
  }
  void OnDone() final {
    Unwatch();
    self_.reset();
  }

 protected:
  /// `observers` must outlive the stream.
  explicit TurnStream(ObserverLoop& observers) : observers_(observers) {}

  enum class Turn { kWrite, kWait, kEnd };
  /// Makes the next message, on the observers' thread. kWait: there is none before the next Wake.
  /// An error ends the stream with it.
  virtual Result<Turn> MakeMessage(Message* message) = 0;
  /// Ends what wakes the stream. Any thread; the last call.
  virtual void Unwatch() = 0;

  /// To be called first, before anything may wake it.
  void Hold() { self_ = this->shared_from_this(); }
  /// Ends it without a turn; then nothing may wake it.
  void Refuse(const Status& status) {
    const std::lock_guard lock(mutex_);
    EndLocked(status);
  }
  /// From any thread: at most one turn is waiting.
  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      if (posted_ || writing_ || finished_) return;
      posted_ = true;
    }
    observers_.Post([self = this->shared_from_this()] { self->Take(); });
  }
  /// Wakes the stream while it is there.
  std::function<void()> Waker() {
    return [weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->Wake();
    };
  }

 private:
  void Take() {
    {
      const std::lock_guard lock(mutex_);
      posted_ = false;
      if (writing_ || finished_) return;
      if (cancelled_) return EndLocked(Status(Code::kCancelled, "the reader is gone"));
    }
    const Result<Turn> turn = MakeMessage(&message_);
    const std::lock_guard lock(mutex_);
    if (!turn.has_value()) return EndLocked(turn.error());
    if (*turn == Turn::kEnd) return EndLocked(Status::Ok());
    if (*turn == Turn::kWait) return;
    writing_ = true;
    this->StartWrite(&message_);
  }

  void EndLocked(const Status& status) {
    if (std::exchange(finished_, true)) return;
    this->Finish(ToGrpc(status));
  }

  ObserverLoop& observers_;
  std::shared_ptr<TurnStream> self_;  // until OnDone
  Message message_;                   // the observers' thread's, gRPC's while it is written
  std::mutex mutex_;
  // All guarded by mutex_.
  bool posted_ = false;
  bool writing_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace aiflow::api
