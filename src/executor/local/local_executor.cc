#include "executor/local/local_executor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "executor/attempt_store.h"
#include "model/limits.h"
#include "runner/attempt_files.h"

namespace aiflow {
namespace {

using std::chrono::steady_clock;

constexpr Millis kLongestPause{2'000};
constexpr Millis kFirstPause{50};

/// Room for the rest of a message beside what the task asks for.
constexpr size_t kLargestPayload = runner::kMaxMessage - (1U << 20);

size_t PayloadSize(const AttemptSpec& spec) {
  size_t size = 0;
  for (const std::string& word : spec.argv) size += word.size() + 8;
  for (const auto& [name, value] : spec.env) size += name.size() + value.size() + 8;
  for (const auto& [name, contents] : spec.files) size += name.size() + contents.size() + 8;
  for (const std::string& secret : spec.secrets) size += secret.size() + 8;
  return size;
}

void DropPayload(AttemptSpec& spec) {
  spec.argv = {};
  spec.env = {};
  spec.files = {};
  spec.secrets = {};
}

}  // namespace

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return result;
}

LocalExecutor::LocalExecutor(LocalExecutorOptions options) : options_(std::move(options)) {
  CHECK(options_.attempts_dir.starts_with("/")) << options_.attempts_dir;
  CHECK(options_.runner.dir.starts_with("/")) << options_.runner.dir;
  CHECK(options_.parallelism > 0) << options_.parallelism;
}

LocalExecutor::~LocalExecutor() { Close(); }

std::string LocalExecutor::AttemptDir(const AttemptKey& key) const {
  return AttemptDirectory(options_.attempts_dir, key);
}

std::string LocalExecutor::LogPath(const AttemptKey& key) const {
  return AttemptLog(options_.attempts_dir, key);
}

int64_t LocalExecutor::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

LocalExecutorUse LocalExecutor::use() const {
  const std::lock_guard lock(mutex_);
  LocalExecutorUse use;
  use.connected = connection_.open();
  use.attempts = static_cast<int64_t>(attempts_.size());
  use.running = running_;
  if (unreachable_since_.has_value() && !use.connected) {
    const auto since = steady_clock::now() - *unreachable_since_;
    use.unreachable =
        std::max<int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(since).count());
  }
  return use;
}

Status LocalExecutor::Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) {
  CHECK(!thread_.joinable()) << "opened twice";
  Result<RunnerConnection> connection = RunnerConnection::Open(options_.runner, epoch);
  if (!connection) return connection.error();
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return {Code::kResourceExhausted, "no file descriptor for the executor"};
  sink_ = std::move(sink);
  {
    const std::lock_guard lock(mutex_);
    epoch_ = epoch;
    closing_ = fenced_ = false;
    connection_ = std::move(*connection);
    counters_.connections.fetch_add(1, std::memory_order_relaxed);
    for (ExpectedAttempt& attempt : expected) Expect(std::move(attempt));
    Resume();
  }
  thread_ = std::thread([this] { ThreadMain(); });
  return Status::Ok();
}

void LocalExecutor::Expect(ExpectedAttempt expected) {
  if (IsFinished(expected.status)) return;
  const std::string key = expected.spec.key.ToString();
  Attempt& attempt = attempts_[key];
  attempt.spec = std::move(expected.spec);
  attempt.stop = expected.stop;
  const bool seen_running =
      expected.status == TaskStatus::kRunning || expected.status == TaskStatus::kStopping;
  if (seen_running) {
    SetPhase(attempt, Phase::kRunning);
  } else if (expected.stop || HasClaim(AttemptDir(attempt.spec.key))) {
    SetPhase(attempt, Phase::kSent);  // whatever it is, it takes no new process
  } else {
    waiting_.push_back(key);
  }
}

void LocalExecutor::SetPhase(Attempt& attempt, Phase phase) {
  const auto is_active = [](Phase p) { return p == Phase::kSent || p == Phase::kRunning; };
  active_ += static_cast<int>(is_active(phase)) - static_cast<int>(is_active(attempt.phase));
  running_ += static_cast<int>(phase == Phase::kRunning) -
              static_cast<int>(attempt.phase == Phase::kRunning);
  attempt.phase = phase;
}

void LocalExecutor::Start(AttemptSpec spec) {
  const std::lock_guard lock(mutex_);
  if (closing_ || fenced_ || spec.epoch < epoch_) return;
  const std::string key = spec.key.ToString();
  const auto [found, is_new] = attempts_.try_emplace(key);
  Attempt& attempt = found->second;
  if (!is_new) {
    // Asked again: say again what is known of it.
    if (!attempt.last.token.empty()) {
      echoes_.push_back(attempt.last);
      Wake();
    }
    return;
  }
  attempt.spec = std::move(spec);
  attempt.asked = steady_clock::now();
  counters_.starts.fetch_add(1, std::memory_order_relaxed);
  waiting_.push_back(key);
  Pump();
}

