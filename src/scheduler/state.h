#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/rows.h"

namespace aiflow {

/// Everything Decide may know: the rows of all namespaces, workflows and snapshots, of every
/// unfinished execution, of its tasks' current, waiting and latest runs, and of its rules. Finished
/// executions and older runs live in the store only. Engine thread only.
///
/// Invariant: a State that had every committed Change applied equals one that had the store's
/// rows loaded.
class State {
 public:
  State();
  ~State();
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  /// Applies committed or about-to-be-committed changes, in order. Also how a state is loaded.
  void Apply(std::span<const Change> changes);

  /// Every row as changes in a canonical order: to compare two states.
  [[nodiscard]] std::vector<Change> Dump() const;

  struct Rep;
  [[nodiscard]] const Rep& rep() const { return *rep_; }

 private:
  std::unique_ptr<Rep> rep_;
};

}  // namespace aiflow
