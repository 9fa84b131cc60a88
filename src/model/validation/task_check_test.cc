#include "model/validation/task_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "model/limits.h"
#include "model/validation/spec_testing.h"

namespace aiflow::validation {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

WorkflowSpec With(const std::function<void(TaskSpec&)>& edit) {
  TaskSpec task = Task("a");
  edit(task);
  return Workflow({std::move(task)});
}

TEST(TaskCheckTest, HostTasksNeedAHostAndBashTasksACommand) {
  WorkflowSpec spec = With([](TaskSpec& task) {
    task.op = OperatorKind::kHost;
    task.command.clear();
  });
  EXPECT_THAT(Refusal(spec), HasSubstr("needs a host"));
  spec.host = {"python", "w.py"};
  EXPECT_THAT(Doubts(spec), IsEmpty());
  EXPECT_THAT(Refusal(With([](TaskSpec& task) { task.command.clear(); })), HasSubstr("no command"));
}

TEST(TaskCheckTest, CommandsFitIntoOneArgument) {
  EXPECT_THAT(Refusal(With([](TaskSpec& task) { task.command = std::string("a\0b", 3); })),
              HasSubstr("NUL byte"));
  EXPECT_THAT(
      Doubts(With([](TaskSpec& task) { task.command.assign(limits::kMaxCommandBytes, ' '); })),
      IsEmpty());
  EXPECT_THAT(
      Refusal(With([](TaskSpec& task) { task.command.assign(limits::kMaxCommandBytes + 1, ' '); })),
      HasSubstr("put it into a file"));
}

TEST(TaskCheckTest, EnvironmentVariablesArePossible) {
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"A=B", "c"}, {"", "c"}, {"A", std::string("\0", 1)}}) {
    EXPECT_THAT(Refusal(With([&](TaskSpec& task) { task.env[name] = value; })),
                HasSubstr("impossible environment variable '" + name));
  }
  EXPECT_THAT(
      Refusal(With([](TaskSpec& task) { task.env["A"].assign(limits::kMaxCommandBytes, 'x'); })),
      HasSubstr("variable 'A' has 131073 bytes"));
  EXPECT_THAT(Refusal(With([](TaskSpec& task) {
                for (int i = 0; i < 9; ++i) task.env[std::to_string(i)].assign(120'000, 'x');
              })),
              HasSubstr("env has 1080018 bytes"));
}

TEST(TaskCheckTest, EnvironmentDoesNotSetWhatTheServerSets) {
  for (const char* name : {"AIFLOW_TASK", "AIFLOW_OUTPUT", "AIFLOW_PARAM_DAY"}) {
    EXPECT_THAT(Refusal(With([&](TaskSpec& task) { task.env[name] = "x"; })),
                HasSubstr(std::string("env may not set ") + name));
  }
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.env["AIFLOW_TASKS"] = "x"; })), IsEmpty());
}

TEST(TaskCheckTest, FilesOfVariablesArePathsAndNotTooMany) {
  for (const char* file : {"", "a\nb"}) {
    EXPECT_THAT(Refusal(With([&](TaskSpec& task) { task.env_files = {file}; })),
                HasSubstr("an env_file that is no path"));
  }
  EXPECT_THAT(Refusal(With([](TaskSpec& task) {
                task.env_files.emplace_back(limits::kMaxEnvFilePathBytes + 1, 'a');
              })),
              HasSubstr("has 1025 bytes, the limit is 1024"));
  EXPECT_THAT(
      Refusal(With([](TaskSpec& task) { task.env_files.assign(limits::kMaxEnvFiles + 1, "a"); })),
      HasSubstr("names 17 files, the limit is 16"));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.env_files = {"a", "~/b"}; })), IsEmpty());
}

TEST(TaskCheckTest, EmptyTasksHaveNothingOfAProcess) {
  const auto empty = [](const std::function<void(TaskSpec&)>& edit) {
    return With([&edit](TaskSpec& task) {
      task.op = OperatorKind::kEmpty;
      task.command.clear();
      edit(task);
    });
  };
  EXPECT_THAT(Doubts(empty([](TaskSpec&) {})), IsEmpty());
  EXPECT_THAT(Refusal(empty([](TaskSpec& task) { task.command = "true"; })),
              HasSubstr("is empty and has a command"));
  EXPECT_THAT(Refusal(empty([](TaskSpec& task) { task.pool = "gpu"; })),
              HasSubstr("is empty and has a pool"));
  EXPECT_THAT(Doubts(empty([](TaskSpec& task) {
                task.retry.retries = 2;
                task.env["A"] = "b";
                task.priority = 1;
              })),
              ElementsAre(HasSubstr("runs no process: retries, priority, env changes nothing")));
}

