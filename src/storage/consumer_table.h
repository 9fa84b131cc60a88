#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_log.h"

namespace aiflow {

/// The durable consumers of a log and its owner: what is kept of them, and the rules for it, the
/// same for every log. Plain value.
class ConsumerTable {
 public:
  static constexpr size_t kMaxConsumers = 1'000;
  static constexpr size_t kMaxNameBytes = 200;
  static constexpr size_t kMaxOwnerBytes = 200;

  /// As EventLog::RegisterConsumer. `first` and `head` are the log's.
  Result<Consumer> Register(const std::string& name, Offset after, Offset first, Offset head,
                            Millis now);
  Result<Consumer> Commit(const std::string& name, Offset cursor, Offset head, Millis now);
  Status Delete(const std::string& name);
  /// As it was stored.
  void Put(const Consumer& consumer) { consumers_[consumer.name] = consumer; }

  [[nodiscard]] std::vector<Consumer> List() const;
  /// `offset`, or the first one that a consumer still needs, whichever is lower.
  [[nodiscard]] Offset Bound(Offset offset) const;

  [[nodiscard]] const std::string& owner() const { return owner_; }
  Status SetOwner(const std::string& owner);

  friend bool operator==(const ConsumerTable&, const ConsumerTable&) = default;

 private:
  std::map<std::string, Consumer> consumers_;
  std::string owner_;
};

/// 1 to kMaxNameBytes ASCII letters, digits, `_`, `-`, `.`, `/`.
bool IsConsumerName(std::string_view name);

}  // namespace aiflow
