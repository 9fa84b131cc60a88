// Removing old events. The order makes each step harmless wherever it stops: the keys of a segment
// are durable before the file `removed` says that it is gone, and that before its files go.
#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "storage/event_filter.h"
#include "storage/segments/segment_log.h"

namespace aiflow {
namespace {

/// What one step of DropBefore looks at, so that appends behind it wait for milliseconds.
constexpr size_t kEventsPerStep = 4096;
constexpr uint64_t kBytesPerStep = 1 << 20;

}  // namespace

SegmentLog::Removal::Removal(const Segment& segment)
    : first(segment.first()),
      last(segment.last()),
      next(first),
      reader(segment.file(), segment.path()) {}

Result<DropProgress> SegmentLog::DropBefore(Offset offset) {
  if (offset > head() + 1) {
    return Error(Code::kInvalidArgument, "cannot remove the events before " +
                                             std::to_string(offset) + ": the last one is " +
                                             std::to_string(head()));
  }
  offset = consumers_.Bound(offset);
  if (Status status = TidyUp(); !status.ok()) return Error(status);
  if (segments_.size() == 1 && !active().empty() && active().last() < offset) {
    if (Status status = Roll(); !status.ok()) return Error(status);
  }
  const Segment& oldest = *segments_.begin()->second;
  if (segments_.size() == 1 || oldest.last() >= offset) {
    removal_.reset();
    return DropProgress{oldest.first(), forgotten_.empty()};
  }
  if (removal_ == nullptr) removal_ = std::make_unique<Removal>(oldest);
  Status status = removal_->next <= removal_->last ? KeepKeys(oldest) : Remove();
  if (!status.ok()) {
    removal_.reset();  // begins anew
    return Error(status.code(), "cannot remove old events: " + status.message());
  }
  return DropProgress{segments_.begin()->first, false};
}

/// Takes the keys of some more events.
Status SegmentLog::KeepKeys(const Segment& segment) {
  Removal& removal = *removal_;
  std::vector<EventPlace> places;
  segment.Collect(removal.next - 1, removal.last, nullptr, kEventsPerStep, &places);
  std::vector<KeptKey> keys;
  for (const EventPlace& place : places) {
    if (place.position - places.front().position > kBytesPerStep) break;
    Event event;
    AIFLOW_RETURN_IF_ERROR(removal.reader.Read(place.position, &event));
    event.offset = place.offset;
    removal.next = place.offset + 1;
    removal.last_time = event.create_time;
    if (event.id.empty()) continue;
    const auto client = ParseClientKey(event.id);
    if (client && clients_->Exists(client->client)) {
      removal.client_keys.push_back(*client);
      removal.client_hashes.emplace_back(Segment::IdHash(hash_key_, event.id), event.offset);
    } else {
      keys.push_back(KeptKey::Of(hash_key_, event));
    }
  }
  if (keys.empty()) return Status::Ok();
  if (removal.keys == nullptr) {
    auto begun = KeptKeys::Begin(files_, directory_, log_id_, removal.first, removal.last,
                                 std::max(clock_.Now(), last_time_));
    if (!begun) return begun.error();
    removal.keys = std::move(*begun);
  }
  return removal.keys->Add(keys);
}

/// All keys are taken: removes the segment.
Status SegmentLog::Remove() {
  Removal& removal = *removal_;
  if (removal.keys != nullptr) AIFLOW_RETURN_IF_ERROR(removal.keys->Finish());
  RemovedEvents removed = removed_;
  removed.first = removal.last + 1;
  removed.last_time = std::max(removed.last_time, removal.last_time);
  for (const ClientKey& key : removal.client_keys) removed.sequences.Add(key);
  AIFLOW_RETURN_IF_ERROR(removed.Write(files_, directory_, log_id_));
  removed_ = std::move(removed);
  {
    const std::unique_lock lock(mutex_);
    segments_.erase(segments_.begin());
  }
  if (removal.keys != nullptr) kept_.emplace(removal.first, std::move(removal.keys));
  forgotten_.insert(forgotten_.end(), removal.client_hashes.begin(), removal.client_hashes.end());
  leftovers_.push_back(directory_ + "/" + Segment::IndexName(removal.first));
  leftovers_.push_back(directory_ + "/" + Segment::FileName(removal.first));
  removal_.reset();
  return RemoveLeftovers();
}

/// Forgets what need not be known any more.
Status SegmentLog::TidyUp() {
  AIFLOW_RETURN_IF_ERROR(RemoveLeftovers());
  const Millis now = std::max(clock_.Now(), last_time_);
  for (size_t i = 0; i < kEventsPerStep && !forgotten_.empty(); ++i) {
    ids_.Erase(forgotten_.back().first, forgotten_.back().second);
    forgotten_.pop_back();
  }
  if (kept_.empty() || !forgotten_.empty()) return Status::Ok();
  const KeptKeys& oldest = *kept_.begin()->second;
  if (oldest.removed_at() + options_.idempotence_window > now) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(
      oldest.Each([this](uint64_t hash, Offset offset) { forgotten_.emplace_back(hash, offset); }));
  leftovers_.push_back(oldest.path());
  kept_.erase(kept_.begin());
  return RemoveLeftovers();
}

/// A file that comes back after a crash does no harm: a segment is removed when the log is opened,
/// keys are known for a while longer.
Status SegmentLog::RemoveLeftovers() {
  while (!leftovers_.empty()) {
    const Status status = files_.Remove(leftovers_.back());
    if (!status.ok() && status.code() != Code::kNotFound) return status;
    leftovers_.pop_back();
  }
  return Status::Ok();
}

Status SegmentLog::OpenRemoved(const std::vector<std::string>& names) {
  if (std::binary_search(names.begin(), names.end(), std::string(RemovedEvents::kFileName))) {
    auto removed = RemovedEvents::Read(files_, directory_, log_id_);
    if (!removed) return removed.error();
    removed_ = std::move(*removed);
  }
  last_time_ = removed_.last_time;
  std::vector<int64_t> gone;
  for (const auto& [client, ranges] : removed_.sequences.ranges()) {
    if (!clients_->Exists(client)) gone.push_back(client);
  }
  for (const int64_t client : gone) removed_.sequences.Forget(client);
  for (const std::string& name : names) {
    const Offset segment = std::max(Segment::FirstOf(name), Segment::FirstOfIndex(name));
    const Offset keys = KeptKeys::FirstOf(name);
    if (segment > 0 && segment < removed_.first) {
      leftovers_.push_back(directory_ + "/" + name);
    } else if (keys >= removed_.first) {
      leftovers_.push_back(directory_ + "/" + name);  // its segment is still there
    } else if (keys > 0) {
      auto opened = KeptKeys::Open(files_, directory_, log_id_, keys);
      if (!opened) return opened.error();
      AIFLOW_RETURN_IF_ERROR(
          (*opened)->Each([this](uint64_t hash, Offset offset) { ids_.Insert(hash, offset); }));
      kept_.emplace(keys, std::move(*opened));
    }
  }
  return Status::Ok();
}

Result<std::optional<AppendResult>> SegmentLog::FindRemoved(const Event& event,
                                                            Offset offset) const {
  const auto after = kept_.upper_bound(offset);
  if (after == kept_.begin()) return std::optional<AppendResult>();
  const KeptKeys& keys = *std::prev(after)->second;
  if (offset > keys.last()) return std::optional<AppendResult>();
  const auto kept = keys.Find(offset);
  if (!kept) return Error(kept.error());
  const KeptKey wanted = KeptKey::Of(hash_key_, event);
  if (!*kept || !(*kept)->SameId(wanted)) return std::optional<AppendResult>();
  if (!(*kept)->SamePayload(wanted)) return Error(OtherPayload(event, offset));
  return std::optional(AppendResult{offset, (*kept)->create_time, true});
}

}  // namespace aiflow
