#pragma once

#include <map>
#include <variant>
#include <vector>

#include "chaos.h"
#include "sim_hosts.h"
#include "storage/memory/memory_store.h"

namespace aiflow::sim {

/// The store of a simulated world, with the mutants of what it says when it is asked.
class SimStore final : public MemoryStore {
 public:
  explicit SimStore(const Chaos& chaos) : chaos_(chaos) {}

  /// A server has begun to serve.
  void Recovered() { repeat_write_ = chaos_.mutant == Mutant::kStateWrittenTwice; }

  Status Commit(const CommitBatch& batch) override {
    if (chaos_.mutant == Mutant::kRetiredComesBack) {
      for (const Change& change : batch.changes) {
        const auto* erase = std::get_if<EraseExecution>(&change);
        if (erase == nullptr) continue;
        if (auto rows = MemoryStore::LoadExecution(erase->id); !rows->empty()) {
          graves_[erase->id] = *std::move(rows);
        }
      }
    }
    return MemoryStore::Commit(batch);
  }

  Result<std::vector<Change>> LoadExecution(ExecutionId id) const override {
    auto rows = MemoryStore::LoadExecution(id);
    const auto grave = graves_.find(id);
    if (rows->empty() && grave != graves_.end()) return grave->second;
    return rows;
  }

  Result<std::vector<Change>> LoadDueExecutions(WorkflowId workflow, Millis from,
                                                Millis to) const override {
    auto rows = MemoryStore::LoadDueExecutions(workflow, from, to);
    if (chaos_.mutant == Mutant::kBackfillForgetsFinished) rows->clear();
    return rows;
  }

  Result<std::vector<StateRow>> ListStates(ExecutionId execution,
                                           WorkflowId workflow) const override {
    auto rows = MemoryStore::ListStates(execution, workflow);
    for (StateRow& row : *rows) {
      if (!repeat_write_ || row.name != kAnswersState) continue;
      repeat_write_ = false;
      row.value = std::to_string(std::stoll(row.value) + 1);
    }
    return rows;
  }

  Result<std::optional<Offset>> OldestNeededOffset() const override {
    if (chaos_.mutant == Mutant::kRetentionDropsNeeded) return std::nullopt;
    return MemoryStore::OldestNeededOffset();
  }

 private:
  const Chaos& chaos_;
  mutable bool repeat_write_ = false;
  std::map<ExecutionId, std::vector<Change>> graves_;
};

}  // namespace aiflow::sim
