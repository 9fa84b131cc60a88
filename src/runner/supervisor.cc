#include "runner/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "runner/attempt_files.h"
#include "runner/child.h"

namespace aiflow::runner {
namespace {

constexpr int64_t kStartPatienceMs = 30'000;
constexpr int64_t kStartPauseMs = 100;
constexpr int64_t kClaimPauseMs = 5'000;  // the longest between two attempts to claim

/// A shell that is signalled just before it forks or executes its command waits for that command,
/// which never saw the signal. So what joined a young group shortly before the signal or after it
/// gets the signal once more.
constexpr int64_t kYoungMs = 2'000;
constexpr int64_t kNewcomerPauseMs = 100;
constexpr uint64_t kNewcomerTicks = 30;  // 0.3 s

uint64_t TicksSinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const auto per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(now.tv_sec) * per_second +
         static_cast<uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

}  // namespace

Supervisor::Supervisor(Watcher& watcher, ReportSink sink)
    : watcher_(watcher), sink_(std::move(sink)), machine_(ReadMachineIdentity()) {
  // What a task leaves behind becomes a child of this process, and can be found and reaped.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    descriptor_limit_ = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

Supervisor::~Supervisor() {
  for (auto& [id, attempt] : attempts_) CloseDescriptors(*attempt);
}

Supervisor::Attempt* Supervisor::Find(const std::string& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : attempts_.at(found->second).get();
}

Supervisor::Attempt& Supervisor::Add(const AttemptCommand& command) {
  auto attempt = std::make_unique<Attempt>();
  attempt->id = ++last_id_;
  attempt->key = command.attempt;
  attempt->dir = command.dir;
  attempt->token = CleanLine(command.token, 512);
  attempt->signal_group = command.signal_group;
  attempt->stop_grace_ms = std::max<int64_t>(command.stop_grace_ms, 0);
  attempt->stop_wanted = command.verb == Verb::kStop;
  attempt->log_max_bytes = command.log_max_bytes;
  attempt->last_report = {.attempt = command.attempt, .token = command.token};
  by_key_[attempt->key] = attempt->id;
  ++alive_;
  return *(attempts_[attempt->id] = std::move(attempt));
}

void Supervisor::Schedule(Attempt& attempt, int64_t due) {
  if (attempt.due != 0) due_.erase({attempt.due, attempt.id});
  attempt.due = due;
  if (due != 0) due_.insert({due, attempt.id});
}

void Supervisor::Handle(const AttemptCommand& command) {
  if (Attempt* attempt = Find(command.attempt)) {
    HandleKnown(*attempt, command);
    return;
  }
  Attempt& attempt = Add(command);
  attempt.command = command;
  attempt.try_until = MonotonicMillis() + kStartPatienceMs;
  Begin(attempt);
}

void Supervisor::Begin(Attempt& attempt) {
  const Result<ClaimRecord> record = ReadClaim(attempt.dir);
  if (!record && record.error().code() == Code::kNotFound) {
    BeginUnclaimed(attempt);
  } else {
    Adopt(attempt, record);
  }
}

void Supervisor::LookAgain(Attempt& attempt, const std::string& error) {
  if (!attempt.unseen) {
    std::fprintf(stderr, "attempt %s: %s; trying again\n", attempt.key.c_str(), error.c_str());
  }
  attempt.unseen = true;
  attempt.state = State::kWaiting;
  Schedule(attempt, MonotonicMillis() + kStartPauseMs);
}

void Supervisor::HandleKnown(Attempt& attempt, const AttemptCommand& command) {
  // Running or ended: say so again. On its way: it will say so itself.
  if (attempt.last_report.status != 0) sink_(attempt.last_report);
  if (command.verb != Verb::kStop || attempt.state == State::kEnded) return;
  attempt.stop_grace_ms = std::max<int64_t>(command.stop_grace_ms, 0);
  if (attempt.state == State::kWaiting) {
    attempt.stop_wanted = true;  // what is not seen yet, is stopped when it is
    if (!attempt.verdict && !attempt.unseen) {
      ClaimForEver(attempt, Outcome::kStopped, "stopped before it ran");
    }
  } else if (attempt.state == State::kStarting && !attempt.stop_wanted) {
    attempt.stop_wanted = true;
    Schedule(attempt, MonotonicMillis() + attempt.stop_grace_ms);
  } else if (attempt.state == State::kRunning) {
    SignalStop(attempt);
  }
}

void Supervisor::BeginUnclaimed(Attempt& attempt) {
  attempt.unseen = false;
  if (attempt.command.verb == Verb::kAdopt || attempt.command.seen_running) {
    // It may still run, although its claim is gone.
    attempt.verdict = {.outcome = Outcome::kFailed, .reason = "attempt directory lost"};
    attempt.to_claim = true;
    attempt.state = State::kCleaning;
    Clean(attempt);
  } else if (attempt.stop_wanted) {
    ClaimForEver(attempt, Outcome::kStopped, "stopped before it ran");
  } else {
    Fork(attempt);
  }
}

void Supervisor::Fork(Attempt& attempt) {
  int pipe_ends[2] = {-1, -1};
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return Retry(attempt, ErrorText(errno));
  const pid_t pid = fork();
  if (pid == 0) RunChild(attempt.command, machine_, descriptor_limit_, pipe_ends[1]);
  const int fork_error = errno;
  close(pipe_ends[1]);
  if (pid < 0) {
    close(pipe_ends[0]);
    return Retry(attempt, ErrorText(fork_error));
  }
  fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
  attempt.state = State::kStarting;
  attempt.pid = pid;
  attempt.is_child = true;
  attempt.started_ms = MonotonicMillis();
  attempt.start_pipe = pipe_ends[0];
  attempt.pidfd = OpenPidfd(pid);
  by_pid_[pid] = attempt.id;
  Schedule(attempt, 0);
  if (attempt.pidfd >= 0 && watcher_.Watch(attempt.pidfd, attempt.id, Part::kProcess) &&
      watcher_.Watch(attempt.start_pipe, attempt.id, Part::kStartPipe)) {
    return;
  }
  // Without a watch it could never be reported: undo it, and let the claim decide whether it ran.
  kill(pid, SIGKILL);
  kill(-pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  CloseDescriptors(attempt);
  by_pid_.erase(pid);
  attempt.is_child = false;
  ClaimForEver(attempt, Outcome::kFailed, "the runner has no file descriptor left for it");
}

void Supervisor::Retry(Attempt& attempt, const std::string& error) {
  attempt.state = State::kWaiting;
  const int64_t now = MonotonicMillis();
  if (now < attempt.try_until) {
    Schedule(attempt, now + kStartPauseMs);
    return;
  }
  ClaimForEver(attempt, Outcome::kFailed,
               "cannot be started for " + std::to_string(kStartPatienceMs / 1000) + " s: " + error);
}

void Supervisor::ClaimForEver(Attempt& attempt, Outcome outcome, const std::string& reason) {
  attempt.verdict = {.outcome = outcome, .reason = reason};
  attempt.to_claim = true;
  attempt.pause_ms = 0;
  Conclude(attempt);
}

void Supervisor::Conclude(Attempt& attempt) {
  AttemptResult result = *attempt.verdict;
  result.ended_ms = WallMillis();
  if (!attempt.to_claim) return End(attempt, result);
  const Claim claim{.attempt = attempt.key,
                    .token = attempt.token,
                    .epoch = attempt.command.epoch,
                    .boot_id = machine_.boot_id,
                    .pid_namespace = machine_.pid_namespace,
                    .claimed_ms = result.ended_ms};
  const Status published = PublishClaim(attempt.dir, EncodeClaim(claim, &result), nullptr);
  if (published.ok()) return End(attempt, result);
  if (published.code() == Code::kAlreadyExists) {
    attempt.verdict.reset();
    return Adopt(attempt, ReadClaim(attempt.dir));
  }
  // What is not claimed could still be started by another runner: nothing is said before it is. On
  // a full disk that takes until there is room.
  if (attempt.pause_ms == 0) {
    std::fprintf(stderr, "attempt %s: %s; trying again\n", attempt.key.c_str(),
                 published.message().c_str());
  }
  attempt.state = State::kWaiting;
  attempt.pause_ms = std::clamp<int64_t>(attempt.pause_ms * 2, kStartPauseMs, kClaimPauseMs);
  Schedule(attempt, MonotonicMillis() + attempt.pause_ms);
}

void Supervisor::Adopt(Attempt& attempt, const Result<ClaimRecord>& record) {
  const auto fail = [&](const std::string& why, bool clean) {
    attempt.verdict = {.outcome = Outcome::kFailed, .reason = why};
    attempt.to_claim = false;
    if (!clean) return Conclude(attempt);
    attempt.state = State::kCleaning;
    Clean(attempt);
  };
  if (!record && record.error().code() != Code::kDataLoss)
    return LookAgain(attempt, record.error().message());
  if (!record) return fail("attempt directory lost: " + record.error().message(), true);
  if (record->forgotten) return fail("the attempt is over and was forgotten", false);
  if (record->claim.token != attempt.token) {
    return fail("its directory belongs to another attempt (another token)", false);
  }
  attempt.pid = static_cast<pid_t>(record->claim.pid);
  attempt.start_time = record->claim.start_time;
  attempt.stop_signalled = attempt.stop_signalled || record->stop_signalled;
  if (record->result) return End(attempt, *record->result);
  const std::optional<bool> alive = IsAlive(attempt, record->claim);
  if (!alive) return LookAgain(attempt, "cannot watch pid " + std::to_string(attempt.pid));
  attempt.unseen = false;
  attempt.command = {};
  FindFilter(attempt);
  if (!*alive) {
    attempt.state = State::kCleaning;
    return Clean(attempt);
  }
  attempt.state = State::kRunning;
  by_pid_[attempt.pid] = attempt.id;
  Tell(attempt, Outcome::kRunning, 0, {});
  if (attempt.stop_wanted) SignalStop(attempt);
}

std::optional<bool> Supervisor::IsAlive(Attempt& attempt, const Claim& claim) {
  attempt.same_machine =
      claim.boot_id == machine_.boot_id && claim.pid_namespace == machine_.pid_namespace;
  if (!attempt.same_machine || attempt.pid <= 0) return false;
  // The descriptor first: what is compared afterwards is then about the process it holds.
  attempt.pidfd = OpenPidfd(attempt.pid);
  if (attempt.pidfd < 0) return errno == ESRCH ? std::optional(false) : std::nullopt;
  const auto found = ReadProcessStat(attempt.pid);
  const bool alive = found && found->start_time == claim.start_time && found->state != 'Z';
  if (alive && watcher_.Watch(attempt.pidfd, attempt.id, Part::kProcess)) return true;
  close(attempt.pidfd);
  attempt.pidfd = -1;
  return alive ? std::nullopt : std::optional(false);
}

bool Supervisor::HasEnded(const Attempt& attempt) const {
  pollfd entry{.fd = attempt.pidfd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) > 0;
}

void Supervisor::SignalStop(Attempt& attempt) {
  if (attempt.stop_deadline != 0 || HasEnded(attempt)) return;
  attempt.stop_signalled = true;
  WriteStopMark(attempt.dir);
  const int64_t now = MonotonicMillis();
  attempt.stop_deadline = std::max<int64_t>(now + attempt.stop_grace_ms, 1);
  Schedule(attempt, attempt.stop_deadline);
  if (attempt.signal_group && now < attempt.started_ms + kYoungMs) {
    attempt.signal_ticks = TicksSinceBoot();
    attempt.newcomers_due = now + kNewcomerPauseMs;
    Schedule(attempt, std::min(attempt.stop_deadline, attempt.newcomers_due));
  }
  if (!attempt.signal_group || kill(-attempt.pid, SIGTERM) != 0) {
    SendSignal(attempt.pidfd, SIGTERM);
  }
}

void Supervisor::SignalNewcomers(Attempt& attempt) {
  attempt.newcomers_due = 0;
  for (const pid_t pid : AllProcesses()) {
    const auto found = ReadProcessStat(pid);
    if (!found || found->group != attempt.pid) continue;
    if (found->start_time + kNewcomerTicks >= attempt.signal_ticks) kill(pid, SIGTERM);
  }
}

void Supervisor::KillGroup(Attempt& attempt) {
  attempt.killed = true;
  // The number of a leader that is not ours to reap may be another's once it has ended.
  if (attempt.is_child || !HasEnded(attempt)) kill(-attempt.pid, SIGKILL);
  SendSignal(attempt.pidfd, SIGKILL);
}

void Supervisor::KillAll() {
  for (auto& [id, attempt] : attempts_) {
    if (attempt->state == State::kWaiting) {
      attempt->stop_wanted = true;
      if (attempt->verdict || attempt->unseen) continue;
      ClaimForEver(*attempt, Outcome::kStopped, "stopped before it ran");
    } else if (attempt->state == State::kRunning || attempt->state == State::kStarting) {
      if (!HasEnded(*attempt)) attempt->stop_signalled = true;
      KillGroup(*attempt);
    } else if (attempt->state == State::kCleaning) {
      attempt->killed = true;
      Schedule(*attempt, MonotonicMillis());
    }
  }
}

void Supervisor::HandleForget(const Forget& forget) {
  const Attempt* attempt = Find(forget.attempt);
  if (attempt == nullptr || attempt->state != State::kEnded) return;
  const uint64_t id = attempt->id;
  by_key_.erase(forget.attempt);
  attempts_.erase(id);
}

int Supervisor::OnTime() {
  const int64_t now = MonotonicMillis();
  RetryFilters(now);
  BoundLogs(now);
  while (!due_.empty() && due_.begin()->first <= now) {
    Attempt& attempt = *attempts_.at(due_.begin()->second);
    Schedule(attempt, 0);
    switch (attempt.state) {
      case State::kWaiting:
        if (attempt.verdict)
          Conclude(attempt);
        else if (attempt.unseen)
          Begin(attempt);
        else
          Fork(attempt);
        break;
      case State::kStarting:
      case State::kRunning:
        if (attempt.newcomers_due != 0 && now < attempt.stop_deadline) {
          SignalNewcomers(attempt);
          Schedule(attempt, attempt.stop_deadline);
          break;
        }
        if (attempt.killed) {
          std::fprintf(stderr, "attempt %s: cannot kill pid %d\n", attempt.key.c_str(),
                       attempt.pid);
        }
        attempt.stop_signalled = true;  // also when it never came as far as being signalled
        KillGroup(attempt);
        Schedule(attempt, now + 10'000);
        break;
      case State::kCleaning:
        if (attempt.newcomers_due != 0 && now >= attempt.newcomers_due) SignalNewcomers(attempt);
        Clean(attempt);
        break;
      case State::kEnded: break;
    }
  }
  int64_t next = due_.empty() ? INT64_MAX : due_.begin()->first;
  if (!unfiltered_.empty()) next = std::min(next, filters_due_);
  if (alive_ > 0) next = std::min(next, logs_due_);
  return next == INT64_MAX ? -1 : static_cast<int>(std::max<int64_t>(next - now, 0));
}

void Supervisor::OnReady(uint64_t attempt_id, Part part) {
  const auto found = attempts_.find(attempt_id);
  if (found == attempts_.end()) return;
  Attempt& attempt = *found->second;
  if (attempt.start_pipe >= 0) ReadStartPipe(attempt);
  if (part == Part::kFilter) return OnFilterEnded(attempt);
  if (part == Part::kProcess && attempt.state == State::kRunning) OnLeaderEnded(attempt);
}

}  // namespace aiflow::runner
