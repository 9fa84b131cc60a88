#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>

namespace aiflow {

/// A 64-bit id that cannot be mistaken for another kind of id. 0 means "none". Immutable value.
template <typename Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(int64_t value) : value_(value) {}

  [[nodiscard]] constexpr int64_t value() const { return value_; }
  [[nodiscard]] constexpr bool valid() const { return value_ > 0; }

  friend constexpr auto operator<=>(StrongId, StrongId) = default;
  friend std::ostream& operator<<(std::ostream& out, StrongId id) { return out << id.value_; }

 private:
  int64_t value_ = 0;
};

}  // namespace aiflow

template <typename Tag>
struct std::hash<aiflow::StrongId<Tag>> {
  size_t operator()(aiflow::StrongId<Tag> id) const noexcept {
    return std::hash<int64_t>()(id.value());
  }
};
