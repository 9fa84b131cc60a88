#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/spec_json/names.h"

namespace aiflow::spec_json {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

/// The value as JSON text on one line; what is no UTF-8 is replaced.
std::string Text(const Json& value);
/// The JSON value that `text` is. A text that is no JSON (ValidateWorkflowSpec refuses it) becomes
/// a string.
OrderedJson Parsed(const std::string& text);

/// Reads one JSON object member by member. The first error of the whole document stays in `status`,
/// with its path; after it, nothing is read any more. Members that nobody asked for are an error at
/// the end. `json` and `status` must outlive the reader.
class ObjectReader {
 public:
  ObjectReader(const Json& json, std::string path, Status& status);

  /// The member; null when it is absent, or after an error.
  const Json* Take(std::string_view name, bool required = false);

  // These leave `value` as it is when the member is absent.
  void String(std::string_view name, std::string& value, bool required = false);
  void Bool(std::string_view name, bool& value);
  void Integer(std::string_view name, int64_t& value);
  /// An integer of milliseconds.
  void Duration(std::string_view name, Millis& value);
  void Number(std::string_view name, std::optional<double>& value);
  template <typename T, size_t N>
  void Enum(std::string_view name, const Names<T, N>& names, T& value, bool required = false) {
    const Json* member = Take(name, required);
    if (member == nullptr) return;
    std::string text;
    for (const auto& [known, meaning] : names) {
      if (member->is_string() && member->get_ref<const std::string&>() == known) {
        value = meaning;
        return;
      }
      text.append(text.empty() ? "" : ", ").append(known);
    }
    Fail(Path(name), "must be one of " + text, *member);
  }
  /// Calls `each(element, path)` for the elements of an array member.
  template <typename F>
  void Array(std::string_view name, F each, bool required = false) {
    const Json* member = Take(name, required);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(Path(name), "must be an array", *member);
    for (size_t i = 0; i < member->size() && status_.ok(); ++i) {
      each((*member)[i], Path(name) + "[" + std::to_string(i) + "]");
    }
  }
  /// Calls `each(name, value)` for the members of an object member.
  template <typename F>
  void Object(std::string_view name, F each) {
    const Json* member = Take(name);
    if (member == nullptr) return;
    if (!member->is_object()) return Fail(Path(name), "must be an object", *member);
    for (const auto& entry : member->items()) each(entry.key(), entry.value());
  }

  /// To be called last.
  void RefuseOthers();

  /// "PATH WHAT, got VALUE"; whoever parses says what document it is.
  void Fail(const std::string& path, const std::string& what, const Json& value);
  [[nodiscard]] std::string Path(std::string_view name) const;

 private:
  const Json& json_;
  const std::string path_;
  Status& status_;
  std::vector<std::string_view> taken_;
};

}  // namespace aiflow::spec_json
