#include "storage/segments/segment_log.h"

#include <algorithm>
#include <mutex>
#include <random>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "storage/event_filter.h"
#include "storage/segments/consumer_file.h"
#include "storage/segments/record.h"
#include "storage/segments/record_reader.h"

namespace aiflow {
namespace {

constexpr int kMetaVersion = 1;
constexpr const char* kMetaName = "META";
constexpr const char* kMetaTitle = "aiflow-event-log";
constexpr size_t kPlacesPerStep = 4096;
constexpr size_t kKeptBufferBytes = 4 << 20;

uint64_t RandomNumber() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

std::string Hex(uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; number >>= 4) text[i] = kDigits[number & 15];
  return text;
}

/// A random UUID.
std::string MakeLogId() {
  const std::string high = Hex((RandomNumber() & ~0xf000ULL) | 0x4000);
  const std::string low = Hex((RandomNumber() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL);
  return high.substr(0, 8) + "-" + high.substr(8, 4) + "-" + high.substr(12, 4) + "-" +
         low.substr(0, 4) + "-" + low.substr(4);
}

}  // namespace

/// One Append on its way.
struct SegmentLog::Batch {
  Millis now{0};
  Offset first = 0;
  Segment::Pending pending;
  std::vector<const Event*> added;
  std::unordered_map<std::string_view, size_t> ids;  // of `added`
};

SegmentLog::SegmentLog(FileSystem& files, const Clock& clock, std::string directory,
                       SegmentLogOptions options)
    : files_(files), clock_(clock), directory_(std::move(directory)), options_(options) {
  CHECK(options_.segment_bytes <= uint64_t{1} << 30) << options_.segment_bytes;
}

SegmentLog::~SegmentLog() = default;

Result<std::unique_ptr<SegmentLog>> SegmentLog::Open(FileSystem& files, const Clock& clock,
                                                     const std::string& directory,
                                                     SegmentLogOptions options) {
  std::unique_ptr<SegmentLog> log(new SegmentLog(files, clock, directory, options));
  if (Status status = log->OpenDirectory(); !status.ok()) {
    return Error(status.code(), "event log: " + status.message());
  }
  return log;
}

Status SegmentLog::OpenDirectory() {
  AIFLOW_RETURN_IF_ERROR(files_.MakeDirectories(directory_));
  auto lock = files_.Lock(directory_ + "/LOCK");
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  // The process before may have died between making a name and making it durable.
  AIFLOW_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
  const auto names = files_.List(directory_);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name.ends_with(".tmp")) AIFLOW_RETURN_IF_ERROR(files_.Remove(directory_ + "/" + name));
  }
  AIFLOW_RETURN_IF_ERROR(OpenMeta(*names));
  const bool has_clients =
      std::binary_search(names->begin(), names->end(), std::string(ClientRegistry::kFileName));
  const bool has_events = std::any_of(names->begin(), names->end(), [](const std::string& name) {
    return Segment::FirstOf(name) > 0;
  });
  if (has_events && !has_clients) {
    return {Code::kDataLoss, directory_ + "/" + ClientRegistry::kFileName +
                                 " is missing; restore the log from a backup"};
  }
  auto clients = ClientRegistry::Open(files_, directory_, log_id_, has_clients, RandomNumber());
  if (!clients) return clients.error();
  clients_ = std::move(*clients);
  if (std::binary_search(names->begin(), names->end(), std::string(kConsumerFileName))) {
    auto consumers = ReadConsumers(files_, directory_, log_id_);
    if (!consumers) return consumers.error();
    consumers_ = std::move(*consumers);
  }
  AIFLOW_RETURN_IF_ERROR(OpenRemoved(*names));
  AIFLOW_RETURN_IF_ERROR(OpenSegments(*names));
  return RemoveLeftovers();  // only now: a log that is refused is not changed
}

