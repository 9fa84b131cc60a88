// How an attempt begins to run, and how it ends: the half of Supervisor that is driven by the
// attempt's own processes.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runner/attempt_files.h"
#include "runner/child.h"
#include "runner/supervisor.h"

namespace aiflow::runner {
namespace {

constexpr int64_t kLongestPauseMs = 100;
/// How often a process that nobody tells us about is looked for.
constexpr int64_t kStrangerPauseMs = 20;

std::string ReadAll(int fd) {
  std::string text(4096, '\0');
  const ssize_t size = read(fd, text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

std::string EndReason(int status, bool by_signal) {
  if (by_signal) {
    const int signal = status - 128;
    return "killed by signal " + std::to_string(signal) + " (" + SignalName(signal) + ")";
  }
  return status == 0 ? std::string() : "exit code " + std::to_string(status);
}

std::string Join(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + ": " + b;
}

}  // namespace

void Supervisor::ReadStartPipe(Attempt& attempt) {
  // Called when the pipe has hung up or the process has ended: everything was written.
  const std::string notes = ReadAll(attempt.start_pipe);
  watcher_.Unwatch(attempt.start_pipe);
  close(attempt.start_pipe);
  attempt.start_pipe = -1;
  if (notes.empty() || notes[0] != static_cast<char>(ChildNote::kClaimed)) {
    return OnNotClaimed(attempt, notes);
  }
  attempt.secrets = std::move(attempt.command.secrets);
  attempt.command = {};
  attempt.state = State::kRunning;
  if (!attempt.secrets.empty()) FindFilter(attempt);
  if (notes.size() > 1) {
    attempt.start_error = notes.substr(2);
    return;  // it ends at once
  }
  Tell(attempt, Outcome::kRunning, 0, {});
  if (attempt.stop_wanted) SignalStop(attempt);
}

void Supervisor::OnNotClaimed(Attempt& attempt, const std::string& notes) {
  int status = 0;
  waitpid(attempt.pid, &status, 0);  // it is exiting: the pipe has hung up
  CloseDescriptors(attempt);
  by_pid_.erase(attempt.pid);
  attempt.is_child = false;
  attempt.pid = 0;
  Schedule(attempt, 0);
  const char note = notes.empty() ? '\0' : notes[0];
  if (note == static_cast<char>(ChildNote::kLost)) return Adopt(attempt, ReadClaim(attempt.dir));
  if (attempt.stop_wanted) {
    return ClaimForEver(attempt, Outcome::kStopped, "stopped before it ran");
  }
  if (note == static_cast<char>(ChildNote::kNoClaim)) return Retry(attempt, notes.substr(1));
  ClaimForEver(attempt, Outcome::kFailed,
               "ended before it ran" +
                   (WIFSIGNALED(status) ? ": " + EndReason(128 + WTERMSIG(status), true) : ""));
}

void Supervisor::OnLeaderEnded(Attempt& attempt) {
  if (attempt.is_child) {
    // Not reaped yet: as a zombie it keeps its number, and so the group's, from being used again.
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(attempt.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
      return;
    }
    attempt.died_by_signal = info.si_code != CLD_EXITED;
    attempt.wait_status = attempt.died_by_signal ? 128 + info.si_status : info.si_status;
  } else if (!HasEnded(attempt)) {
    return;  // it was the end of our own child, which has lost the claim to this process
  }
  watcher_.Unwatch(attempt.pidfd);
  close(attempt.pidfd);
  attempt.pidfd = -1;
  attempt.state = State::kCleaning;
  Schedule(attempt, 0);
  Clean(attempt);
}

void Supervisor::Clean(Attempt& attempt) {
  const int64_t now = MonotonicMillis();
  // What got the signal with its leader has the same grace to end by itself.
  const bool patient = attempt.stop_deadline > now && attempt.signal_group && !attempt.killed;
  if (Others(attempt, !patient) == 0) {
    if (IsFiltered(attempt)) Finish(attempt);
    return;
  }
  if (patient) {
    int64_t due = attempt.stop_deadline;
    if (attempt.newcomers_due != 0) due = std::min(due, attempt.newcomers_due);
    if (!attempt.is_child) due = std::min(due, now + kStrangerPauseMs);
    Schedule(attempt, due);
    return;
  }
  attempt.pause_ms = std::clamp<int64_t>(attempt.pause_ms * 2, 1, kLongestPauseMs);
  Schedule(attempt, now + attempt.pause_ms);
}

size_t Supervisor::Others(Attempt& attempt, bool kill) {
  // Without a claim its processes are known by their environment alone.
  if (attempt.verdict) return OtherStrangers(attempt, kill);
  if (!attempt.same_machine || attempt.pid <= 0) return 0;
  return attempt.is_child ? OtherChildren(attempt, kill) : OtherStrangers(attempt, kill);
}

size_t Supervisor::OtherChildren(Attempt& attempt, bool kill) {
  // Its processes whose parents are gone are our children, as this process is their subreaper. One
  // with a living parent inside the attempt becomes a child when that parent has ended.
  const std::string mark = std::string(kAttemptDirVariable) + "=" + attempt.dir;
  size_t count = 0;
  bool reaped = true;
  // One that has ended since the children were listed has left its own to us: they are listed again
  // before there is nothing left.
  while (count == 0 && reaped) {
    reaped = false;
    for (const pid_t pid : ChildrenOfSelf()) {
      if (by_pid_.contains(pid)) continue;
      siginfo_t info{};
      if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) == 0 &&
          info.si_pid == pid) {
        reaped = true;
        continue;
      }
      const auto found = ReadProcessStat(pid);
      if (!found) continue;
      // The environment of one that is ending cannot be read any more.
      const std::pair<pid_t, uint64_t> identity{pid, found->start_time};
      if (found->session != attempt.pid && found->group != attempt.pid &&
          !attempt.strays.contains(identity) && !EnvironmentHas(pid, mark)) {
        continue;
      }
      attempt.strays.insert(identity);
      ++count;
      if (kill) ::kill(pid, SIGKILL);
    }
  }
  if (kill && count > 0) ::kill(-attempt.pid, SIGKILL);
  return count;
}

size_t Supervisor::OtherStrangers(const Attempt& attempt, bool kill) {
  const std::string mark = std::string(kAttemptDirVariable) + "=" + attempt.dir;
  // While a member of its session lives, the leader's number is not given to another process.
  const auto leader = ReadProcessStat(attempt.pid);
  const bool session_is_ours = !leader || leader->start_time == attempt.start_time;
  const pid_t self = getpid();
  size_t count = 0;
  for (const pid_t pid : AllProcesses()) {
    if (pid == self) continue;
    const auto found = ReadProcessStat(pid);
    if (!found || found->state == 'Z' || found->state == 'X') continue;
    const bool member = attempt.pid > 0 && session_is_ours && found->session == attempt.pid;
    if (!member && !EnvironmentHas(pid, mark)) continue;
    ++count;
    if (!kill) continue;
    const int pidfd = OpenPidfd(pid);
    if (pidfd < 0) continue;
    const auto again = ReadProcessStat(pid);
    if (again && again->start_time == found->start_time) SendSignal(pidfd, SIGKILL);
    close(pidfd);
  }
  return count;
}

AttemptResult Supervisor::Judge(const Attempt& attempt) const {
  AttemptResult result{.stop_signalled = attempt.stop_signalled, .ended_ms = WallMillis()};
  if (!attempt.start_error.empty()) {
    result.exit_code = attempt.wait_status.value_or(127);
    result.reason = attempt.start_error;
    return result;
  }
  const OwnResult own = ReadOwnResult(attempt.dir);
  const std::optional<int> status = attempt.wait_status ? attempt.wait_status : own.exit_code;
  result.exit_code = status.value_or(0);
  if (status == 0) {
    result.outcome = Outcome::kSuccess;
    result.reason = own.reason;
    return result;
  }
  result.outcome = attempt.stop_signalled ? Outcome::kStopped : Outcome::kFailed;
  result.reason = status ? Join(EndReason(*status, attempt.died_by_signal), own.reason)
                         : "ended while unobserved";
  return result;
}

void Supervisor::Finish(Attempt& attempt) {
  if (attempt.verdict) {
    attempt.pause_ms = 0;
    return Conclude(attempt);
  }
  if (!attempt.is_child) {
    // A child that could not execute its command said so in the claim.
    const Result<ClaimRecord> record = ReadClaim(attempt.dir);
    if (record && record->result) return End(attempt, *record->result);
  }
  const AttemptResult result = Judge(attempt);
  // A claim that cannot be written any more (its directory is gone) must not keep the end secret.
  [[maybe_unused]] const Status ignored = WriteResult(attempt.dir, result);
  End(attempt, result);
}

void Supervisor::End(Attempt& attempt, const AttemptResult& result) {
  if (attempt.is_child) waitpid(attempt.pid, nullptr, 0);  // a zombie: does not wait
  if (const auto found = by_pid_.find(attempt.pid);
      found != by_pid_.end() && found->second == attempt.id) {
    by_pid_.erase(found);
  }
  CloseDescriptors(attempt);
  Schedule(attempt, 0);
  BoundLogOf(attempt);
  attempt.state = State::kEnded;
  attempt.command = {};
  attempt.secrets = {};
  --alive_;
  Tell(attempt, result.outcome, result.exit_code, result.reason);
}

void Supervisor::Tell(Attempt& attempt, Outcome outcome, int exit_code, const std::string& reason) {
  Report& report = attempt.last_report;
  report.status = static_cast<uint8_t>(outcome);
  report.pid = attempt.pid;
  report.exit_code = exit_code;
  report.reason = CleanLine(reason, 2048);
  sink_(report);
}

void Supervisor::CloseDescriptors(Attempt& attempt) {
  for (int* fd : {&attempt.pidfd, &attempt.start_pipe, &attempt.filter_pidfd}) {
    if (*fd < 0) continue;
    watcher_.Unwatch(*fd);
    close(*fd);
    *fd = -1;
  }
}

void Supervisor::OnChildSignal(pid_t pid) {
  if (!by_pid_.contains(pid)) waitpid(pid, nullptr, WNOHANG);
  std::vector<uint64_t> cleaning;
  for (const auto& [due, id] : due_) {
    if (attempts_.at(id)->state == State::kCleaning) cleaning.push_back(id);
  }
  for (const uint64_t id : cleaning) Clean(*attempts_.at(id));
}

}  // namespace aiflow::runner