void LocalExecutor::Stop(const AttemptSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (closing_ || fenced_ || spec.epoch < epoch_) return;
  const std::string key = spec.key.ToString();
  const auto [found, is_new] = attempts_.try_emplace(key);
  Attempt& attempt = found->second;
  if (is_new) attempt.spec = spec;
  if (attempt.phase == Phase::kEnded) {
    echoes_.push_back(attempt.last);
    return Wake();
  }
  attempt.stop = true;
  attempt.spec.stop_grace = spec.stop_grace;
  if (attempt.phase == Phase::kWaiting) {
    std::erase(waiting_, key);
    SetPhase(attempt, Phase::kSent);
  }
  SendStop(attempt);
}

void LocalExecutor::Forget(const AttemptKey& key) {
  const std::lock_guard lock(mutex_);
  if (closing_ || fenced_) return;
  const std::string text = key.ToString();
  const auto found = attempts_.find(text);
  if (found != attempts_.end() && found->second.phase != Phase::kEnded) {
    found->second.forget = true;  // as soon as its end is known
    return;
  }
  if (found != attempts_.end()) attempts_.erase(found);
  Send(runner::Forget{text});
  forgotten_.push_back(AttemptDir(key));
  Wake();
}

void LocalExecutor::Close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  if (thread_.joinable()) {
    Wake();
    thread_.join();
  }
  const std::lock_guard lock(mutex_);
  connection_.Close();
  attempts_.clear();
  waiting_.clear();
  active_ = running_ = 0;
  if (wake_fd_ >= 0) close(std::exchange(wake_fd_, -1));
}

void LocalExecutor::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = write(wake_fd_, &one, sizeof(one));
}

// ---- Talking to the runner; the lock is held.

runner::AttemptCommand LocalExecutor::CommandFor(const Attempt& attempt, runner::Verb verb) const {
  const AttemptSpec& spec = attempt.spec;
  runner::AttemptCommand command;
  command.verb = verb;
  command.attempt = spec.key.ToString();
  command.dir = AttemptDir(spec.key);
  command.token = spec.token;
  command.epoch = std::max(spec.epoch, epoch_);
  command.stop_grace_ms = spec.stop_grace.count();
  command.signal_group = spec.signal_group;
  command.seen_running = attempt.phase == Phase::kRunning;
  command.log_max_bytes = options_.log_max_bytes;
  return command;
}

void LocalExecutor::SendStart(const Attempt& attempt) {
  const AttemptSpec& spec = attempt.spec;
  runner::AttemptCommand command = CommandFor(attempt, runner::Verb::kStart);
  if (!spec.refusal.empty()) {
    command.refusal = spec.refusal;
    return Send(command);
  }
  const size_t size = PayloadSize(spec) + PayloadSize({.env = options_.environment});
  if (size > kLargestPayload) {
    command.refusal = "its command, environment and files take " + std::to_string(size) +
                      " bytes, more than " + std::to_string(kLargestPayload);
    return Send(command);
  }
  command.working_dir = spec.working_dir;
  command.argv = spec.argv;
  for (const auto& [name, value] : options_.environment) {
    if (!spec.env.contains(name)) command.env.push_back(name + "=" + value);
  }
  for (const auto& [name, value] : spec.env) command.env.push_back(name + "=" + value);
  for (const auto& file : spec.files) command.files.emplace_back(file);
  command.secrets = spec.secrets;
  Send(command);
}

void LocalExecutor::SendStop(const Attempt& attempt) {
  Send(CommandFor(attempt, runner::Verb::kStop));
}

void LocalExecutor::SendAdopt(const Attempt& attempt) {
  Send(CommandFor(attempt, runner::Verb::kAdopt));
}

void LocalExecutor::Send(const runner::Message& message) {
  if (!connection_.open()) return;  // Resume says it all again
  // A runner that has gone is noticed by the thread.
  if (!connection_.Send(message).ok() || connection_.has_unsent()) Wake();
}

void LocalExecutor::Pump() {
  while (connection_.open() && active_ < options_.parallelism && !waiting_.empty()) {
    Attempt& attempt = attempts_.at(waiting_.front());
    waiting_.pop_front();
    SetPhase(attempt, Phase::kSent);
    SendStart(attempt);
  }
}

void LocalExecutor::Resume() {
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.phase == Phase::kRunning) SendAdopt(attempt);
    if (attempt.phase == Phase::kSent && !attempt.stop) SendStart(attempt);
    const bool live = attempt.phase == Phase::kRunning || attempt.phase == Phase::kSent;
    if (live && attempt.stop) SendStop(attempt);
  }
  Pump();
}