Status SegmentLog::OpenMeta(const std::vector<std::string>& names) {
  const std::string path = directory_ + "/" + kMetaName;
  if (!std::binary_search(names.begin(), names.end(), std::string(kMetaName))) {
    for (const std::string& name : names) {
      if (Segment::FirstOf(name) > 0 || name == ClientRegistry::kFileName) {
        return {Code::kDataLoss,
                path + " is missing, while " + name + " is there; restore the log from a backup"};
      }
    }
    log_id_ = MakeLogId();
    hash_key_ = {RandomNumber(), RandomNumber()};
    return ReplaceFile(files_, directory_, kMetaName,
                       std::string(kMetaTitle) + "\nversion " + std::to_string(kMetaVersion) +
                           "\nlog-id " + log_id_ + "\nhash-key " + Hex(hash_key_[0]) + " " +
                           Hex(hash_key_[1]) + "\n");
  }
  const auto contents = ReadFile(files_, path);
  if (!contents) return contents.error();
  std::istringstream in(*contents);
  std::string title, version_word, id_word, key_word;
  int version = 0;
  in >> title >> version_word >> version;
  if (!in || title != kMetaTitle || version_word != "version" || version < 1) {
    return {Code::kDataLoss, path + " is not the description of an event log"};
  }
  if (version > kMetaVersion) {
    return {Code::kFailedPrecondition, path + " was written by a newer version (format " +
                                           std::to_string(version) + ", this program reads up to " +
                                           std::to_string(kMetaVersion) +
                                           "): use the newer program"};
  }
  in >> id_word >> log_id_ >> key_word >> std::hex >> hash_key_[0] >> hash_key_[1];
  if (!in || id_word != "log-id" || log_id_.size() != 36 || key_word != "hash-key") {
    return {Code::kDataLoss, path + " is damaged; restore the log from a backup"};
  }
  return Status::Ok();
}

Status SegmentLog::OpenSegments(const std::vector<std::string>& names) {
  std::vector<Offset> firsts;
  for (const std::string& name : names) {
    if (Segment::FirstOf(name) >= removed_.first) firsts.push_back(Segment::FirstOf(name));
  }
  if (firsts.empty() ? removed_.first > 1 : firsts.front() != removed_.first) {
    return {Code::kDataLoss, directory_ + "/" + Segment::FileName(removed_.first) +
                                 " is missing; restore the log from a backup"};
  }
  const auto on_id = [this](uint64_t hash, Offset offset) { ids_.Insert(hash, offset); };
  for (size_t i = 0; i < firsts.size(); ++i) {
    const bool is_last = i + 1 == firsts.size();
    auto segment =
        is_last ? Segment::OpenLast(files_, directory_, log_id_, hash_key_, firsts[i], on_id)
                : Segment::OpenSealed(files_, directory_, log_id_, hash_key_, firsts[i], on_id);
    if (!segment) return segment.error();
    if (!is_last && (*segment)->last() + 1 != firsts[i + 1]) {
      return {Code::kDataLoss, (*segment)->path() + " ends at offset " +
                                   std::to_string((*segment)->last()) +
                                   ", the next file begins at " + std::to_string(firsts[i + 1]) +
                                   "; restore the log from a backup"};
    }
    head_ = (*segment)->last();
    last_time_ = std::max(last_time_, (*segment)->last_time());
    AddSegment(firsts[i], std::move(*segment));
  }
  if (!segments_.empty()) return Status::Ok();
  auto segment = Segment::Create(files_, directory_, log_id_, 1, RandomNumber());
  if (!segment) return segment.error();
  AddSegment(1, std::move(*segment));
  return Status::Ok();
}

Offset SegmentLog::first() const {
  const std::shared_lock lock(mutex_);
  return segments_.begin()->first;
}

