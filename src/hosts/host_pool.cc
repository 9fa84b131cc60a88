#include "hosts/host_pool.h"

#include <algorithm>
#include <utility>

#include "base/program_log.h"
#include "hosts/host_messages.h"
#include "model/limits.h"

namespace aiflow::hosts {
namespace {

/// How long a host that has closed its socket may take to end, to say with which exit code.
constexpr std::chrono::milliseconds kEndGrace{1'000};

/// Questions with the same key can be answered by the same process.
std::string KeyOf(const ConditionQuestion& question) {
  std::string key;
  for (const std::string* part :
       {&question.bundle_digest, &question.bundle_name, &question.host.language,
        &question.host.file, &question.host.interpreter, &question.host.version}) {
    key += *part;
    key += '\0';
  }
  return key;
}

std::string Seconds(std::chrono::milliseconds time) {
  if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
  return std::to_string(time.count()) + " ms";
}

void Shorten(std::string& text) {
  if (text.size() <= limits::kMaxErrorBytes) return;
  size_t end = limits::kMaxErrorBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
}

}  // namespace

HostPool::HostPool(HostPlanner& planner, HostPoolOptions options)
    : planner_(planner), options_(options) {}

HostPool::~HostPool() {
  for (const auto& [number, entry] : hosts_) entry.host.process().Kill();
}

// ---- Questions -------------------------------------------------------------------------------

void HostPool::Ask(ConditionQuestion question, ConditionEvaluator::Done done, TimePoint now) {
  const auto again = [&](Asked& asked) {
    if (asked.question.id != question.id) return false;
    asked.done = std::move(done);
    asked.withdrawn = false;
    return true;
  };
  for (Asked& asked : waiting_) {
    if (again(asked)) return;
  }
  for (auto& [number, entry] : hosts_) {
    if (entry.asked.has_value() && again(*entry.asked)) return;
  }
  Asked asked;
  asked.key = KeyOf(question);
  asked.question = std::move(question);
  asked.done = std::move(done);
  asked.since = now;
  waiting_.push_back(std::move(asked));
}

// A host that is at it already goes on: killing it would cost the next question its start.
void HostPool::Withdraw(OutboxId id) {
  waiting_.remove_if([id](const Asked& asked) { return asked.question.id == id; });
  for (auto& [number, entry] : hosts_) {
    if (entry.asked.has_value() && entry.asked->question.id == id) entry.asked->withdrawn = true;
  }
}

void HostPool::Answer(const Asked& asked, ConditionAnswer answer) {
  if (asked.withdrawn) return;
  Shorten(answer.error);
  asked.done(std::move(answer));
}

void HostPool::Fail(Asked asked, const std::string& why, TimePoint now) {
  if (asked.withdrawn) return;
  ++done_.failures;
  ++done_.failing;
  if (++asked.failed < options_.attempts) {
    asked.since = now;
    waiting_.push_back(std::move(asked));
    return;
  }
  const std::string times =
      options_.attempts == 1 ? "" : "; attempt " + std::to_string(asked.failed) + ", the last";
  ++done_.given_up;
  Answer(asked, {.error = why + times});
}

HostPoolStats HostPool::stats() const {
  HostPoolStats stats = done_;
  stats.hosts = static_cast<int64_t>(hosts_.size());
  stats.waiting = static_cast<int64_t>(waiting_.size());
  for (const auto& [number, entry] : hosts_) stats.busy += entry.phase == Phase::kBusy;
  return stats;
}

// ---- Hosts -----------------------------------------------------------------------------------

void HostPool::AppendPolled(std::vector<pollfd>& polled) const {
  for (const auto& [number, entry] : hosts_) {
    // Nothing is expected of one that is ending but its end.
    const bool listens = entry.phase != Phase::kEnding;
    const auto writes = static_cast<short>(entry.host.wants_to_write() ? POLLOUT : 0);
    polled.push_back({.fd = listens ? entry.host.process().socket() : -1,
                      .events = static_cast<short>(POLLIN | writes),
                      .revents = 0});
    polled.push_back({.fd = entry.host.process().pidfd(), .events = POLLIN, .revents = 0});
  }
}

void HostPool::Handle(const std::vector<pollfd>& polled, TimePoint now) {
  const auto ready = [&polled](int fd) -> short {
    const auto found = std::find_if(polled.begin(), polled.end(),
                                    [fd](const pollfd& entry) { return entry.fd == fd; });
    return found == polled.end() ? short{0} : found->revents;
  };
  for (auto at = hosts_.begin(); at != hosts_.end();) {
    const auto current = at++;
    Entry& entry = current->second;
    const short socket = ready(entry.host.process().socket());
    const bool ended = ready(entry.host.process().pidfd()) != 0;
    if ((socket & POLLOUT) != 0) entry.host.Write();
    // What it said last counts, also when it has ended.
    if (entry.phase != Phase::kEnding && (socket != 0 || ended)) HandleSocket(entry, now);
    if (ended) HandleEnd(current, now);
  }
  Expire(now);
  Assign(now);
}

void HostPool::HandleSocket(Entry& entry, TimePoint now) {
  while (entry.phase != Phase::kEnding) {
    std::string line;
    switch (entry.host.ReadLine(&line)) {
      case Host::Read::kNothing: return;
      case Host::Read::kLine: HandleLine(entry, line, now); break;
      case Host::Read::kTooLong:
        return Condemn(
            entry,
            "its host said more than " + std::to_string(kMaxLineBytes >> 20) + " MiB at once", now);
      case Host::Read::kEnd:
        // Its exit code, which follows at once as a rule, tells more.
        entry.phase = Phase::kEnding;
        entry.limit = now + kEndGrace;
        return;
    }
  }
}

void HostPool::HandleLine(Entry& entry, const std::string& line, TimePoint now) {
  if (entry.phase == Phase::kStarting) {
    const Status greeting = ReadGreeting(line);
    if (greeting.code() == Code::kFailedPrecondition) {
      return GiveUp(entry, "its host cannot start: " + greeting.message());
    }
    if (!greeting.ok()) return Condemn(entry, greeting.message(), now);
    entry.starting = false;
    entry.ready_at = now;
  } else if (entry.phase == Phase::kBusy) {
    Result<ConditionAnswer> answer = ReadAnswer(line, entry.asked->question.id.value());
    if (!answer.has_value()) return Condemn(entry, answer.error().message(), now);
    ++done_.answers;
    done_.failing = 0;
    Answer(*std::exchange(entry.asked, std::nullopt), *std::move(answer));
    LimitProgramLog(entry.log);
  } else {
    return Condemn(entry, "its host spoke without being asked", now);
  }
  entry.phase = Phase::kIdle;
  entry.idle_since = now;
  entry.limit.reset();
}

void HostPool::HandleEnd(Entries::iterator at, TimePoint now) {
  const std::string how = at->second.host.process().Reap();
  Blame(at->second, "its host " + how, now);
  NoteInProgramLog(at->second.log, "host " + how);
  hosts_.erase(at);
}

void HostPool::Condemn(Entry& entry, const std::string& why, TimePoint now) {
  entry.host.process().Kill();
  entry.phase = Phase::kEnding;
  entry.limit.reset();
  NoteInProgramLog(entry.log, "killed: " + why);
  Blame(entry, why, now);
}

void HostPool::Blame(Entry& entry, const std::string& why, TimePoint now) {
  if (entry.asked.has_value()) {
    Fail(*std::exchange(entry.asked, std::nullopt), why, now);
  }
  if (!std::exchange(entry.starting, false)) return;
  for (Asked& asked : TakeWaiting(entry.key)) Fail(std::move(asked), why, now);
}

void HostPool::GiveUp(Entry& entry, const std::string& why) {
  entry.host.process().Kill();
  entry.phase = Phase::kEnding;
  entry.starting = false;
  entry.limit.reset();
  NoteInProgramLog(entry.log, why);
  for (const Asked& asked : TakeWaiting(entry.key)) Answer(asked, {.error = why});
}

std::list<HostPool::Asked> HostPool::TakeWaiting(const std::string& key) {
  std::list<Asked> taken;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto current = at++;
    if (current->key == key) taken.splice(taken.end(), waiting_, current);
  }
  return taken;
}

// ---- Time ------------------------------------------------------------------------------------

TimePoint HostPool::PatienceEnds(const Asked& asked) const {
  TimePoint from = asked.since;
  for (const auto& [number, entry] : hosts_) {
    if (entry.key == asked.key && entry.ready_at > from) from = entry.ready_at;
  }
  return from + options_.patience;
}

std::optional<TimePoint> HostPool::NextDue(TimePoint now) const {
  std::optional<TimePoint> due;
  const auto consider = [&due](TimePoint time) {
    if (!due.has_value() || time < *due) due = time;
  };
  for (const auto& [number, entry] : hosts_) {
    if (entry.limit.has_value()) consider(*entry.limit);
  }
  // Those that have waited long enough had their chance.
  for (const Asked& asked : waiting_) {
    if (const TimePoint ends = PatienceEnds(asked); ends > now) consider(ends);
  }
  return due;
}

void HostPool::Expire(TimePoint now) {
  for (auto& [number, entry] : hosts_) {
    if (!entry.limit.has_value() || *entry.limit > now) continue;
    switch (entry.phase) {
      case Phase::kStarting:
        ++done_.timeouts;
        Condemn(entry, "its host did not start within " + Seconds(options_.start_timeout), now);
        break;
      case Phase::kBusy:
        ++done_.timeouts;
        Condemn(entry, "no answer within " + Seconds(options_.timeout), now);
        break;
      case Phase::kEnding: Condemn(entry, "its host closed its socket", now); break;
      case Phase::kIdle: break;
    }
  }
}

// ---- Work ------------------------------------------------------------------------------------

HostPool::Entry* HostPool::Find(const std::string& key, Phase phase) {
  for (auto& [number, entry] : hosts_) {
    if (entry.phase == phase && entry.key == key) return &entry;
  }
  return nullptr;
}

void HostPool::Assign(TimePoint now) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto current = at++;
    if (Place(*current, now)) waiting_.erase(current);
  }
}

