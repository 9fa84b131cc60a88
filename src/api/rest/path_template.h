#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace aiflow::api::rest {

/// The path of an HTTP annotation, as google/api/http.proto describes it: literal segments and
/// variables, `{field}` for one segment, `{field=**}` for all that are left. Immutable value.
class PathTemplate {
 public:
  /// kInvalidArgument says what is wrong with it.
  static Result<PathTemplate> Parse(std::string_view text);

  /// Which field has which text, in the order of the path. Decoded: %2F within a segment is a slash
  /// of the value.
  using Variables = std::vector<std::pair<std::string, std::string>>;
  /// Nothing when the path (still encoded, without its query) is another one.
  std::optional<Variables> Match(std::string_view path) const;

  /// As it was given, with `{field=**}` as `{field}`: the path of an OpenAPI document.
  [[nodiscard]] const std::string& shown() const { return shown_; }
  [[nodiscard]] std::vector<std::string> fields() const;

  /// Of two that match one path, the one with more literals means it.
  [[nodiscard]] size_t literals() const;

 private:
  struct Segment {
    std::string text;  // literal, or the field's name
    bool variable = false;
    bool rest = false;  // takes all that is left, at least one segment
  };
  std::vector<Segment> segments_;
  std::string shown_;
};

/// %41 -> A. Nothing when an escape is incomplete or the text holds a zero byte.
std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_blank = false);

}  // namespace aiflow::api::rest
