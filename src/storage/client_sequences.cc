#include "storage/client_sequences.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace aiflow {
namespace {

/// Takes a canonical number off the front.
bool TakeNumber(std::string_view* text, int64_t* number) {
  if (text->empty() || text->front() < '0' || text->front() > '9') return false;
  if (text->size() > 1 && text->front() == '0' && (*text)[1] >= '0' && (*text)[1] <= '9') {
    return false;
  }
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool TakeText(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::optional<ClientKey> ParseClientKey(std::string_view id) {
  ClientKey key;
  const bool whole = TakeText(&id, "c/") && TakeNumber(&id, &key.client) && TakeText(&id, "/") &&
                     TakeNumber(&id, &key.sequence) && id.empty();
  return whole ? std::optional(key) : std::nullopt;
}

void ClientSequences::Add(const ClientKey& key) {
  Ranges& ranges = ranges_[key.client];
  const int64_t number = key.sequence;
  // The first range that ends at or behind the number's left neighbour: the only one, with its
  // successor, that the number can be in or touch.
  auto at = std::partition_point(ranges.begin(), ranges.end(),
                                 [&](const auto& range) { return range.second < number - 1; });
  if (at == ranges.end() || at->first > number + 1) {
    ranges.insert(at, {number, number});
  } else {
    at->first = std::min(at->first, number);
    at->second = std::max(at->second, number);
    const auto next = at + 1;
    if (next != ranges.end() && next->first == at->second + 1) {
      at->second = next->second;
      ranges.erase(next);
    }
  }
  if (ranges.size() > kMaxRanges) {
    ranges[1].first = ranges[0].first;
    ranges.erase(ranges.begin());
  }
}

bool ClientSequences::Contains(const ClientKey& key) const {
  const auto client = ranges_.find(key.client);
  if (client == ranges_.end()) return false;
  const Ranges& ranges = client->second;
  const auto at = std::partition_point(
      ranges.begin(), ranges.end(), [&](const auto& range) { return range.second < key.sequence; });
  return at != ranges.end() && at->first <= key.sequence;
}

}  // namespace aiflow
