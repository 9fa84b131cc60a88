#include "api/observer_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace aiflow::api {

class ObserverLoop::Impl {
 public:
  Impl()
      : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    CHECK(wake_ >= 0) << "eventfd: errno " << errno;
    thread_ = std::thread([this] { Run(); });
  }

  ~Impl() {
    Stop();
    close(wake_);
    if (inotify_ >= 0) close(inotify_);
  }

  void Post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      work_.push_back(std::move(work));
    }
    Wake();
  }

  uint64_t WatchFile(const std::string& path, std::function<void()> changed) {
    if (inotify_ < 0) return 0;
    const std::lock_guard lock(mutex_);
    // Watching a file again gives the same descriptor, so watches of one file share it.
    const int descriptor = inotify_add_watch(inotify_, path.c_str(), IN_MODIFY | IN_CLOSE_WRITE);
    if (descriptor < 0) return 0;
    const uint64_t id = ++last_watch_;
    watches_[id] = {descriptor, std::move(changed)};
    return id;
  }

  void UnwatchFile(uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    const int descriptor = found->second.descriptor;
    watches_.erase(found);
    for (const auto& [other, watch] : watches_) {
      if (watch.descriptor == descriptor) return;
    }
    inotify_rm_watch(inotify_, descriptor);
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      work_.clear();
    }
    Wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct FileWatch {
    int descriptor = -1;
    std::function<void()> changed;
  };

  void Wake() const {
    const uint64_t one = 1;
    // A full counter is already a wake-up.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  }

  void Run() {
    for (;;) {
      std::array<pollfd, 2> fds{{{wake_, POLLIN, 0}, {inotify_, POLLIN, 0}}};
      if (poll(fds.data(), fds.size(), -1) < 0) {
        CHECK(errno == EINTR) << "poll: errno " << errno;
        continue;
      }
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t drained = read(wake_, &count, sizeof(count));
      std::vector<std::function<void()>> changed = TakeFileChanges();
      std::deque<std::function<void()>> work;
      {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        work.swap(work_);
      }
      for (const auto& call : changed) call();
      for (const auto& call : work) call();
    }
  }

  std::vector<std::function<void()>> TakeFileChanges() {
    std::vector<std::function<void()>> changed;
    if (inotify_ < 0) return changed;
    alignas(inotify_event) std::array<char, 16'384> buffer;
    ssize_t size = 0;
    while ((size = read(inotify_, buffer.data(), buffer.size())) > 0) {
      const std::lock_guard lock(mutex_);
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        for (const auto& [id, watch] : watches_) {
          if (watch.descriptor == event->wd) changed.push_back(watch.changed);
        }
      }
    }
    return changed;
  }

  const int wake_;
  const int inotify_;
  std::mutex mutex_;
  std::deque<std::function<void()>> work_;
  std::map<uint64_t, FileWatch> watches_;
  uint64_t last_watch_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

ObserverLoop::ObserverLoop() : impl_(std::make_unique<Impl>()) {}
ObserverLoop::~ObserverLoop() = default;
void ObserverLoop::Post(std::function<void()> work) { impl_->Post(std::move(work)); }
uint64_t ObserverLoop::WatchFile(const std::string& path, std::function<void()> changed) {
  return impl_->WatchFile(path, std::move(changed));
}
void ObserverLoop::UnwatchFile(uint64_t id) { impl_->UnwatchFile(id); }
void ObserverLoop::Stop() { impl_->Stop(); }

}  // namespace aiflow::api