// ---- The thread.

void LocalExecutor::ThreadMain() {
  Millis pause = kFirstPause;
  auto connected_at = steady_clock::now();
  while (true) {
    Afterwards after;
    bool settled = false;
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return;
      Exchange(after);
      settled = connection_.open() || fenced_;
    }
    DoAfterwards(after);
    if (settled) {
      Wait(-1);
      continue;
    }
    // One that dies again and again is not started in a tight loop.
    if (steady_clock::now() - connected_at > kLongestPause)
      pause = kFirstPause;
    else
      Wait(static_cast<int>(std::exchange(pause, std::min(pause * 2, kLongestPause)).count()));
    if (!Reconnect()) continue;
    connected_at = steady_clock::now();
  }
}

void LocalExecutor::Wait(int timeout_ms) {
  pollfd entries[2] = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                       {.fd = -1, .events = POLLIN, .revents = 0}};
  {
    const std::lock_guard lock(mutex_);
    entries[1].fd = connection_.fd();
    if (connection_.has_unsent()) entries[1].events |= POLLOUT;
  }
  poll(entries, 2, timeout_ms);
  uint64_t ignored = 0;
  if (entries[0].revents != 0) {
    [[maybe_unused]] const ssize_t size = read(wake_fd_, &ignored, sizeof(ignored));
  }
}

bool LocalExecutor::Reconnect() {
  Epoch epoch = 0;
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || fenced_) return false;
    epoch = epoch_;
  }
  Result<RunnerConnection> connection = RunnerConnection::Open(options_.runner, epoch);
  const std::lock_guard lock(mutex_);
  if (!connection) {
    fenced_ = connection.error().code() == Code::kAborted;
    if (!unreachable_since_.has_value()) unreachable_since_ = steady_clock::now();
    return false;
  }
  connection_ = std::move(*connection);
  unreachable_since_.reset();
  counters_.connections.fetch_add(1, std::memory_order_relaxed);
  Resume();
  return true;
}

void LocalExecutor::Exchange(Afterwards& after) {
  after.reports = std::exchange(echoes_, {});
  after.forgotten = std::exchange(forgotten_, {});
  if (!connection_.open()) return;
  Result<std::vector<runner::Message>> messages = connection_.Receive();
  if (!messages || !connection_.Flush().ok()) connection_.Close();
  if (!messages) return;
  for (runner::Message& message : *messages) {
    if (auto* report = std::get_if<runner::Report>(&message)) {
      OnReport(std::move(*report), after);
    } else if (const auto* refused = std::get_if<runner::Refused>(&message)) {
      fenced_ = refused->highest_epoch > epoch_;
      connection_.Close();
    }
  }
  Pump();
}

void LocalExecutor::OnReport(runner::Report report, Afterwards& after) {
  const auto found = attempts_.find(report.attempt);
  if (found == attempts_.end()) return;  // of nobody we are responsible for
  Attempt& attempt = found->second;
  if (attempt.phase == Phase::kEnded) return;
  const auto status = static_cast<TaskStatus>(report.status);
  attempt.last = {.key = attempt.spec.key,
                  .token = attempt.spec.token,
                  .status = status,
                  .pid = report.pid,
                  .exit_code = report.exit_code,
                  .reason = std::move(report.reason),
                  .final_failure = status == TaskStatus::kFailed &&
                                   report.exit_code == attempt.spec.final_exit_code};
  if (status == TaskStatus::kSuccess) {
    attempt.last.output =
        ReadOutput(AttemptDir(attempt.spec.key), limits::kMaxOutputBytes, attempt.last.reason);
  }
  if (attempt.phase != Phase::kRunning && !attempt.spec.log_link.empty()) {
    after.links.emplace_back(attempt.spec.log_link, runner::LogPath(AttemptDir(attempt.spec.key)));
  }
  if (attempt.asked.has_value()) {
    if (status == TaskStatus::kRunning)
      counters_.start.Observe(steady_clock::now() - *attempt.asked);
    attempt.asked.reset();
  }
  SetPhase(attempt, IsFinished(status) ? Phase::kEnded : Phase::kRunning);
  DropPayload(attempt.spec);
  after.reports.push_back(attempt.last);
  if (!attempt.forget || !IsFinished(status)) return;
  Send(runner::Forget{found->first});
  after.forgotten.push_back(AttemptDir(attempt.spec.key));
  attempts_.erase(found);
}

void LocalExecutor::DoAfterwards(Afterwards& after) {
  for (AttemptReport& report : after.reports) sink_(std::move(report));
  for (const auto& [link, target] : after.links) LinkLog(link, target);
  for (const std::string& dir : after.forgotten) ClearAttempt(dir);
}

}  // namespace aiflow