Result<std::vector<Result<AppendResult>>> SegmentLog::Append(const std::vector<Event>& events) {
  Batch batch;
  batch.now = std::max(clock_.Now(), last_time_);
  batch.first = head() + 1;
  Segment::BeginBatch(batch.first, buffer_);
  std::vector<Result<AppendResult>> results;
  results.reserve(events.size());
  for (const Event& event : events) {
    results.push_back(Place(event, batch));
    if (results.back() || results.back().error().code() == Code::kAlreadyExists ||
        results.back().error().code() == Code::kInvalidArgument) {
      continue;
    }
    return Error(results.back().error());
  }
  if (batch.added.empty()) return results;
  const Status status = Write(batch);
  if (buffer_.capacity() > kKeptBufferBytes) buffer_ = std::string();
  if (!status.ok()) return Error(status);
  return results;
}

Result<AppendResult> SegmentLog::Place(const Event& event, Batch& batch) {
  const size_t size = RecordBytes(event);
  if (size > kMaxRecordBytes || buffer_.size() + size > FrameFile::kMaxPayloadBytes) {
    return Error(Code::kInvalidArgument,
                 "event of " + std::to_string(size) + " bytes is too large for the log (limit " +
                     std::to_string(kMaxRecordBytes) + ", or 1 GiB for one batch)");
  }
  uint64_t hash = 0;
  if (!event.id.empty()) {
    if (const auto it = batch.ids.find(event.id); it != batch.ids.end()) {
      Event stored = *batch.added[it->second];
      stored.offset = batch.first + static_cast<Offset>(it->second);
      stored.create_time = batch.now;
      return CompareStored(event, stored);
    }
    hash = Segment::IdHash(hash_key_, event.id);
    const auto stored = FindStored(event, hash);
    if (!stored) return Error(stored.error());
    if (*stored) return **stored;
    batch.ids.emplace(event.id, batch.added.size());
  }
  batch.pending.positions.push_back(static_cast<uint32_t>(buffer_.size()));
  batch.pending.tags.push_back(Segment::TagOf(hash_key_, event.key));
  batch.pending.ids.push_back(hash);
  batch.added.push_back(&event);
  EncodeRecord(event, batch.now, buffer_);
  return AppendResult{batch.first + static_cast<Offset>(batch.added.size()) - 1, batch.now, false};
}

Result<std::optional<AppendResult>> SegmentLog::FindStored(const Event& event,
                                                           uint64_t hash) const {
  std::vector<Offset> candidates;
  ids_.Find(hash, [&](Offset offset) {
    candidates.push_back(offset);
    return false;
  });
  for (const Offset offset : candidates) {
    if (offset < removed_.first) {
      auto removed = FindRemoved(event, offset);
      if (!removed || *removed) return removed;
      continue;
    }
    const auto stored = ReadOne(offset);
    if (!stored) return Error(stored.error());
    if (stored->id != event.id) continue;
    auto compared = CompareStored(event, *stored);
    if (!compared) return Error(compared.error());
    return std::optional(*compared);
  }
  if (!removed_.sequences.ranges().empty()) {
    const auto client = ParseClientKey(event.id);
    if (client && removed_.sequences.Contains(*client)) return Error(RemovedSequence(event));
  }
  return std::optional<AppendResult>();
}

Result<AppendResult> SegmentLog::CompareStored(const Event& event, const Event& stored) const {
  if (!SamePayload(event, stored)) return Error(OtherPayload(event, stored.offset));
  return AppendResult{stored.offset, stored.create_time, true};
}

Status SegmentLog::Write(Batch& batch) {
  if (rolling_ || (!active().empty() && active().end() + buffer_.size() > options_.segment_bytes)) {
    AIFLOW_RETURN_IF_ERROR(Roll());
  }
  AIFLOW_RETURN_IF_ERROR(active().Append(buffer_, batch.pending));
  last_time_ = batch.now;
  batch.pending.last_time = batch.now;
  for (size_t i = 0; i < batch.added.size(); ++i) {
    if (batch.pending.ids[i] != 0) {
      ids_.Insert(batch.pending.ids[i], batch.first + static_cast<Offset>(i));
    }
  }
  const auto count = static_cast<Offset>(batch.added.size());
  {
    const std::unique_lock lock(mutex_);
    active().Publish(std::move(batch.pending));
  }
  head_.store(batch.first + count - 1, std::memory_order_release);
  return Status::Ok();
}

