#include "plugin/plugin_executor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/backoff.h"
#include "base/check.h"
#include "executor/attempt_store.h"
#include "plugin/attempt_book.h"
#include "plugin/plugin_connection.h"
#include "runner/attempt_files.h"
#include "runner/claim.h"

namespace aiflow {
namespace {

using plugin::AttemptBook;
using std::chrono::steady_clock;
using Instant = steady_clock::time_point;

/// Commands that are under way at a time.
constexpr size_t kMaxUnderWay = 32;
constexpr size_t kForgetBatch = 1'000;
/// Messages of the stream that wait to be looked at; more are left with the plug-in.
constexpr size_t kMaxArrivals = 1'000;
/// More reports than this in one list are taken for one without an end.
constexpr int64_t kMaxListed = 2'000'000;
/// A connection that held for so long was a good one.
constexpr std::chrono::seconds kGoodConnection{10};
/// The same complaint is made so often.
constexpr std::chrono::seconds kComplaintInterval{60};
constexpr size_t kMaxComplaintKinds = 100;

}  // namespace

class PluginExecutor::Impl {
 public:
  Impl(PluginExecutorOptions options, std::unique_ptr<PluginProcess> process)
      : options_(std::move(options)), process_(std::move(process)), book_(options_.name) {
    CHECK(options_.attempts_dir.starts_with("/")) << options_.attempts_dir;
  }

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink);
  void Close();
  /// Has `change` applied to the book, unless this server has nothing to say any more.
  template <typename Change>
  void Tell(Epoch epoch, Change change) {
    const std::lock_guard lock(mutex_);
    if (closing_ || fenced_ || epoch < epoch_) return;
    change(book_, steady_clock::now());
    changed_.notify_all();
  }
  void Forget(const AttemptKey& key) {
    const std::lock_guard lock(mutex_);
    if (closing_ || fenced_) return;
    book_.Forget(key);
    changed_.notify_all();
  }
  int64_t running() const {
    const std::lock_guard lock(mutex_);
    return book_.running();
  }
  PluginExecutorUse use() const;
  const DurationHistogram& start_times() const { return start_times_; }
  const PluginExecutorOptions& options() const { return options_; }

 private:
  enum class State : uint8_t { kAway, kOpening, kWatching, kListing, kReady };
  /// What is left to do without the lock.
  struct Afterwards {
    bool connect = false;
    bool disconnect = false;
    bool watch = false;
    std::optional<std::string> list;  // from this page on
    std::vector<AttemptBook::Command> commands;
    std::vector<std::string> forgets;
    std::vector<AttemptKey> forgotten;
    std::string kill;  // the plug-in, and why
    std::vector<std::string> complaints;
    AttemptBook::Tidings tidings;
  };

  void ThreadMain();
  void Arrive(plugin::Arrival arrival);
  // The lock is held.
  std::optional<Instant> WakeAt() const;
  void Handle(plugin::Opened opened, Afterwards& after);
  void Handle(plugin::Answered answered, Afterwards& after);
  void Handle(plugin::Forgotten forgotten, Afterwards& after);
  void Handle(plugin::Listed listed, Afterwards& after);
  void Handle(plugin::Watched watched, Afterwards& after);
  void Handle(plugin::Ended ended, Afterwards& after);
  void TakeReport(plugin::pb::Report report, bool listed);
  bool IsOver(const Status& status, Afterwards& after);
  void Fence();
  void Fail(std::string problem, Afterwards& after);
  void Plan(Instant now, Afterwards& after);
  // It is not.
  void Do(Afterwards& after);
  void Send(AttemptBook::Command command);
  void Complain(const std::string& line);

