#include "eventlog/wait_table.h"

#include <algorithm>

#include "base/check.h"
#include "storage/event_filter.h"

namespace aiflow {
namespace {

Status Stopping() { return {Code::kUnavailable, "the event log is shutting down"}; }

}  // namespace

WaitTable::WaitTable(Limits limits, Offset head)
    : limits_(limits), published_(head), timer_([this] { RunTimer(); }) {}

WaitTable::~WaitTable() { Stop(); }

Result<WaitTable::Registered> WaitTable::Register(EventFilter filter) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Stopping());
  if (waits_.size() >= limits_.waits) {
    return Error(Code::kUnavailable, "too many polls wait for events (limit " +
                                         std::to_string(limits_.waits) + "); try again later");
  }
  const Id id = next_id_++;
  by_key_[filter.key].insert(id);
  waits_[id].filter = std::move(filter);
  return Registered{id, published_};
}

void WaitTable::Activate(Id id, Result<std::vector<Event>> found, Time deadline, Callback done) {
  std::unique_lock lock(mutex_);
  const auto it = waits_.find(id);
  CHECK(it != waits_.end() && !it->second.done) << "wait " << id << " activated twice";
  Wait& wait = it->second;
  wait.done = std::move(done);
  if (!found || !found->empty() || !wait.events.empty() || stopping_) {
    Wait taken = Take(it);
    lock.unlock();
    // What came later is asked for again: the answer may be a prefix, never have a gap.
    if (found && found->empty()) found = std::move(taken.events);
    if (found && found->empty()) found = Error(Stopping());
    taken.done(std::move(found));
    return;
  }
  wait.deadline = deadline;
  const auto placed = deadlines_.emplace(deadline, id).first;
  if (placed == deadlines_.begin()) changed_.notify_one();
}

void WaitTable::Cancel(Id id) {
  std::unique_lock lock(mutex_);
  const auto it = waits_.find(id);
  if (it == waits_.end() || !it->second.done) return;
  const Wait wait = Take(it);
  lock.unlock();
  wait.done(Error(Code::kCancelled, "the poll was cancelled"));
}

size_t WaitTable::size() const {
  const std::lock_guard lock(mutex_);
  return waits_.size();
}

void WaitTable::Publish(const std::vector<Event>& events) {
  if (events.empty()) return;
  static const std::string kAnyKey;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(mutex_);
    published_ = events.back().offset;
    std::vector<Id> woken;
    for (const Event& event : events) {
      if (!event.key.empty()) Offer(event, event.key, woken);
      Offer(event, kAnyKey, woken);
    }
    for (const Id id : woken) {
      const auto it = waits_.find(id);
      if (!it->second.done) continue;
      Wait wait = Take(it);
      answers.emplace_back(std::move(wait.done), std::move(wait.events));
    }
  }
  Call(std::move(answers));
}

Offset WaitTable::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

bool WaitTable::SkipTo(Offset head) {
  const std::lock_guard lock(mutex_);
  if (!waits_.empty()) return false;
  published_ = std::max(published_, head);
  return true;
}

void WaitTable::Offer(const Event& event, const std::string& key, std::vector<Id>& woken) {
  const auto bucket = by_key_.find(key);
  if (bucket == by_key_.end()) return;
  for (const Id id : bucket->second) {
    Wait& wait = waits_.find(id)->second;
    if (wait.full || !Matches(wait.filter, event)) continue;
    if (wait.events.empty()) woken.push_back(id);
    wait.events.push_back(event);
    wait.bytes += EventBytes(event);
    wait.full = wait.events.size() >= limits_.events || wait.bytes >= limits_.bytes;
  }
}

WaitTable::Wait WaitTable::Take(Waits::iterator it) {
  Wait wait = std::move(it->second);
  const auto bucket = by_key_.find(wait.filter.key);
  bucket->second.erase(it->first);
  if (bucket->second.empty()) by_key_.erase(bucket);
  if (wait.deadline) deadlines_.erase({*wait.deadline, it->first});
  waits_.erase(it);
  return wait;
}

void WaitTable::RunTimer() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (deadlines_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Time next = deadlines_.begin()->first;
    if (std::chrono::steady_clock::now() < next) {
      changed_.wait_until(lock, next);
      continue;
    }
    std::vector<Answer> answers;
    const Time now = std::chrono::steady_clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      Wait wait = Take(waits_.find(deadlines_.begin()->second));
      answers.emplace_back(std::move(wait.done), std::vector<Event>());
    }
    lock.unlock();
    Call(std::move(answers));
    lock.lock();
  }
}

void WaitTable::Stop() {
  std::call_once(stop_once_, [this] {
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      // Those not yet active are answered by Activate.
      for (auto it = waits_.begin(); it != waits_.end();) {
        const auto here = it++;
        if (here->second.done) answers.emplace_back(Take(here).done, Error(Stopping()));
      }
    }
    changed_.notify_one();
    timer_.join();
    Call(std::move(answers));
  });
}

void WaitTable::Call(std::vector<Answer> answers) {
  for (Answer& answer : answers) answer.first(std::move(answer.second));
}

}  // namespace aiflow
