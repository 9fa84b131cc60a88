#include "server/readiness.h"

namespace aiflow::server {
namespace {

/// So many attempts of hosts without one answer are no accident.
constexpr int64_t kFailingHosts = 3;

}  // namespace

std::string Readiness::Problems() const {
  std::string text;
  for (const std::string& line : problems) text += (text.empty() ? "" : "\n") + line;
  return text;
}

Readiness JudgeReadiness(const ReadinessFacts& facts) {
  Readiness readiness;
  if (!facts.engine.empty()) readiness.problems.push_back(facts.engine);
  if (facts.committed < facts.recover_to) {
    readiness.problems.push_back(
        "recovering: " + std::to_string(facts.committed - facts.recover_from) + " of " +
        std::to_string(facts.recover_to - facts.recover_from) +
        " events that came before this server are decided");
  }
  if (facts.runner_away > 0) {
    readiness.problems.push_back("the runner has not been reachable for " +
                                 std::to_string(facts.runner_away) +
                                 " s: no task starts, and what tasks report waits; see "
                                 "runner/runner.log in the home");
  }
  if (facts.disk.level == DiskLevel::kFull) readiness.problems.push_back(facts.disk.text);
  if (facts.disk.level == DiskLevel::kLow) readiness.warnings.push_back(facts.disk.text);
  for (const std::string& line : facts.executors) readiness.warnings.push_back(line);
  if (facts.hosts.failing >= kFailingHosts) {
    readiness.warnings.push_back("condition hosts have failed " +
                                 std::to_string(facts.hosts.failing) +
                                 " times in a row; see logs/hosts in the home");
  }
  if (!facts.blob_store.empty()) {
    readiness.warnings.push_back("uploads, and tasks whose bundle is not here, wait: " +
                                 facts.blob_store);
  }
  return readiness;
}

}  // namespace aiflow::server