  const PluginExecutorOptions options_;
  const std::unique_ptr<PluginProcess> process_;
  DurationHistogram start_times_;
  ReportSink sink_;
  std::thread thread_;
  std::unique_ptr<plugin::PluginConnection> connection_;  // the thread's
  std::map<std::string, Instant> complaints_;             // the thread's: when each was made last

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  Epoch epoch_ = 0;
  bool closing_ = false;
  bool fenced_ = false;    // a higher epoch was seen: this server has nothing to say any more
  bool dropping_ = false;  // the connection is going: what still comes is for nobody
  State state_ = State::kAway;
  std::deque<plugin::Arrival> arrivals_;
  AttemptBook book_;
  std::string problem_ = "it was never opened";
  std::string description_;
  bool masks_secrets_ = false;
  Backoff backoff_;
  Instant connect_at_{};
  Instant watch_until_{};
  Instant ready_since_{};
  Instant list_at_{};
  bool list_under_way_ = false;
  int64_t listed_ = 0;  // reports of the list under way
  std::string page_;    // its last page
  int64_t connections_ = 0;
  std::optional<Instant> unreachable_since_;
};

// ---- From outside.

Status PluginExecutor::Impl::Open(Epoch epoch, std::vector<ExpectedAttempt> expected,
                                  ReportSink sink) {
  CHECK(!thread_.joinable()) << "opened twice";
  {
    const std::lock_guard lock(mutex_);
    epoch_ = epoch;
    closing_ = fenced_ = false;
    sink_ = std::move(sink);
    problem_ = "it has not answered yet";
    connect_at_ = steady_clock::now();
    unreachable_since_ = connect_at_;
    for (ExpectedAttempt& attempt : expected) book_.Expect(std::move(attempt), connect_at_);
  }
  if (process_ != nullptr) {
    const Status started = process_->Start(epoch, [this] {
      const std::lock_guard lock(mutex_);
      Fence();
    });
    if (!started.ok()) {
      Close();
      return started;
    }
  }
  thread_ = std::thread([this] { ThreadMain(); });
  if (options_.open_patience == Millis(0)) return Status::Ok();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, options_.open_patience,
                    [this] { return fenced_ || state_ == State::kReady; });
  if (state_ == State::kReady && !fenced_) return Status::Ok();
  const Status status = {fenced_ ? Code::kAborted : Code::kUnavailable,
                         "executor " + options_.name + ": " + problem_};
  lock.unlock();
  Close();
  return status;
}

void PluginExecutor::Impl::Close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (process_ != nullptr) process_->Stop();
  const std::lock_guard lock(mutex_);
  book_.Clear();
  state_ = State::kAway;
}

PluginExecutorUse PluginExecutor::Impl::use() const {
  const std::lock_guard lock(mutex_);
  PluginExecutorUse use;
  use.connected = state_ == State::kReady;
  use.description = description_;
  if (!use.connected) {
    // What has become of the program says more than that nobody listens.
    const std::string process = process_ == nullptr ? std::string() : process_->problem();
    use.problem = process.empty() || fenced_ ? problem_ : process;
  }
  if (unreachable_since_.has_value()) {
    const auto since = steady_clock::now() - *unreachable_since_;
    use.unreachable =
        std::max<int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(since).count());
  }
  use.attempts = book_.size();
  use.running = book_.running();
  use.starts = book_.counts().starts;
  use.refused = book_.counts().refused;
  use.lost = book_.counts().lost;
  use.connections = connections_;
  use.process_starts = process_ == nullptr ? 0 : process_->starts();
  return use;
}

// ---- The thread.

void PluginExecutor::Impl::Arrive(plugin::Arrival arrival) {
  std::unique_lock lock(mutex_);
  if (std::holds_alternative<plugin::Watched>(arrival)) {
    changed_.wait(lock, [this] { return dropping_ || arrivals_.size() < kMaxArrivals; });
  }
  if (dropping_) return;
  arrivals_.push_back(std::move(arrival));
  changed_.notify_all();
}

std::optional<Instant> PluginExecutor::Impl::WakeAt() const {
  if (fenced_) return std::nullopt;
  if (state_ == State::kAway) return connect_at_;
  if (state_ == State::kWatching) return watch_until_;
  if (state_ != State::kReady) return std::nullopt;
  std::optional<Instant> at;
  if (book_.under_way() < kMaxUnderWay) at = book_.NextDue();
  if (book_.alive() > 0 && !list_under_way_)
    at = at.has_value() ? std::min(*at, list_at_) : list_at_;
  return at;
}

