#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace aiflow {

/// An idempotency key `c/{client}/{sequence}`.
struct ClientKey {
  int64_t client = 0;
  int64_t sequence = 0;
};
/// Nothing for a key of another space, and for numbers with leading zeros, which are other texts.
std::optional<ClientKey> ParseClientKey(std::string_view id);

/// The sequence numbers that clients have used for events which are gone: all that must be known to
/// tell a repetition from a new event, as long as the client exists. Plain value.
class ClientSequences {
 public:
  /// First and last, both included; ascending, and never adjacent.
  using Ranges = std::vector<std::pair<int64_t, int64_t>>;

  /// Per client. Beyond it the lowest gap is closed: its numbers count as used.
  static constexpr size_t kMaxRanges = 1000;

  void Add(const ClientKey& key);
  [[nodiscard]] bool Contains(const ClientKey& key) const;
  void Forget(int64_t client) { ranges_.erase(client); }

  [[nodiscard]] const std::map<int64_t, Ranges>& ranges() const { return ranges_; }
  void SetRanges(int64_t client, Ranges ranges) { ranges_[client] = std::move(ranges); }

  friend bool operator==(const ClientSequences&, const ClientSequences&) = default;

 private:
  std::map<int64_t, Ranges> ranges_;
};

}  // namespace aiflow