TEST(TaskCheckTest, DurationsAndCountsAreInTheirRanges) {
  using Edit = std::function<void(TaskSpec&, int64_t)>;
  const std::map<std::string, Edit> durations = {
      {"stop_grace_ms", [](TaskSpec& t, int64_t v) { t.stop_grace = Millis(v); }},
      {"execution_timeout_ms", [](TaskSpec& t, int64_t v) { t.execution_timeout = Millis(v); }},
      {"queue_timeout_ms", [](TaskSpec& t, int64_t v) { t.queue_timeout = Millis(v); }},
      {"start_timeout_ms", [](TaskSpec& t, int64_t v) { t.start_timeout = Millis(v); }},
      {"retry_delay_ms", [](TaskSpec& t, int64_t v) { t.retry.delay = Millis(v); }},
      {"max_retry_delay_ms", [](TaskSpec& t, int64_t v) { t.retry.max_delay = Millis(v); }},
  };
  for (const auto& [name, edit] : durations) {
    for (const int64_t value : {int64_t{-1}, limits::kMaxDurationMs + 1}) {
      EXPECT_THAT(Refusal(With([&](TaskSpec& task) { edit(task, value); })),
                  HasSubstr(name + " " + std::to_string(value) + " is not between 0 and"));
    }
    EXPECT_TRUE(ValidateWorkflowSpec(
                    With([&](TaskSpec& task) { edit(task, limits::kMaxDurationMs); }), nullptr)
                    .ok());
  }
  for (const int64_t value : {int64_t{0}, limits::kMaxPendingStarts + 1}) {
    EXPECT_THAT(Refusal(With([&](TaskSpec& task) { task.max_pending_starts = value; })),
                HasSubstr("max_pending_starts " + std::to_string(value)));
  }
  for (const int64_t value : {int64_t{-1}, limits::kMaxRetries + 1}) {
    EXPECT_THAT(Refusal(With([&](TaskSpec& task) { task.retry.retries = value; })),
                HasSubstr("retries " + std::to_string(value)));
  }
}

TEST(TaskCheckTest, RetryOptionsThatChangeNothingAreDoubtful) {
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.retry.delay = Millis(5); })),
              ElementsAre(HasSubstr("set retries")));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) {
                task.retry = {2, Millis(5), false, Millis(9)};
              })),
              ElementsAre(HasSubstr("set retry_exponential_backoff")));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) {
                task.retry = {2, Millis(5), true, Millis(4)};
              })),
              ElementsAre(HasSubstr("max_retry_delay_ms is less than retry_delay_ms")));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) {
                task.retry = {2, Millis(5), true, Millis(9)};
              })),
              IsEmpty());
}

TEST(TaskCheckTest, PoolsAreNamedAndNotTheExecutors) {
  EXPECT_THAT(Refusal(With([](TaskSpec& task) { task.pool = "local"; })),
              HasSubstr("the executor's own"));
  EXPECT_THAT(Refusal(With([](TaskSpec& task) { task.pool = "a/b"; })), HasSubstr("pool 'a/b'"));
  for (const int64_t slots : {int64_t{0}, limits::kMaxPoolSlots + 1}) {
    EXPECT_THAT(Refusal(With([slots](TaskSpec& task) {
                  task.pool = "gpu";
                  task.pool_slots = slots;
                })),
                HasSubstr("pool_slots " + std::to_string(slots)));
  }
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.pool_slots = 2; })),
              ElementsAre(HasSubstr("pool_slots but no pool")));
}

TEST(TaskCheckTest, PeriodicExpressionsAreReadWithTheWorkflowsZone) {
  const auto periodic = [](std::string expression) {
    return With([&expression](TaskSpec& task) { task.periodic = std::move(expression); });
  };
  EXPECT_THAT(Doubts(periodic("cron@0 9 * * 1-5 Europe/Berlin")), IsEmpty());
  EXPECT_THAT(Doubts(periodic("interval@0 0 1 0")), IsEmpty());
  EXPECT_THAT(Refusal(periodic("cron@0 9 30 2 *")), HasSubstr("task 'a': "));
  EXPECT_THAT(Refusal(periodic("every day")), AllOf(HasSubstr("task 'a'"), HasSubstr("every day")));
  WorkflowSpec spec = periodic("cron@0 9 * * *");
  spec.timezone = "Europe/Nowhere";
  EXPECT_THAT(Refusal(spec), HasSubstr("task 'a'"));
}

TEST(TaskCheckTest, PeriodicOptionsThatSurpriseAreDoubtful) {
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.overlap = Overlap::kSkip; })),
              ElementsAre(HasSubstr("not periodic")));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) { task.catchup = CatchUp::kAll; })),
              ElementsAre(HasSubstr("not periodic")));
  EXPECT_THAT(Doubts(With([](TaskSpec& task) {
                task.periodic = "interval@0 0 1 0";
                task.rules.push_back({TaskAction::kStart, OnEvent("k")});
              })),
              ElementsAre(HasSubstr("either starts it")));
}

TEST(TaskCheckTest, TwoStartAftersAreAWarning) {
  EXPECT_THAT(Doubts(Workflow({Task("a"), Task("b"), Task("c", {After("a"), After("b")})})),
              ElementsAre(HasSubstr("any one of them")));
}

TEST(TaskCheckTest, RulesAreLimited) {
  const std::vector<ConditionSpec> many(limits::kMaxRulesPerTask + 1, OnEvent("k"));
  EXPECT_THAT(Refusal(Workflow({Task("a", many)})), HasSubstr("1001 rules"));
}

}  // namespace
}  // namespace aiflow::validation
