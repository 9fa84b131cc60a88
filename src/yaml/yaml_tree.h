#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace aiflow::yaml {

/// Line and column of a file, from 1.
struct Position {
  int line = 1;
  int column = 1;
};

/// A value of a YAML document. Immutable once parsed; aliases share nodes.
struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMapping };
  using Ptr = std::shared_ptr<const Node>;

  Kind kind = Kind::kNull;
  Position at;
  std::string text;                          // kScalar, as written but for quotes and escapes
  bool quoted = false;                       // kScalar: a string, whatever it looks like
  std::vector<Ptr> items;                    // kSequence
  std::vector<std::pair<Ptr, Ptr>> members;  // kMapping, in their order; keys are different scalars
  /// What the node and everything in it count towards kMaxExpandedYamlBytes, aliases expanded.
  size_t weight = 0;

  /// The value of a mapping's key; null when there is none.
  [[nodiscard]] const Node* Find(std::string_view key) const;
};

/// Reads every document of a file; empty ones are kNull nodes. Merge keys (`<<`) are resolved.
/// kInvalidArgument, with "FILE:LINE:COLUMN: " in front, for what is no YAML, for keys that are no
/// scalars or come twice, tags other than those of the core schema, aliases that contain
/// themselves, nesting deeper than kMaxJsonDepth, and files over kMaxYamlBytes or, with aliases
/// expanded, kMaxExpandedYamlBytes: a small file cannot ask for a large tree to be walked.
Result<std::vector<Node::Ptr>> ParseYaml(const std::string& text, const std::string& file);

}  // namespace aiflow::yaml