void PluginExecutor::Impl::ThreadMain() {
  for (;;) {
    Afterwards after;
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        const std::optional<Instant> at = WakeAt();
        const Instant now = steady_clock::now();
        if (closing_ || !arrivals_.empty() || (fenced_ && connection_ != nullptr) ||
            book_.has_tidings() || (at.has_value() && *at <= now)) {
          break;
        }
        if (at.has_value()) {
          changed_.wait_until(lock, *at);
        } else {
          changed_.wait(lock);
        }
      }
      if (closing_) break;
      std::deque<plugin::Arrival> arrivals = std::exchange(arrivals_, {});
      for (plugin::Arrival& arrival : arrivals) {
        if (after.disconnect || fenced_) break;
        std::visit([&](auto& one) { Handle(std::move(one), after); }, arrival);
      }
      changed_.notify_all();
      Plan(steady_clock::now(), after);
      after.tidings = book_.Take();
      dropping_ = after.disconnect;
    }
    Do(after);
  }
  {
    const std::lock_guard lock(mutex_);
    dropping_ = true;
    changed_.notify_all();
  }
  connection_.reset();
  const std::lock_guard lock(mutex_);
  arrivals_.clear();
  dropping_ = false;
}

void PluginExecutor::Impl::Fence() {
  fenced_ = true;
  state_ = State::kAway;
  problem_ = "another server with a higher epoch has taken the plug-in over";
  changed_.notify_all();
}

void PluginExecutor::Impl::Fail(std::string problem, Afterwards& after) {
  const Instant now = steady_clock::now();
  if (state_ == State::kReady && now - ready_since_ > kGoodConnection) backoff_.Reset();
  if (!unreachable_since_.has_value()) unreachable_since_ = now;
  state_ = State::kAway;
  list_under_way_ = false;
  problem_ = std::move(problem);
  connect_at_ = now + backoff_.Next();
  book_.Disconnected(now);
  after.disconnect = true;
  after.complaints.push_back(problem_);
}

/// True when the status ends the connection.
bool PluginExecutor::Impl::IsOver(const Status& status, Afterwards& after) {
  if (status.code() == Code::kAborted) {
    Fence();
    after.disconnect = true;
    return true;
  }
  if (status.code() != Code::kDeadlineExceeded) return false;
  // Whatever it still makes of the call ends with it.
  after.kill = "it has not answered for " + std::to_string(options_.answer_limit.count()) + " ms";
  Fail(after.kill, after);
  return true;
}

void PluginExecutor::Impl::Handle(plugin::Opened opened, Afterwards& after) {
  if (!opened.answer.has_value()) {
    const Status& status = opened.answer.error();
    if (status.code() == Code::kAborted) return Fence();
    std::string problem = status.message();
    if (status.code() == Code::kDeadlineExceeded) {
      problem =
          "it has not answered Open within " + std::to_string(options_.start_limit.count()) + " ms";
      after.kill = problem;
    } else if (status.code() == Code::kUnimplemented) {
      problem = "it serves no aiflow.executor.v1.ExecutorPlugin: " + problem;
    }
    return Fail(std::move(problem), after);
  }
  const plugin::pb::OpenResponse& answer = *opened.answer;
  if (answer.protocol_version() != plugin::kProtocolVersion) {
    return Fail("it speaks version " + std::to_string(answer.protocol_version()) +
                    " of the protocol, and this server version " +
                    std::to_string(plugin::kProtocolVersion) + ": use a plug-in of that version",
                after);
  }
  description_ = runner::CleanLine(answer.description(), 200);
  masks_secrets_ = answer.masks_secrets();
  state_ = State::kWatching;
  watch_until_ = steady_clock::now() + options_.answer_limit;
  after.watch = true;
}

void PluginExecutor::Impl::Handle(plugin::Watched watched, Afterwards& after) {
  for (plugin::pb::Report& report : *watched.message.mutable_reports()) {
    TakeReport(std::move(report), false);
  }
  if (state_ != State::kWatching) return;
  state_ = State::kListing;
  list_at_ = steady_clock::now();
  after.list = "";
}