/// Once the successor's name may exist, nothing more may go to the full segment: a roll that failed
/// is tried again before anything is written.
Status SegmentLog::Roll() {
  rolling_ = true;
  AIFLOW_RETURN_IF_ERROR(active().Trim());
  const Offset next = active().last() + 1;
  auto segment = Segment::Create(files_, directory_, log_id_, next, RandomNumber());
  if (!segment) return segment.error();
  active().Seal(files_, directory_);
  AddSegment(next, std::move(*segment));
  rolling_ = false;
  return Status::Ok();
}

void SegmentLog::AddSegment(Offset first, std::unique_ptr<Segment> segment) {
  segment->set_reserve_step(options_.reserve_bytes);
  const std::unique_lock lock(mutex_);
  segments_.emplace(first, std::move(segment));
}

Status SegmentLog::Scan(const EventFilter& filter, const OnEvent& on_event) const {
  const Offset end = head();
  const Offset until = filter.until > 0 ? std::min(filter.until, end) : end;
  const uint32_t tag = Segment::TagOf(hash_key_, filter.key);
  Offset at = filter.after;
  std::vector<EventPlace> places;
  std::unique_ptr<RecordReader> reader;
  Offset reader_first = 0;
  size_t step = 64;
  while (at < until) {
    places.clear();
    {
      const std::shared_lock lock(mutex_);
      const Offset oldest = segments_.begin()->first;
      if (at + 1 < oldest) {
        if (filter.refuse_gap) return BelowFirst(at, oldest);
        at = oldest - 1;
        if (at >= until) return Status::Ok();
      }
      const auto it = std::prev(segments_.upper_bound(at + 1));
      const Segment& segment = *it->second;
      if (reader == nullptr || reader_first != it->first) {
        reader = std::make_unique<RecordReader>(segment.file(), segment.path());
        reader_first = it->first;
      }
      at = segment.Collect(at, until, filter.key.empty() ? nullptr : &tag, step, &places);
    }
    step = kPlacesPerStep;
    for (const EventPlace& place : places) {
      Event event;
      AIFLOW_RETURN_IF_ERROR(reader->Read(place.position, &event));
      event.offset = place.offset;
      if (Matches(filter, event) && !on_event(std::move(event))) return Status::Ok();
    }
  }
  return Status::Ok();
}

Result<std::vector<Event>> SegmentLog::Read(Offset after, size_t max_events,
                                            size_t max_bytes) const {
  EventFilter everything;
  everything.after = after;
  everything.include_internal = true;
  everything.refuse_gap = true;
  return List(everything, max_events, max_bytes);
}

Result<std::vector<Event>> SegmentLog::List(const EventFilter& filter, size_t max_events,
                                            size_t max_bytes) const {
  std::vector<Event> events;
  if (max_events == 0) return events;
  size_t bytes = 0;
  const Status status = Scan(filter, [&](Event&& event) {
    bytes += EventBytes(event);
    events.push_back(std::move(event));
    return events.size() < max_events && bytes < max_bytes;
  });
  if (!status.ok()) return Error(status);
  return events;
}

Result<std::pair<int64_t, std::vector<SenderCount>>> SegmentLog::Count(
    const EventFilter& filter) const {
  SenderCounter counter;
  const Status status = Scan(filter, [&](Event&& event) {
    counter.Add(event.sender);
    return true;
  });
  if (!status.ok()) return Error(status);
  return std::move(counter).Take();
}

Result<Event> SegmentLog::ReadOne(Offset offset) const {
  std::unique_ptr<RecordReader> reader;
  EventPlace place;
  {
    const std::shared_lock lock(mutex_);
    const Offset oldest = segments_.begin()->first;
    if (offset < oldest) return Error(BelowFirst(offset - 1, oldest));
    const auto it = std::prev(segments_.upper_bound(offset));
    place = it->second->PlaceOf(offset);
    reader = std::make_unique<RecordReader>(it->second->file(), it->second->path());
  }
  Event event;
  if (Status status = reader->Read(place.position, &event); !status.ok()) return Error(status);
  event.offset = offset;
  return event;
}

