#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/nearest.h"
#include "base/status.h"
#include "model/spec_json/names.h"
#include "yaml/yaml_tree.h"

/// What the converters of single parts share. Single-threaded.
namespace aiflow::yaml {

/// Collects what is wrong in one file, with the place. The first kMaxReportedProblems are kept.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void Add(Position at, const std::string& what);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  /// kInvalidArgument, a line "FILE:LINE:COLUMN: what" for each. REQUIRES: !empty().
  [[nodiscard]] Status ToStatus() const;

 private:
  const std::string file_;
  std::vector<std::string> texts_;
  size_t count_ = 0;
};

/// The workflow that is being read, as its parts need to know it.
struct Names {
  std::string ns;
  std::string workflow;
  std::set<std::string, std::less<>> tasks;
};

/// Where the tasks of a workflow and their rules are written, by index.
struct TaskPlace {
  Position at;
  std::vector<Position> rules;
};

/// What each reader gets beside the node.
struct Reading {
  Problems& problems;
  Names names;
  std::vector<TaskPlace> places;  // of the tasks read so far; the last may be incomplete
};

/// One key of a mapping and what reads its value into T.
template <typename T>
struct Key {
  std::string_view name;
  void (*read)(const Node& value, T& target, Reading& reading);
};

template <typename T>
std::vector<std::string> KeyNames(std::span<const Key<T>> keys) {
  std::vector<std::string> names;
  for (const Key<T>& key : keys) names.emplace_back(key.name);
  return names;
}

/// The node for a message: `"text"`, or what it is.
std::string Shown(const Node& node);

void AddUnknownKey(const Node& key, const std::string& what, const std::vector<std::string>& known,
                   Problems& problems);

/// Keys that begin so are for anchors and tools, where they are allowed.
inline constexpr std::string_view kExtensionPrefix = "x-";

/// Reads a mapping member by member, in their order. `what` is named in errors: "a task".
template <typename T>
void ReadMapping(const Node& node, const std::string& what, std::span<const Key<T>> keys, T& target,
                 Reading& reading, bool extensions = false) {
  if (node.kind != Node::Kind::kMapping) {
    return reading.problems.Add(node.at, what + " must be a mapping, got " + Shown(node));
  }
  for (const auto& [name, value] : node.members) {
    if (extensions && name->text.starts_with(kExtensionPrefix)) continue;
    const Key<T>* known = nullptr;
    for (const Key<T>& key : keys) known = key.name == name->text ? &key : known;
    if (known == nullptr) {
      AddUnknownKey(*name, what, KeyNames(keys), reading.problems);
    } else {
      known->read(*value, target, reading);
    }
  }
}

// Each of these reads one value, or says what is wrong with it and leaves the target.

/// Any scalar is a text: `true` is the command true.
void ReadText(const Node& node, std::string& text, Reading& reading);
void ReadBool(const Node& node, bool& value, Reading& reading);
void ReadInteger(const Node& node, int64_t& value, Reading& reading);
void ReadNumber(const Node& node, std::optional<double>& value, Reading& reading);
/// "1h30m", "250ms", or a number of seconds; units d, h, m, s, ms. 0 to kMaxDurationMs.
void ReadDuration(const Node& node, Millis& value, Reading& reading);
/// Any value as JSON text. Plain scalars are what JSON makes of them (numbers, true, false, null),
/// else texts.
std::string JsonText(const Node& node);

void AddNotOneOf(const Node& node, const std::vector<std::string>& known, Problems& problems);

template <typename T, size_t N>
void ReadEnum(const Node& node, const spec_json::Names<T, N>& names, T& value, Reading& reading) {
  std::vector<std::string> known;
  for (const auto& [name, meaning] : names) {
    if (node.kind == Node::Kind::kScalar && node.text == name) {
      value = meaning;
      return;
    }
    known.emplace_back(name);
  }
  AddNotOneOf(node, known, reading.problems);
}

/// Calls `each(item)` for the items of a sequence, or for a single value that is none.
template <typename F>
void ForEach(const Node& node, F each) {
  if (node.kind != Node::Kind::kSequence) return each(node);
  for (const Node::Ptr& item : node.items) each(*item);
}

}  // namespace aiflow::yaml