void PluginExecutor::Impl::Handle(plugin::Listed listed, Afterwards& after) {
  if (!listed.answer.has_value()) {
    const Status& status = listed.answer.error();
    if (IsOver(status, after)) return;
    return Fail("it cannot say what it knows: " + status.message(), after);
  }
  plugin::pb::ListResponse& answer = *listed.answer;
  listed_ += answer.reports_size();
  for (plugin::pb::Report& report : *answer.mutable_reports()) TakeReport(std::move(report), true);
  const std::string& next = answer.next_page_token();
  if (!next.empty()) {
    if (next == page_ || listed_ > kMaxListed) {
      return Fail("its list of attempts has no end", after);
    }
    page_ = next;
    after.list = next;
    return;
  }
  const Instant now = steady_clock::now();
  book_.EndList(now);
  list_under_way_ = false;
  list_at_ = now + options_.list_interval;
  if (state_ != State::kListing) return;
  state_ = State::kReady;
  ready_since_ = now;
  unreachable_since_.reset();
  problem_.clear();
  ++connections_;
}

void PluginExecutor::Impl::TakeReport(plugin::pb::Report report, bool listed) {
  Result<plugin::PluginReport> read = plugin::ReadReport(std::move(report));
  if (!read.has_value()) return book_.Refuse(read.error().message());
  book_.Report(*std::move(read), listed, steady_clock::now());
}

void PluginExecutor::Impl::Handle(plugin::Answered answered, Afterwards& after) {
  if (IsOver(answered.status, after)) return;
  auto outcome = AttemptBook::Outcome::kDone;
  if (answered.status.code() == Code::kResourceExhausted &&
      answered.verb == AttemptBook::Verb::kStart) {
    outcome = AttemptBook::Outcome::kFull;
  } else if (!answered.status.ok()) {
    outcome = AttemptBook::Outcome::kRetry;
    after.complaints.push_back((answered.verb == AttemptBook::Verb::kStart
                                    ? "a start is not accepted: "
                                    : "a stop is not accepted: ") +
                               answered.status.ToString());
  }
  book_.Answered(answered.key, answered.verb, outcome, steady_clock::now());
}

void PluginExecutor::Impl::Handle(plugin::Forgotten forgotten, Afterwards& after) {
  if (IsOver(forgotten.status, after)) return;
  if (!forgotten.status.ok()) {
    after.complaints.push_back("it does not forget: " + forgotten.status.ToString());
  }
  std::vector<AttemptKey> keys = book_.Forgotten(forgotten.status.ok(), steady_clock::now());
  after.forgotten.insert(after.forgotten.end(), keys.begin(), keys.end());
}

void PluginExecutor::Impl::Handle(plugin::Ended ended, Afterwards& after) {
  if (IsOver(ended.status, after)) return;
  Fail(ended.status.ok() ? "it has ended the stream of reports"
                         : "the connection is lost: " + ended.status.message(),
       after);
}

void PluginExecutor::Impl::Plan(Instant now, Afterwards& after) {
  if (fenced_) {
    after.disconnect = connection_ != nullptr;
  } else if (state_ == State::kWatching && now >= watch_until_) {
    after.kill = "it has not said that it watches for " +
                 std::to_string(options_.answer_limit.count()) + " ms";
    Fail(after.kill, after);
  }
  if (after.disconnect) {
    after.watch = false;
    after.list.reset();
    return;
  }
  if (state_ == State::kAway && !fenced_ && now >= connect_at_) {
    state_ = State::kOpening;
    after.connect = true;
  }
  if (state_ == State::kReady) {
    if (book_.alive() > 0 && !list_under_way_ && now >= list_at_) after.list = "";
    while (book_.under_way() < kMaxUnderWay) {
      std::optional<AttemptBook::Command> command = book_.Next(now);
      if (!command.has_value()) break;
      after.commands.push_back(*std::move(command));
    }
    after.forgets = book_.NextForgets(kForgetBatch, now);
  }
  if (after.list.has_value() && after.list->empty()) {
    book_.BeginList();
    list_under_way_ = true;
    listed_ = 0;
    page_.clear();
  }
}