Result<Offset> SegmentLog::LastWhere(const std::function<bool(Millis)>& before) const {
  Offset low = first() - 1;  // holds, or there is none
  Offset high = head() + 1;  // does not hold
  while (high - low > 1) {
    const Offset middle = low + (high - low) / 2;
    const auto event = ReadOne(middle);
    if (!event && event.error().code() != Code::kOutOfRange) return Error(event.error());
    // One that was removed meanwhile is older than all that are left.
    (!event || before(event->create_time) ? low : high) = middle;
  }
  return low;
}

Result<Offset> SegmentLog::OffsetAt(Millis time) const {
  const auto last = LastWhere([time](Millis created) { return created <= time; });
  if (!last) return last;
  return *last < first() ? 0 : *last;
}

Result<Offset> SegmentLog::OffsetBefore(Millis time) const {
  return LastWhere([time](Millis created) { return created < time; });
}

Result<int64_t> SegmentLog::RegisterClient(const std::string& ns, const std::string& sender) {
  if (Status status = clients_->WriteRegistration(clock_.Now(), ns, sender); !status.ok()) {
    return Error(status);
  }
  const std::unique_lock lock(mutex_);
  return clients_->PublishRegistration();
}

Status SegmentLog::DeleteClient(int64_t client_id) {
  if (!clients_->Exists(client_id)) return UnknownClient(client_id);
  AIFLOW_RETURN_IF_ERROR(clients_->WriteDeletion(clock_.Now(), client_id));
  const std::unique_lock lock(mutex_);
  clients_->PublishDeletion(client_id);
  removed_.sequences.Forget(client_id);
  return Status::Ok();
}

Result<bool> SegmentLog::ClientExists(int64_t client_id) const {
  const std::shared_lock lock(mutex_);
  return clients_->Exists(client_id);
}

Status SegmentLog::ChangeConsumers(ConsumerTable consumers) {
  if (consumers == consumers_) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(WriteConsumers(files_, directory_, log_id_, consumers));
  const std::unique_lock lock(mutex_);
  consumers_ = std::move(consumers);
  return Status::Ok();
}

Result<Consumer> SegmentLog::RegisterConsumer(const std::string& name, Offset after) {
  ConsumerTable changed = consumers_;
  auto consumer = changed.Register(name, after, first(), head(), clock_.Now());
  if (!consumer) return consumer;
  if (Status status = ChangeConsumers(std::move(changed)); !status.ok()) return Error(status);
  return consumer;
}

Result<Consumer> SegmentLog::CommitConsumer(const std::string& name, Offset cursor) {
  ConsumerTable changed = consumers_;
  auto consumer = changed.Commit(name, cursor, head(), clock_.Now());
  if (!consumer) return consumer;
  if (Status status = ChangeConsumers(std::move(changed)); !status.ok()) return Error(status);
  return consumer;
}

Status SegmentLog::DeleteConsumer(const std::string& name) {
  ConsumerTable changed = consumers_;
  AIFLOW_RETURN_IF_ERROR(changed.Delete(name));
  return ChangeConsumers(std::move(changed));
}

std::vector<Consumer> SegmentLog::Consumers() const {
  const std::shared_lock lock(mutex_);
  return consumers_.List();
}

std::string SegmentLog::owner() const {
  const std::shared_lock lock(mutex_);
  return consumers_.owner();
}

Status SegmentLog::SetOwner(const std::string& owner) {
  ConsumerTable changed = consumers_;
  AIFLOW_RETURN_IF_ERROR(changed.SetOwner(owner));
  return ChangeConsumers(std::move(changed));
}

}  // namespace aiflow