bool HostPool::IsStarting(const std::string& key) const {
  return std::any_of(hosts_.begin(), hosts_.end(), [&key](const auto& host) {
    return host.second.starting && host.second.key == key;
  });
}

bool HostPool::Place(Asked& asked, TimePoint now) {
  if (Entry* idle = Find(asked.key, Phase::kIdle)) {
    Give(*idle, std::move(asked), now);
    return true;
  }
  if (IsStarting(asked.key)) return false;
  if (Find(asked.key, Phase::kBusy) != nullptr && PatienceEnds(asked) > now) return false;
  if (static_cast<int64_t>(hosts_.size()) >= options_.hosts) {
    EndIdleHost();
    return false;  // until it has ended
  }
  return !StartHost(asked, now);
}

void HostPool::EndIdleHost() {
  Entry* oldest = nullptr;
  for (auto& [number, entry] : hosts_) {
    if (entry.phase == Phase::kEnding) return;  // its place is coming
    if (entry.phase != Phase::kIdle) continue;
    if (oldest == nullptr || entry.idle_since < oldest->idle_since) oldest = &entry;
  }
  if (oldest == nullptr) return;
  oldest->host.process().Kill();
  oldest->phase = Phase::kEnding;
  NoteInProgramLog(oldest->log, "ended: its place is needed");
}

