/// aiflow_sim: runs the real engine in simulated worlds, one per seed. Exit code 0: every promise
/// was kept in every world (with --mutant: the mutant was found). 1: not. 2: bad arguments.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mutant.h"
#include "world.h"

namespace aiflow::sim {
namespace {

constexpr size_t kTail = 60;

/// For the handler of a failed CHECK, which ends the process in the middle of a seed.
volatile std::sig_atomic_t g_seed = 0;

void OnAbort(int /*signal*/) {
  std::fprintf(stderr, "seed %ld: a CHECK failed\n", static_cast<long>(g_seed));
  std::fflush(stderr);
}

void Add(SimCounts& sum, const SimCounts& one) {
  sum.steps += one.steps;
  sum.crashes += one.crashes;
  sum.recoveries += one.recoveries;
  sum.takeovers += one.takeovers;
  sum.commits += one.commits;
  sum.parts += one.parts;
  sum.failed_commits += one.failed_commits;
  sum.events += one.events;
  sum.executions += one.executions;
  sum.attempts += one.attempts;
  sum.questions += one.questions;
  sum.coverage.Add(one.coverage);
}

void PrintHistory(uint64_t seed, Mutant mutant, size_t tail) {
  const SimOutcome again = RunSeed(seed, mutant, /*keep_history=*/true);
  const size_t begin = again.history.size() > tail ? again.history.size() - tail : 0;
  for (size_t i = begin; i < again.history.size(); ++i) {
    std::printf("  %s\n", again.history[i].c_str());
  }
}

/// False, with a word about it, when something was never met.
bool CoversAll(const Coverage& coverage) {
  const std::vector<std::string> missing = coverage.Missing();
  for (const std::string& what : missing) std::printf("never met: %s\n", what.c_str());
  return missing.empty();
}

/// Returns how many seeds failed; stops after `max_failures`. `covered`: also a failure when the
/// worlds together have not met everything.
int64_t RunSeeds(uint64_t from, uint64_t count, Mutant mutant, int64_t max_failures, bool quiet,
                 bool covered = false) {
  SimCounts sum;
  int64_t failures = 0;
  uint64_t done = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = from; seed < from + count && failures < max_failures; ++seed) {
    g_seed = static_cast<std::sig_atomic_t>(seed);
    const SimOutcome outcome = RunSeed(seed, mutant, /*keep_history=*/false);
    Add(sum, outcome.counts);
    ++done;
    if (outcome.failure.empty()) continue;
    ++failures;
    if (quiet) continue;
    std::printf("seed %lu FAILED: %s\n", static_cast<unsigned long>(seed), outcome.failure.c_str());
    if (failures == 1) PrintHistory(seed, mutant, kTail);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (quiet) return failures;
  const auto per = [&](int64_t n) { return static_cast<double>(n) / static_cast<double>(done); };
  std::printf(
      "%lu seeds, %ld failed, %.0f seeds/s\n"
      "per seed: %.0f steps, %.1f crashes, %.1f recoveries, %.1f takeovers, %.0f commits "
      "(%.1f in the middle of a decision), %.1f failed steps, %.0f events, %.1f executions, %.1f "
      "attempts, %.1f "
      "questions\n",
      static_cast<unsigned long>(done), static_cast<long>(failures),
      static_cast<double>(done) / took.count(), per(sum.steps), per(sum.crashes),
      per(sum.recoveries), per(sum.takeovers), per(sum.commits), per(sum.parts),
      per(sum.failed_commits), per(sum.events), per(sum.executions), per(sum.attempts),
      per(sum.questions));
  sum.coverage.Print();
  if (covered && failures == 0 && !CoversAll(sum.coverage)) return 1;
  return failures;
}

/// In a process of its own, because a broken promise may also show as a failed CHECK.
bool FindsMutant(const MutantName& mutant, uint64_t from, uint64_t count) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(3);
    _exit(RunSeeds(from, count, mutant.mutant, 1, /*quiet=*/true) > 0 ? 1 : 0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  const bool checked = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  const bool found = checked || (WIFEXITED(status) && WEXITSTATUS(status) == 1);
  std::printf("mutant %-24s %s\n", std::string(mutant.name).c_str(),
              !found    ? "NOT FOUND"
              : checked ? "found (a CHECK)"
                        : "found");
  return found;
}

int Main(int argc, char** argv) {
  CLI::App app("Simulates the engine under faults");
  uint64_t seeds = 1'000;
  uint64_t from = 1;
  uint64_t history = 0;
  int64_t max_failures = 10;
  std::string mutant_name;
  bool all_mutants = false;
  bool covered = false;
  app.add_option("--seeds", seeds, "how many seeds");
  app.add_option("--from", from, "the first seed");
  app.add_option("--history", history, "print the whole history of one seed");
  app.add_option("--max-failures", max_failures, "stop after so many failing seeds");
  app.add_option("--mutant", mutant_name, "break one promise of the world; it must be found");
  app.add_flag("--all-mutants", all_mutants, "each mutant in turn; all must be found");
  app.add_flag("--covered", covered, "fail when no seed met something that the summary counts");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGABRT, OnAbort);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a failing seed is seen at once

  Mutant mutant = Mutant::kNone;
  if (!mutant_name.empty()) {
    const auto parsed = ParseMutant(mutant_name);
    if (!parsed.has_value()) {
      std::string names;
      for (const MutantName& known : kMutants) names += " " + std::string(known.name);
      std::fprintf(stderr, "no mutant %s; there are:%s\n", mutant_name.c_str(), names.c_str());
      return 2;
    }
    mutant = *parsed;
  }
  if (history != 0) {
    PrintHistory(history, mutant, SIZE_MAX);
    std::printf("%s\n", RunSeed(history, mutant, false).failure.c_str());
    return 0;
  }
  bool found_all = true;
  if (all_mutants) {
    for (const MutantName& next : kMutants) found_all = FindsMutant(next, from, seeds) && found_all;
    return found_all ? 0 : 1;
  }
  if (mutant != Mutant::kNone) {
    return RunSeeds(from, seeds, mutant, 1, /*quiet=*/false) > 0 ? 0 : 1;
  }
  return RunSeeds(from, seeds, mutant, max_failures, /*quiet=*/false, covered) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace aiflow::sim

int main(int argc, char** argv) { return aiflow::sim::Main(argc, argv); }
