#include "api/rest/grpc_call.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace aiflow::api::rest {

class GrpcCall::Reactor final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Reactor(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          std::chrono::system_clock::time_point deadline)
      : stub_(channel) {
    if (deadline != std::chrono::system_clock::time_point::max()) context_.set_deadline(deadline);
    stub_.PrepareBidiStreamingCall(&context_, method, {}, this);
    StartRead(&read_);
    // Reads and writes begin from outside of the reactions as well.
    AddHold();
    StartCall();
  }

  ~Reactor() override {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    ReleaseHold();
    changed_.wait(lock, [this] { return done_; });
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
    changed_.notify_all();
  }
  void OnReadDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    if (ok) {
      held_ = true;
    } else {
      ended_ = true;
      ReleaseHold();
    }
    changed_.notify_all();
  }
  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(mutex_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }

  bool Send(const google::protobuf::Message& message) {
    grpc::ByteBuffer bytes;
    bool own = false;
    // Only a message that is too large for a gRPC frame cannot be serialised.
    if (!grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, &bytes,
                                                                                    &own)
             .ok()) {
      return false;
    }
    std::unique_lock lock(mutex_);
    if (broken_ || ended_) return false;
    write_ = std::move(bytes);
    writing_ = true;
    StartWrite(&write_);
    changed_.wait(lock, [this] { return !writing_; });
    return !broken_;
  }

  void DoneSending() {
    const std::lock_guard lock(mutex_);
    if (!ended_) StartWritesDone();
  }

  Received Receive(google::protobuf::Message* message, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    const bool ready = changed_.wait_for(lock, patience, [this] { return held_ || done_; });
    if (held_) {
      held_ = false;
      const grpc::Status parsed =
          grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::Message>(&read_,
                                                                                       message);
      if (!parsed.ok()) {
        unreadable_ = true;
        context_.TryCancel();
        return Received::kEnd;
      }
      if (!ended_) {
        reading_ = true;
        StartRead(&read_);
      }
      return Received::kMessage;
    }
    return ready ? Received::kEnd : Received::kNothingYet;
  }

  Status outcome() {
    const std::lock_guard lock(mutex_);
    if (unreadable_) return {Code::kInternal, "the answer cannot be read"};
    return {static_cast<Code>(static_cast<int>(status_.error_code())), status_.error_message()};
  }

  void Cancel() { context_.TryCancel(); }

 private:
  /// One hold, let go of once.
  void ReleaseHold() {
    if (std::exchange(released_, true)) return;
    RemoveHold();
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer read_;
  grpc::ByteBuffer write_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reading_ = true;
  bool writing_ = false;
  bool held_ = false;  // a message is in read_
  bool ended_ = false;
  bool broken_ = false;
  bool unreadable_ = false;
  bool released_ = false;
  bool done_ = false;
  grpc::Status status_;
};

GrpcCall::GrpcCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                   std::chrono::system_clock::time_point deadline)
    : reactor_(std::make_unique<Reactor>(channel, method, deadline)) {}
GrpcCall::~GrpcCall() = default;

bool GrpcCall::Send(const google::protobuf::Message& message) { return reactor_->Send(message); }
void GrpcCall::DoneSending() { reactor_->DoneSending(); }
GrpcCall::Received GrpcCall::Receive(google::protobuf::Message* message,
                                     std::chrono::milliseconds patience) {
  return reactor_->Receive(message, patience);
}
Status GrpcCall::outcome() const { return reactor_->outcome(); }
void GrpcCall::Cancel() { reactor_->Cancel(); }

}  // namespace aiflow::api::rest
