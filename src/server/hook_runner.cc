#include "server/hook_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/check.h"
#include "server/hook_command.h"
#include "server/hook_request.h"

namespace aiflow::server {
namespace {

/// How long Stop waits for its threads: longer than a command is given to end.
constexpr Millis kStopPatience = 4 * kHookKillGrace;

}  // namespace

struct HookRunner::Core {
  struct Waiting {
    HookDelivery delivery;
    Done done;
  };

  explicit Core(HookRunnerOptions options_arg)
      : options(std::move(options_arg)), stop_fd(eventfd(0, EFD_CLOEXEC)) {
    CHECK(stop_fd >= 0) << "eventfd";
  }
  ~Core() { close(stop_fd); }

  /// Until nothing waits.
  void Work();
  std::string Try(const HookDelivery& delivery);

  const HookRunnerOptions options;
  const int stop_fd;  // readable: stop
  std::mutex mutex;
  std::condition_variable idle;
  // All guarded by mutex.
  bool stopped = false;
  std::deque<Waiting> waiting;
  size_t threads = 0;
  size_t calling = 0;               // threads that call a `done`
  std::set<HookRequest*> requests;  // under way
};

std::string HookRunner::Core::Try(const HookDelivery& delivery) {
  if (delivery.call.url.empty()) {
    HookCommandOptions command;
    command.directory = options.directory;
    command.log = options.logs / (std::to_string(delivery.call.execution_id.value()) + "." +
                                  std::to_string(delivery.id.value()) + ".log");
    command.timeout = options.timeout;
    command.environment = options.environment;
    return RunHookCommand(delivery, command, stop_fd);
  }
  HookRequest request;
  {
    const std::lock_guard lock(mutex);
    if (stopped) return "stopped";
    requests.insert(&request);
  }
  std::string error = request.Post(delivery, options.timeout);
  const std::lock_guard lock(mutex);
  requests.erase(&request);
  return error;
}

void HookRunner::Core::Work() {
  std::unique_lock lock(mutex);
  while (!stopped && !waiting.empty()) {
    const Waiting next = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    std::string error = Try(next.delivery);
    lock.lock();
    if (stopped) break;
    ++calling;
    lock.unlock();
    next.done(std::move(error));
    lock.lock();
    --calling;
    idle.notify_all();
  }
  --threads;
  idle.notify_all();
}

HookRunner::HookRunner(HookRunnerOptions options)
    : core_(std::make_shared<Core>(std::move(options))) {}

HookRunner::~HookRunner() { Stop(); }

void HookRunner::Send(HookDelivery delivery, Done done) {
  {
    const std::lock_guard lock(core_->mutex);
    if (core_->stopped) return;
    if (core_->waiting.size() < core_->options.max_waiting) {
      core_->waiting.push_back({std::move(delivery), std::move(done)});
      if (core_->threads < core_->options.parallel) {
        ++core_->threads;
        std::thread([core = core_] { core->Work(); }).detach();
      }
      return;
    }
  }
  done("too many hooks wait: " + std::to_string(core_->options.max_waiting));
}

void HookRunner::Stop() {
  std::unique_lock lock(core_->mutex);
  if (!std::exchange(core_->stopped, true)) {
    core_->waiting.clear();
    const uint64_t one = 1;
    CHECK(write(core_->stop_fd, &one, sizeof(one)) == sizeof(one)) << "eventfd";
    for (HookRequest* request : core_->requests) request->Cancel();
  }
  core_->idle.wait_for(lock, kStopPatience, [this] { return core_->threads == 0; });
  core_->idle.wait(lock, [this] { return core_->calling == 0; });
}

}  // namespace aiflow::server
