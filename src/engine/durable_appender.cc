#include "engine/durable_appender.h"

#include <deque>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace aiflow {

struct DurableAppender::Core : std::enable_shared_from_this<Core> {
  struct Waiting {
    Event event;
    OnDurable done;
  };

  Core(LogHandle& log_arg, std::function<void()> refused_arg)
      : log(log_arg), refused(std::move(refused_arg)) {}

  void Send(Event event, OnDurable done);
  void Answered(Waiting sent, const Result<AppendResult>& result);

  LogHandle& log;
  const std::function<void()> refused;
  std::mutex mutex;
  std::deque<Waiting> waiting;  // guarded by mutex
  bool closed = false;          // guarded by mutex
};

void DurableAppender::Core::Send(Event event, OnDurable done) {
  Event copy = event;
  // The log may answer at once, from this thread: no lock is held here.
  log.AppendAsync(
      std::move(copy), Admission::kInternal,
      [core = shared_from_this(), sent = Waiting{std::move(event), std::move(done)}](
          const Result<AppendResult>& result) mutable { core->Answered(std::move(sent), result); });
}

void DurableAppender::Core::Answered(Waiting sent, const Result<AppendResult>& result) {
  {
    const std::lock_guard lock(mutex);
    if (closed) return;
    // kAlreadyExists: the id is there with other details (a report repeated with another reason);
    // the first one counts.
    if (!result.has_value() && result.error().code() != Code::kAlreadyExists) {
      waiting.push_back(std::move(sent));
    } else if (!sent.done) {
      return;
    }
  }
  if (result.has_value()) {
    sent.done(result->duplicate);
  } else if (result.error().code() == Code::kAlreadyExists) {
    sent.done(true);
  } else {
    refused();
  }
}

DurableAppender::DurableAppender(LogHandle& log, std::function<void()> refused)
    : core_(std::make_shared<Core>(log, std::move(refused))) {}

DurableAppender::~DurableAppender() { Close(); }

void DurableAppender::Close() {
  const std::lock_guard lock(core_->mutex);
  core_->closed = true;
  core_->waiting.clear();
}

void DurableAppender::Append(Event event, OnDurable done) {
  CHECK(!event.id.empty()) << "an event of the engine without an id cannot be retried";
  {
    const std::lock_guard lock(core_->mutex);
    if (core_->closed) return;
    if (!core_->waiting.empty()) {  // behind the earlier ones, to keep their order
      core_->waiting.push_back({std::move(event), std::move(done)});
      return;
    }
  }
  core_->Send(std::move(event), std::move(done));
}

void DurableAppender::Retry() {
  std::deque<Core::Waiting> again;
  {
    const std::lock_guard lock(core_->mutex);
    again.swap(core_->waiting);
  }
  for (Core::Waiting& next : again) core_->Send(std::move(next.event), std::move(next.done));
}

bool DurableAppender::waiting() const {
  const std::lock_guard lock(core_->mutex);
  return !core_->waiting.empty();
}

}  // namespace aiflow