bool HostPool::StartHost(const Asked& asked, TimePoint now) {
  const Result<HostCommand> command = planner_.Plan(asked.question);
  if (!command.has_value()) {
    Answer(asked, {.error = "its host cannot be started: " + command.error().message()});
    return false;
  }
  std::string line =
      "start for workflow " + asked.question.ns + "." + asked.question.workflow + ":";
  for (const std::string& word : command->argv) line += " " + word;
  NoteInProgramLog(command->log, line);
  Result<HostProcess> process = HostProcess::Start(*command);
  if (!process.has_value()) {
    Answer(asked, {.error = process.error().message()});
    return false;
  }
  Entry entry(asked.key, command->log, Host(*std::move(process)));
  entry.limit = now + options_.start_timeout;
  hosts_.emplace(++last_number_, std::move(entry));
  ++done_.starts;
  return true;
}

void HostPool::Give(Entry& entry, Asked asked, TimePoint now) {
  std::string pickled;
  if (!asked.question.pickled_digest.empty()) {
    Result<std::string> bytes = planner_.ReadPickled(asked.question.pickled_digest);
    if (!bytes.has_value()) {
      return Answer(asked, {.error = "its rule cannot be read: " + bytes.error().message()});
    }
    pickled = *std::move(bytes);
  }
  entry.host.Send(FormatQuestion(asked.question.id.value(), asked.question, pickled));
  entry.phase = Phase::kBusy;
  entry.limit = now + options_.timeout;
  entry.asked = std::move(asked);
}

}  // namespace aiflow::hosts
