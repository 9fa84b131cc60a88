#include "coverage.h"

#include <cstdio>
#include <set>
#include <variant>

#include "model/event_keys.h"

namespace aiflow::sim {
namespace {

struct Collector {
  std::set<Decided>& decided;

  void operator()(const ExecutionRow& /*row*/) { decided.insert(Decided::kExecution); }
  void operator()(const TaskExecutionRow& /*row*/) { decided.insert(Decided::kRun); }
  void operator()(const EvaluationRow& row) { Evaluation(row.execution_id); }
  void operator()(const EraseEvaluation& row) { Evaluation(row.execution_id); }
  void operator()(const DeadLetterRow& /*row*/) { decided.insert(Decided::kDeadLetter); }
  void operator()(const EraseDeadLetter& /*row*/) { decided.insert(Decided::kDeadLetter); }
  void operator()(const OutboxRow& row) {
    if (row.kind == OutboxKind::kHook) decided.insert(Decided::kHook);
  }
  template <typename Row>
  void operator()(const Row& /*row*/) {}

  void Evaluation(ExecutionId execution) {
    decided.insert(execution.valid() ? Decided::kTaskEvaluation : Decided::kTriggerEvaluation);
  }
};

}  // namespace

void Coverage::Add(const Coverage& other) {
  for (size_t i = 0; i < met.size(); ++i) met[i] += other.met[i];
  for (size_t i = 0; i < commits.size(); ++i) {
    for (size_t j = 0; j < commits[i].size(); ++j) commits[i][j] += other.commits[i][j];
  }
}

void Coverage::Print() const {
  std::printf("%-20s", "commits of");
  for (const std::string_view fault : kFaultNames) std::printf(" %12s", fault.data());
  std::printf("\n");
  for (size_t j = 0; j < kDecidedNames.size(); ++j) {
    std::printf("%-20s", kDecidedNames[j].data());
    for (const auto& fault : commits) std::printf(" %12lld", static_cast<long long>(fault[j]));
    std::printf("\n");
  }
  for (size_t i = 0; i < met.size(); ++i) {
    std::printf("%9lld %s\n", static_cast<long long>(met[i]), kMetNames[i].data());
  }
}

std::vector<std::string> Coverage::Missing() const {
  std::vector<std::string> missing;
  for (size_t i = 0; i < met.size(); ++i) {
    if (met[i] == 0) missing.emplace_back(kMetNames[i]);
  }
  for (size_t i = 0; i < commits.size(); ++i) {
    for (size_t j = 0; j < commits[i].size(); ++j) {
      if (commits[i][j] != 0) continue;
      missing.push_back("commits of '" + std::string(kDecidedNames[j]) +
                        "': " + std::string(kFaultNames[i]));
    }
  }
  return missing;
}

std::vector<Decided> DecidedBy(const CommitBatch& batch, const std::vector<Event>& log) {
  std::set<Decided> decided;
  for (const Change& change : batch.changes) std::visit(Collector{decided}, change);
  for (Offset offset = batch.from_offset + 1; offset <= batch.to_offset; ++offset) {
    const Event& event = log[static_cast<size_t>(offset - 1)];
    if (event.key != kSchedulingEventKey) continue;
    if (event.value == "TIMER_FIRED") decided.insert(Decided::kTimer);
    if (event.value == "BACKFILL_SCHEDULE") decided.insert(Decided::kBackfill);
    if (event.value == "RETIRE_ROWS") decided.insert(Decided::kRetirement);
    if (event.value == "RERUN_TASKS" || event.value == "MARK_TASK") {
      decided.insert(Decided::kReopening);
    }
  }
  return {decided.begin(), decided.end()};
}

}  // namespace aiflow::sim
