#include <algorithm>
#include <optional>
#include <string>

#include "model/event_keys.h"
#include "model/limits.h"
#include "model/spec_json.h"
#include "model/unicode_letters.h"

namespace aiflow {
namespace {

/// Takes the next code point off `text`; nothing when the bytes are no valid UTF-8 (truncated,
/// overlong, a surrogate or beyond U+10FFFF).
std::optional<uint32_t> TakeCodePoint(std::string_view& text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  size_t length = 1;
  uint32_t value = first;
  uint32_t least = 0;
  if (first >= 0xf0 && first <= 0xf4) {
    length = 4, value = first & 0x07U, least = 0x10000;
  } else if (first >= 0xe0 && first < 0xf0) {
    length = 3, value = first & 0x0fU, least = 0x800;
  } else if (first >= 0xc2 && first < 0xe0) {
    length = 2, value = first & 0x1fU, least = 0x80;
  } else if (first >= 0x80) {
    return std::nullopt;
  }
  if (text.size() < length) return std::nullopt;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return std::nullopt;
    value = value << 6U | (byte(i) & 0x3fU);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    return std::nullopt;
  }
  text.remove_prefix(length);
  return value;
}

bool IsNameCodePoint(uint32_t c) {
  if (c < 0x80) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '_' || c == '-' || c == '.';
  }
  const auto after =
      std::upper_bound(internal::kLetterRanges.begin(), internal::kLetterRanges.end(), c,
                       [](uint32_t value, const auto& range) { return value < range.first; });
  return after != internal::kLetterRanges.begin() && c <= std::prev(after)->second;
}

/// The name for a message: what is not printable ASCII or valid UTF-8 is shown as `?`.
std::string Shown(std::string_view name) {
  std::string shown;
  while (!name.empty() && shown.size() < limits::kMaxNameBytes) {
    const std::string_view before = name;
    const std::optional<uint32_t> c = TakeCodePoint(name);
    if (!c) {
      shown += '?';
      name.remove_prefix(1);
    } else if (*c < 0x20 || (*c >= 0x7f && *c < 0xa0)) {
      shown += '?';
    } else {
      shown += before.substr(0, before.size() - name.size());
    }
  }
  return shown;
}

}  // namespace

Status ValidateName(std::string_view what, std::string_view name) {
  const auto refuse = [&](const std::string& why) {
    return Status(Code::kInvalidArgument, std::string(what) + " '" + Shown(name) + "' " + why);
  };
  if (name.empty()) return refuse("is empty");
  if (name.size() > limits::kMaxNameBytes) {
    return refuse("has " + std::to_string(name.size()) + " bytes, the limit is " +
                  std::to_string(limits::kMaxNameBytes));
  }
  if (name.front() == ' ' || name.front() == '.' || name.back() == ' ' || name.back() == '.') {
    return refuse("begins or ends with a blank or a dot");
  }
  std::string_view rest = name;
  while (!rest.empty()) {
    const std::optional<uint32_t> c = TakeCodePoint(rest);
    if (!c) return refuse("is not valid UTF-8");
    if (!IsNameCodePoint(*c)) {
      return refuse("may have only letters, digits, blank, '_', '-' and '.'");
    }
  }
  return Status::Ok();
}

bool IsReservedNamespace(std::string_view name) {
  return name != kDefaultNamespace &&
         std::equal(name.begin(), name.end(), kDefaultNamespace.begin(), kDefaultNamespace.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace aiflow
