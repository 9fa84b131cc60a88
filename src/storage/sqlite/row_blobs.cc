#include "storage/sqlite/row_blobs.h"

#include <limits>

namespace aiflow::sqlite {
namespace {

constexpr char kVersion = 1;

void PutVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

// Zigzag: small negative numbers stay small.
void PutSigned(std::string* out, int64_t value) {
  PutVarint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

void PutText(std::string* out, std::string_view text) {
  PutVarint(out, text.size());
  out->append(text);
}

/// Takes values off the front of packed bytes; after the first failure everything fails.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {
    ok_ = !bytes_.empty() && bytes_.front() == kVersion;
    if (ok_) bytes_.remove_prefix(1);
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && ok_; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    const uint64_t raw = Varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  /// A number of things to come that take at least one byte each.
  size_t Count() {
    const uint64_t count = Varint();
    if (count > bytes_.size()) ok_ = false;
    return ok_ ? count : 0;
  }
  std::string_view Text() {
    const size_t size = Count();
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  std::string_view Rest() { return std::exchange(bytes_, {}); }
  /// Everything was read and nothing is left over.
  [[nodiscard]] bool Complete() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_;
};

}  // namespace

std::string Pack(const std::vector<Offset>& offsets) {
  if (offsets.empty()) return {};
  std::string out(1, kVersion);
  PutVarint(&out, offsets.size());
  Offset previous = 0;
  for (const Offset offset : offsets) {
    PutSigned(&out, offset - previous);
    previous = offset;
  }
  return out;
}

std::string Pack(const std::vector<uint8_t>& slots) {
  if (slots.empty()) return {};
  std::string out(1, kVersion);
  out.append(slots.begin(), slots.end());
  return out;
}

std::string Pack(const std::vector<std::pair<TaskIndex, int64_t>>& fired) {
  if (fired.empty()) return {};
  std::string out(1, kVersion);
  PutVarint(&out, fired.size());
  for (const auto& [task, sequence] : fired) {
    PutSigned(&out, task);
    PutSigned(&out, sequence);
  }
  return out;
}

std::string Pack(const std::vector<TaskSnapshot>& statuses) {
  if (statuses.empty()) return {};
  std::string out(1, kVersion);
  PutVarint(&out, statuses.size());
  for (const TaskSnapshot& snapshot : statuses) {
    PutSigned(&out, snapshot.task);
    PutSigned(&out, snapshot.sequence);
    out.push_back(static_cast<char>(snapshot.status));
  }
  return out;
}

std::string Pack(const Event& event) {
  if (event == Event{}) return {};
  std::string out(1, kVersion);
  out.push_back(static_cast<char>(event.kind));
  PutSigned(&out, event.offset);
  PutSigned(&out, event.create_time.count());
  for (const std::string* text :
       {&event.key, &event.value, &event.context, &event.ns, &event.sender, &event.id}) {
    PutText(&out, *text);
  }
  return out;
}

bool Unpack(std::string_view bytes, std::vector<Offset>* offsets) {
  offsets->clear();
  if (bytes.empty()) return true;
  Cursor cursor(bytes);
  const size_t count = cursor.Count();
  offsets->reserve(count);
  uint64_t previous = 0;  // unsigned: damaged bytes may overflow
  for (size_t i = 0; i < count; ++i) {
    previous += static_cast<uint64_t>(cursor.Signed());
    offsets->push_back(static_cast<Offset>(previous));
  }
  return cursor.Complete();
}

bool Unpack(std::string_view bytes, std::vector<uint8_t>* slots) {
  slots->clear();
  if (bytes.empty()) return true;
  Cursor cursor(bytes);
  const std::string_view rest = cursor.Rest();
  slots->assign(rest.begin(), rest.end());
  return cursor.Complete();
}

bool Unpack(std::string_view bytes, std::vector<std::pair<TaskIndex, int64_t>>* fired) {
  fired->clear();
  if (bytes.empty()) return true;
  Cursor cursor(bytes);
  const size_t count = cursor.Count();
  fired->reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const int64_t task = cursor.Signed();
    if (task < 0 || task > std::numeric_limits<TaskIndex>::max()) return false;
    fired->emplace_back(static_cast<TaskIndex>(task), cursor.Signed());
  }
  return cursor.Complete();
}

bool Unpack(std::string_view bytes, std::vector<TaskSnapshot>* statuses) {
  statuses->clear();
  if (bytes.empty()) return true;
  Cursor cursor(bytes);
  const size_t count = cursor.Count();
  statuses->reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const int64_t task = cursor.Signed();
    const int64_t sequence = cursor.Signed();
    const uint64_t status = cursor.Varint();
    if (task < 0 || task > std::numeric_limits<TaskIndex>::max()) return false;
    if (status > static_cast<uint64_t>(TaskStatus::kRetrying)) return false;
    statuses->push_back({static_cast<TaskIndex>(task), sequence, static_cast<TaskStatus>(status)});
  }
  return cursor.Complete();
}

bool Unpack(std::string_view bytes, Event* event) {
  *event = Event{};
  if (bytes.empty()) return true;
  Cursor cursor(bytes);
  event->kind = static_cast<EventKind>(cursor.Varint());
  event->offset = cursor.Signed();
  event->create_time = Millis(cursor.Signed());
  for (std::string* text :
       {&event->key, &event->value, &event->context, &event->ns, &event->sender, &event->id}) {
    *text = cursor.Text();
  }
  return cursor.Complete();
}

}  // namespace aiflow::sqlite