void PluginExecutor::Impl::Do(Afterwards& after) {
  if (after.disconnect) {
    connection_.reset();
    const std::lock_guard lock(mutex_);
    arrivals_.clear();
    dropping_ = false;
  }
  if (!after.kill.empty() && process_ != nullptr) process_->Kill(after.kill, options_.start_limit);
  if (after.connect) {
    connection_ = std::make_unique<plugin::PluginConnection>(
        process_ == nullptr ? options_.socket : process_->SocketHere(), epoch_,
        options_.answer_limit, [this](plugin::Arrival arrival) { Arrive(std::move(arrival)); });
    connection_->Open(options_.name, options_.home_id, options_.start_limit);
  }
  if (connection_ != nullptr) {
    if (after.watch) connection_->Watch();
    if (after.list.has_value()) connection_->List(*after.list);
    for (AttemptBook::Command& command : after.commands) Send(std::move(command));
    if (!after.forgets.empty()) connection_->Forget(after.forgets);
  }
  for (AttemptReport& report : after.tidings.reports) sink_(std::move(report));
  for (const auto& [link, key] : after.tidings.links) {
    LinkLog(link, runner::LogPath(AttemptDirectory(options_.attempts_dir, key)));
  }
  for (const AttemptKey& key : after.forgotten) {
    ClearAttempt(AttemptDirectory(options_.attempts_dir, key));
  }
  for (const auto& duration : after.tidings.starts) start_times_.Observe(duration);
  for (const std::string& line : after.complaints) Complain(line);
  for (const std::string& line : after.tidings.complaints) Complain(line);
}

void PluginExecutor::Impl::Send(AttemptBook::Command command) {
  if (command.verb == AttemptBook::Verb::kStop) return connection_->Stop(command.spec);
  const Status made =
      runner::MakeDirectories(AttemptDirectory(options_.attempts_dir, command.spec.key));
  if (!made.ok()) {
    // Tried again: nobody has claimed the attempt.
    Complain(made.message());
    return Arrive(plugin::Answered{command.verb, command.key, made});
  }
  connection_->Start(plugin::WriteAttempt(command.spec, {.executor = options_.name,
                                                         .attempts_dir = options_.attempts_dir,
                                                         .log_max_bytes = options_.log_max_bytes,
                                                         .masks_secrets = masks_secrets_}));
}

void PluginExecutor::Impl::Complain(const std::string& line) {
  const Instant now = steady_clock::now();
  if (complaints_.size() >= kMaxComplaintKinds) complaints_.clear();
  const auto [found, is_new] = complaints_.try_emplace(line, now);
  if (!is_new && now - found->second < kComplaintInterval) return;
  found->second = now;
  options_.warn("executor " + options_.name + ": " + line);
}

// ---- The interface.

PluginExecutor::PluginExecutor(PluginExecutorOptions options,
                               std::unique_ptr<PluginProcess> process)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(process))) {}
PluginExecutor::~PluginExecutor() { Close(); }

Status PluginExecutor::Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) {
  return impl_->Open(epoch, std::move(expected), std::move(sink));
}
void PluginExecutor::Start(AttemptSpec spec) {
  const Epoch epoch = spec.epoch;
  impl_->Tell(epoch, [&](AttemptBook& book, Instant now) { book.Start(std::move(spec), now); });
}
void PluginExecutor::Stop(const AttemptSpec& spec) {
  impl_->Tell(spec.epoch, [&](AttemptBook& book, Instant now) { book.Stop(spec, now); });
}
void PluginExecutor::Forget(const AttemptKey& key) { impl_->Forget(key); }
std::string PluginExecutor::LogPath(const AttemptKey& key) const {
  return AttemptLog(impl_->options().attempts_dir, key);
}
int64_t PluginExecutor::running() const { return impl_->running(); }
void PluginExecutor::Close() { impl_->Close(); }
PluginExecutorUse PluginExecutor::use() const { return impl_->use(); }
const DurationHistogram& PluginExecutor::start_times() const { return impl_->start_times(); }

}  // namespace aiflow
