#include "cli/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "base/check.h"
#include "cli/text.h"
#include "cli/watch_view.h"

namespace aiflow::cli {
namespace {

constexpr int kRedrawMilliseconds = 200;
constexpr std::chrono::milliseconds kReconnectDelay{300};
constexpr std::chrono::seconds kReconnectLimit{60};

sigset_t InterruptSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

// What the reading thread hands to the printing one.
class ViewQueue {
 public:
  ViewQueue() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { CHECK(fd_ >= 0); }
  ~ViewQueue() { close(fd_); }
  ViewQueue(const ViewQueue&) = delete;
  ViewQueue& operator=(const ViewQueue&) = delete;

  struct Batch {
    std::deque<v1::WorkflowExecutionView> views;
    std::deque<std::string> notes;
    std::optional<Status> end;
  };

  int fd() const { return fd_; }
  void AddView(const v1::WorkflowExecutionView& view) {
    Change([&](Batch& batch) { batch.views.push_back(view); });
  }
  void AddNote(const std::string& note) {
    Change([&](Batch& batch) { batch.notes.push_back(note); });
  }
  void End(const Status& status) {
    Change([&](Batch& batch) { batch.end = status; });
  }
  Batch Take() {
    uint64_t count = 0;
    (void)!read(fd_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(batch_, {});
  }

 private:
  template <typename Action>
  void Change(const Action& action) {
    {
      const std::lock_guard lock(mutex_);
      action(batch_);
    }
    const uint64_t one = 1;
    (void)!write(fd_, &one, sizeof one);
  }

  const int fd_;
  std::mutex mutex_;
  Batch batch_;
};

// Reads views until the execution is finished, across restarts of the server.
void ReadViews(const std::stop_token& stop, Client& client, int64_t execution_id,
               const Clock& clock, ViewQueue& queue) {
  std::mutex mutex;
  std::condition_variable_any wake;
  auto last_seen = clock.Monotonic();
  bool lost = false;
  for (;;) {
    bool finished = false;
    const Status status = client.WatchWorkflowExecution(execution_id, stop,
                                                        [&](const v1::WorkflowExecutionView& view) {
                                                          if (lost)
                                                            queue.AddNote("The server is back.");
                                                          lost = false;
                                                          finished = IsFinished(view.execution());
                                                          last_seen = clock.Monotonic();
                                                          queue.AddView(view);
                                                        });
    const bool broken = status.code() == Code::kUnavailable || (status.ok() && !finished);
    if (stop.stop_requested() || !broken || clock.Monotonic() - last_seen > kReconnectLimit) {
      queue.End(status);
      return;
    }
    if (!lost) queue.AddNote("The server is not reachable; waiting for it.");
    lost = true;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kReconnectDelay, [] { return false; });
  }
}

// Prints views one way or the other.
class WatchPrinter {
 public:
  WatchPrinter(Session& session, bool quiet)
      : session_(session),
        quiet_(quiet),
        live_(quiet ? session.world().terminal.err_is_terminal
                    : session.world().terminal.out_is_terminal) {}

  void Show(const v1::WorkflowExecutionView& view) {
    view_ = view;
    if (live_ || quiet_) return;  // Redraw follows, or nothing
    for (const std::string& line : log_.Changes(view, Now())) session_.output().Line(line);
  }
  void Redraw() {
    if (!live_ || !view_) return;
    const Terminal& terminal = session_.world().terminal;
    if (quiet_) {
      terminal.err << "\r\x1b[K" << Truncate(WaitingLine(), terminal.width - 1) << std::flush;
      drawn_ = 1;
      return;
    }
    const std::vector<std::string> lines =
        WatchTree(*view_, Now(), {terminal.colours, terminal.width, terminal.height});
    std::string text = drawn_ > 0 ? "\x1b[" + std::to_string(drawn_) + "F" : "";
    for (const std::string& line : lines) text += line + "\x1b[K\n";
    session_.output().Raw(text + "\x1b[J");
    drawn_ = lines.size();
  }
  void Note(const std::string& note) {
    Wipe();
    drawn_ = 0;  // the tree is drawn anew below the note
    session_.output().Note(note);
  }
  /// Prints how it ended; the exit code.
  int Outcome() {
    Wipe();
    session_.output().Line(OutcomeLine(view_->execution()));
    if (view_->execution().status() == "FAILED") return kExitExecutionFailed;
    if (view_->execution().status() == "STOPPED") return kExitExecutionStopped;
    return kExitOk;
  }
  /// Takes the line of somebody who waits away.
  void Wipe() {
    if (quiet_ && drawn_ > 0) session_.world().terminal.err << "\r\x1b[K" << std::flush;
  }
  bool finished() const { return view_ && IsFinished(view_->execution()); }
  bool live() const { return live_; }

 private:
  std::string WaitingLine() const {
    const v1::WorkflowExecution& execution = view_->execution();
    return "Workflow execution " + std::to_string(execution.id()) + ": " + execution.status() +
           " " + FormatElapsed(Now() - execution.begin_time());
  }
  int64_t Now() const { return session_.world().clock.Now().count(); }

  Session& session_;
  const bool quiet_;
  const bool live_;
  WatchLog log_;
  std::optional<v1::WorkflowExecutionView> view_;
  size_t drawn_ = 0;
};

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = InterruptSet();
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  CHECK(fd_ >= 0);
}

Interrupts::~Interrupts() {
  // What was typed has been dealt with; left pending it would end the process now.
  signalfd_siginfo taken{};
  while (read(fd_, &taken, sizeof taken) > 0) continue;
  close(fd_);
  const sigset_t set = InterruptSet();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int WatchExecution(Session& session, Client& client, int64_t execution_id,
                   const WatchOptions& options) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  const std::string id = std::to_string(execution_id);
  const auto begin = steady_clock::now();
  ViewQueue queue;
  WatchPrinter printer(session, options.quiet);
  const std::jthread reader([&](const std::stop_token& stop) {
    ReadViews(stop, client, execution_id, session.world().clock, queue);
  });
  for (;;) {
    std::array<pollfd, 2> ready = {{{queue.fd(), POLLIN, 0}, {options.interrupt_fd, POLLIN, 0}}};
    int pause = printer.live() ? kRedrawMilliseconds : -1;
    if (options.timeout) {
      const auto spent = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
      const auto left = *options.timeout - spent;
      if (left <= milliseconds(0)) {
        printer.Wipe();
        session.output().Note("Workflow execution " + id +
                              " was not finished in time; it runs on.");
        return kExitTimedOut;
      }
      constexpr milliseconds kMaxPause{60'000};
      const auto most = static_cast<int>(std::min(left, kMaxPause).count());
      pause = pause < 0 ? most : std::min(pause, most);
    }
    poll(ready.data(), ready.size(), pause);
    if ((ready[1].revents & POLLIN) != 0) {
      printer.Wipe();
      session.output().Note("\nNo longer watching; workflow execution " + id +
                            " runs on. Watch it with 'aiflow workflow-execution watch " + id +
                            "', stop it with 'aiflow workflow-execution stop " + id + "'.");
      return kExitInterrupted;
    }
    const ViewQueue::Batch batch = queue.Take();
    for (const std::string& note : batch.notes) printer.Note(note);
    for (const v1::WorkflowExecutionView& view : batch.views) printer.Show(view);
    printer.Redraw();
    if (printer.finished()) return printer.Outcome();
    if (batch.end) {
      printer.Wipe();
      return session.Fail(*batch.end);
    }
  }
}

}  // namespace aiflow::cli
