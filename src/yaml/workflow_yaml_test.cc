#include "yaml/workflow_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow::yaml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<WorkflowSpec> All(const std::string& text) {
  auto workflows = ParseWorkflows(text, "f.yaml");
  EXPECT_TRUE(workflows.has_value()) << workflows.error();
  return workflows.has_value() ? *std::move(workflows) : std::vector<WorkflowSpec>();
}

WorkflowSpec One(const std::string& text) {
  std::vector<WorkflowSpec> workflows = All(text);
  EXPECT_EQ(workflows.size(), 1U);
  return workflows.empty() ? WorkflowSpec() : workflows.front();
}

/// The task of a workflow of one task `t`, whose body is given in the flow style.
TaskSpec OneTask(const std::string& body) {
  const WorkflowSpec spec = One("{name: w, tasks: {t: {bash: x, " + body + "}, u: {bash: y}}}");
  return spec.tasks.empty() ? TaskSpec() : spec.tasks.front();
}

ConditionSpec OneCondition(const std::string& text) {
  const TaskSpec task = OneTask("start_on: " + text);
  EXPECT_EQ(task.rules.size(), 1U);
  return task.rules.empty() ? ConditionSpec() : task.rules.front().condition;
}

std::string ErrorOf(const std::string& text) {
  const auto workflows = ParseWorkflows(text, "f.yaml");
  EXPECT_FALSE(workflows.has_value()) << text;
  return workflows.has_value() ? "" : workflows.error().message();
}

std::string TaskError(const std::string& body) {
  return ErrorOf("{name: w, tasks: {t: {bash: x, " + body + "}}}");
}

TEST(WorkflowYamlTest, ReadsEveryMemberOfAWorkflow) {
  const WorkflowSpec spec = One(R"(
name: w
namespace: team
keep_open: true
execution_timeout: 2h
max_active_executions: 1
concurrency: 8
timezone: Europe/Berlin
params:
  day: today
  hours: 24
  ratio: 0.5
  dry: false
  must:
  places: [eu, us]
  long: {type: json, default: {a: 1}, description: anything}
  id: {type: string}
hooks:
  - {on_failure: false, on_success: true, url: http://a}
  - command: mail
config: {owner: me, n: [1, {a: null}]}
x-anchors: anything
tasks:
  t: {bash: echo}
)");
  EXPECT_EQ(spec.name, "w");
  EXPECT_EQ(spec.ns, "team");
  EXPECT_TRUE(spec.keep_open);
  EXPECT_EQ(spec.execution_timeout, std::chrono::hours(2));
  EXPECT_EQ(spec.max_active_executions, 1);
  EXPECT_EQ(spec.concurrency, 8);
  EXPECT_EQ(spec.timezone, "Europe/Berlin");
  EXPECT_THAT(
      spec.params,
      ElementsAre(ParamSpec{"day", ParamType::kString, "\"today\""},
                  ParamSpec{"hours", ParamType::kInteger, "24"},
                  ParamSpec{"ratio", ParamType::kNumber, "0.5"},
                  ParamSpec{"dry", ParamType::kBoolean, "false"}, ParamSpec{"must"},
                  ParamSpec{"places", ParamType::kJson, R"(["eu","us"])"},
                  ParamSpec{"long", ParamType::kJson, R"({"a":1})", "anything"}, ParamSpec{"id"}));
  EXPECT_THAT(spec.hooks, ElementsAre(HookSpec{false, true, "", "http://a"},
                                      HookSpec{true, false, "mail", ""}));
  EXPECT_EQ(spec.config.at("owner"), "\"me\"");
  EXPECT_EQ(spec.config.at("n"), R"([1,{"a":null}])");
  EXPECT_EQ(spec.tasks.at(0).name, "t");
  EXPECT_TRUE(ValidateWorkflowSpec(spec, nullptr).ok());
}

TEST(WorkflowYamlTest, ReadsEveryMemberOfATask) {
  const TaskSpec task = OneTask(R"(
    env: {A: 1, B: 'x'}, env_file: [a.env, ~/b.env], on_alive: queue, max_pending_starts: 7, optional: true, stop_grace: 5,
    retries: 3, retry_delay: 250ms, retry_exponential_backoff: true, max_retry_delay: 1m,
    execution_timeout: 1h30m, queue_timeout: 1d, start_timeout: 0.5,
    periodic_expression: 'cron@0 9 * * *', overlap: skip, catchup: none, pool: gpu, pool_slots: 2,
    priority: -1)");
  EXPECT_EQ(task.op, OperatorKind::kBash);
  EXPECT_EQ(task.command, "x");
  EXPECT_EQ(task.env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "x"}}));
  EXPECT_EQ(task.env_files, (std::vector<std::string>{"a.env", "~/b.env"}));
  EXPECT_EQ(task.on_alive, OnAlive::kQueue);
  EXPECT_EQ(task.max_pending_starts, 7);
  EXPECT_TRUE(task.optional);
  EXPECT_EQ(task.stop_grace, Millis(5000));
  EXPECT_EQ(task.retry, (RetrySpec{3, Millis(250), true, Millis(60'000)}));
  EXPECT_EQ(task.execution_timeout, Millis(5'400'000));
  EXPECT_EQ(task.queue_timeout, Millis(86'400'000));
  EXPECT_EQ(task.start_timeout, Millis(500));
  EXPECT_EQ(task.periodic, "cron@0 9 * * *");
  EXPECT_EQ(task.overlap, Overlap::kSkip);
  EXPECT_EQ(task.catchup, CatchUp::kNone);
  EXPECT_EQ(task.pool, "gpu");
  EXPECT_EQ(task.pool_slots, 2);
  EXPECT_EQ(task.priority, -1);
}

TEST(WorkflowYamlTest, OneFileOfVariablesNeedsNoList) {
  EXPECT_EQ(OneTask("env_file: secrets.env").env_files, (std::vector<std::string>{"secrets.env"}));
}

TEST(WorkflowYamlTest, TasksAreAMappingOrAList) {
  const WorkflowSpec spec = One("{name: w, tasks: [{name: a, bash: x}, {name: b, empty: true}]}");
  ASSERT_EQ(spec.tasks.size(), 2U);
  EXPECT_EQ(spec.tasks[0].name, "a");
  EXPECT_EQ(spec.tasks[1].op, OperatorKind::kEmpty);
}

TEST(WorkflowYamlTest, RulesKeepTheOrderOfTheFile) {
  const TaskSpec task = OneTask(R"(
    stop_on: enough, start_after: u, restart_on: [a, b],
    rules: [{action: START, condition: c}, {action: STOP, condition: {event: d}}])");
  ASSERT_EQ(task.rules.size(), 6U);
  EXPECT_EQ(task.rules[0].action, TaskAction::kStop);
  EXPECT_EQ(task.rules[0].condition.key, "enough");
  EXPECT_EQ(task.rules[1].action, TaskAction::kStart);
  EXPECT_EQ(task.rules[1].condition.kind, ConditionKind::kAllTaskStatus);
  EXPECT_EQ(task.rules[1].condition.children.at(0).task, "u");
  EXPECT_EQ(task.rules[2].action, TaskAction::kRestart);
  EXPECT_EQ(task.rules[3].condition.key, "b");
  EXPECT_EQ(task.rules[4].condition.key, "c");
  EXPECT_EQ(task.rules[5].condition.key, "d");
}

TEST(WorkflowYamlTest, EventsAreFilteredByTextAndByPointers) {
  EXPECT_EQ(OneCondition("k").key, "k");
  const ConditionSpec leaf = OneCondition(
      "{event: k, scope: namespace, sender: [me, you], value: {min: 1, max: 2.5}, "
      "context: {/a/b: 3, '': {equals: {x: 1}}, /c: [1, '2'], /d: {one_of: [true]}}}");
  EXPECT_EQ(leaf.key, "k");
  EXPECT_EQ(leaf.scope, EventScope::kNamespace);
  const std::vector<FilterSpec> filters = {
      {FilterField::kSender, {}, {"\"me\"", "\"you\""}, {}, {}},
      {FilterField::kValue, {}, {}, 1.0, 2.5},
      {FilterField::kContext, "/a/b", {"3"}, {}, {}},
      {FilterField::kContext, "", {R"({"x":1})"}, {}, {}},
      {FilterField::kContext, "/c", {"1", "\"2\""}, {}, {}},
      {FilterField::kContext, "/d", {"true"}, {}, {}}};
  EXPECT_EQ(leaf.filters, filters);
}

TEST(WorkflowYamlTest, ConditionsHaveEveryDeclarativeForm) {
  const ConditionSpec all = OneCondition(
      "{name: n, all_of: [k, {any_of: [{task: u, status: FAILED}, "
      "{task: x, workflow: other, namespace: team}]}, {all_task_status: {u: SUCCESS}}]}");
  EXPECT_EQ(all.kind, ConditionKind::kAllOf);
  EXPECT_EQ(all.name, "n");
  ASSERT_EQ(all.children.size(), 3U);
  const ConditionSpec& any = all.children[1];
  EXPECT_EQ(any.kind, ConditionKind::kAnyOf);
  EXPECT_EQ(any.children.at(0).ns, "default");
  EXPECT_EQ(any.children.at(0).workflow, "w");
  EXPECT_EQ(any.children.at(0).status, TaskStatus::kFailed);
  EXPECT_EQ(any.children.at(1).ns, "team");
  EXPECT_EQ(any.children.at(1).workflow, "other");
  EXPECT_EQ(any.children.at(1).status, TaskStatus::kSuccess);
  EXPECT_EQ(all.children[2].kind, ConditionKind::kAllTaskStatus);
  EXPECT_EQ(all.children[2].children.at(0).task, "u");
}

TEST(WorkflowYamlTest, TheNameMayFollowTheTasks) {
  const WorkflowSpec spec =
      One("{tasks: {a: {bash: x}, b: {bash: x, start_after: a}}, namespace: team, name: late}");
  const ConditionSpec& leaf = spec.tasks.at(1).rules.at(0).condition.children.at(0);
  EXPECT_EQ(leaf.ns, "team");
  EXPECT_EQ(leaf.workflow, "late");
}

TEST(WorkflowYamlTest, AFileHoldsSeveralWorkflows) {
  EXPECT_EQ(All("{name: a, tasks: {t: {bash: x}}}\n---\n[{name: b, tasks: {t: {bash: x}}},\n"
                " {name: c, tasks: {t: {bash: x}}}]\n---\n")
                .size(),
            3U);
  EXPECT_THAT(ErrorOf("{name: a, tasks: {t: {bash: x}}}\n---\n{name: a, tasks: {t: {bash: x}}}"),
              HasSubstr("f.yaml:3:1: the workflow default.a is there twice"));
  EXPECT_THAT(ErrorOf("# nothing\n"), HasSubstr("defines no workflow"));
  EXPECT_THAT(ErrorOf("hello"), HasSubstr("a workflow must be a mapping, got \"hello\""));
}

TEST(WorkflowYamlTest, AnchorsAndMergeKeysShareSettings) {
  const WorkflowSpec spec = One(R"(
x-retried: &retried {retries: 3, retry_delay: 1s}
name: w
tasks:
  a: {bash: x, <<: *retried}
  b: {bash: y, <<: *retried, retries: 1}
)");
  EXPECT_EQ(spec.tasks.at(0).retry.retries, 3);
  EXPECT_EQ(spec.tasks.at(1).retry.retries, 1);
  EXPECT_EQ(spec.tasks.at(1).retry.delay, Millis(1000));
}

TEST(WorkflowYamlTest, PlainTextsStayTexts) {
  const WorkflowSpec spec =
      One("{name: 5, tasks: {yes: {bash: true, start_on: 007, env: {A: 1.0}}}}");
  EXPECT_EQ(spec.name, "5");
  EXPECT_EQ(spec.tasks.at(0).name, "yes");
  EXPECT_EQ(spec.tasks.at(0).command, "true");
  EXPECT_EQ(spec.tasks.at(0).rules.at(0).condition.key, "007");
  EXPECT_EQ(spec.tasks.at(0).env.at("A"), "1.0");
}

TEST(WorkflowYamlTest, MistakesAreNamedWithPlaceAndNearestWord) {
  EXPECT_EQ(ErrorOf("name: w\ntasks:\n  t:\n    bash: x\n    retires: 3\n"),
            "f.yaml:5:5: a task has no key \"retires\"; did you mean \"retries\"?");
  EXPECT_EQ(ErrorOf("nam: w\ntasks: {t: {bash: x}}\n"),
            "f.yaml:1:1: a workflow needs the key \"name\"\n"
            "f.yaml:1:1: a workflow has no key \"nam\"; did you mean \"name\"?");
  EXPECT_THAT(TaskError("zzz: 3"), HasSubstr("a task has no key \"zzz\"; it may have name, bash"));
  EXPECT_THAT(TaskError("on_alive: que"),
              HasSubstr("must be one of ignore, queue, restart, got \"que\"; did you mean"));
  EXPECT_THAT(ErrorOf("{name: w, tasks: {train: {bash: x}, b: {bash: x, start_after: [trian]}}}"),
              HasSubstr("this workflow has no task \"trian\"; did you mean \"train\"?"));
  EXPECT_THAT(TaskError("rules: [{action: BEGIN, condition: k}]"),
              HasSubstr("must be one of START, STOP, RESTART"));
}

TEST(WorkflowYamlTest, WhatTheValidatorRefusesHasAPlaceToo) {
  const std::string text =
      "name: w\n"
      "tasks:\n"
      "  a:\n"
      "    bash: x\n"
      "    pool: local\n"
      "  b:\n"
      "    bash: x\n"
      "    start_after: c\n"
      "    start_on:\n"
      "      - {event: \"\"}\n"
      "  c: {bash: x, start_after: d}\n"
      "  d: {bash: x, start_after: c}\n";
  const auto valid = ParseValidWorkflows(text, "f.yaml");
  ASSERT_FALSE(valid.has_value());
  EXPECT_THAT(valid.error().message(), HasSubstr("f.yaml:3:3: task 'a': the pool 'local' is"));
  EXPECT_THAT(valid.error().message(), HasSubstr("f.yaml:10:9: task 'b', rule 2"));
  EXPECT_THAT(valid.error().message(), HasSubstr("f.yaml:11:3: tasks that can never start: 'c'"));
  EXPECT_TRUE(ParseWorkflows(text, "f.yaml").has_value());
}

TEST(WorkflowYamlTest, ACycleIsToldTogetherWithWhatCannotBeRead) {
  const auto valid = ParseValidWorkflows(
      "name: w\n"
      "tasks:\n"
      "- {name: a, bash: x, start_after: [b, trian]}\n"
      "- {name: b, bash: x, start_after: a, retires: 3}\n",
      "f.yaml");
  ASSERT_FALSE(valid.has_value());
  EXPECT_EQ(valid.error().message(),
            "f.yaml:3:39: this workflow has no task \"trian\"\n"
            "f.yaml:4:38: a task has no key \"retires\"; did you mean \"retries\"?\n"
            "f.yaml:3:3: tasks that can never start: 'a', 'b'; cycle: 'a' waits for 'b' waits for "
            "'a'");
}

TEST(WorkflowYamlTest, TypesAreChecked) {
  EXPECT_THAT(TaskError("optional: yes"), HasSubstr("must be true or false, got \"yes\""));
  EXPECT_THAT(TaskError("optional: 'true'"), HasSubstr("must be true or false"));
  EXPECT_THAT(TaskError("retries: 1.5"), HasSubstr("must be an integer, got \"1.5\""));
  EXPECT_THAT(TaskError("priority: 9223372036854775808"), HasSubstr("must be an integer"));
  EXPECT_THAT(TaskError("pool: [a]"), HasSubstr("must be a text, got a list"));
  EXPECT_THAT(TaskError("pool:"), HasSubstr("must be a text, got nothing"));
  EXPECT_THAT(TaskError("env: [A]"), HasSubstr("must be a mapping of variables, got a list"));
  EXPECT_THAT(TaskError("rules: {}"), HasSubstr("must be a list of rules"));
  EXPECT_THAT(TaskError("rules: [{action: START}]"), HasSubstr("needs the key \"condition\""));
  EXPECT_THAT(TaskError("start_on: {event: k, value: {min: low}}"), HasSubstr("must be a number"));
  EXPECT_THAT(TaskError("start_on: {event: k, value: {one_of: []}}"), HasSubstr("list of values"));
  EXPECT_THAT(TaskError("start_on: {event: k, value: {equals: 1, one_of: [2]}}"),
              HasSubstr("not both"));
  EXPECT_THAT(TaskError("start_on: {event: k, context: {/a: 1, b: 2}}"),
              HasSubstr("\"b\" stands among JSON Pointers"));
  EXPECT_THAT(TaskError("start_on: {key: k}"),
              HasSubstr("with one of event, task, all_of, any_of, all_task_status"));
  EXPECT_THAT(TaskError("start_on: {any_of: k}"), HasSubstr("must be a list of conditions"));
  EXPECT_THAT(TaskError("start_on: {all_task_status: [t]}"), HasSubstr("mapping of tasks"));
  EXPECT_THAT(ErrorOf("{name: w, tasks: {t: }}"),
              HasSubstr("a task must be a mapping, got nothing"));
  EXPECT_THAT(ErrorOf("{name: w, tasks: 3}"), HasSubstr("or a list of tasks, got \"3\""));
  EXPECT_THAT(ErrorOf("{name: w, tasks: {t: {bash: x}}, params: [day]}"),
              HasSubstr("must be a mapping of params"));
}

TEST(WorkflowYamlTest, ATaskHasOneNameAndOneKindOfWork) {
  EXPECT_THAT(ErrorOf("{name: w, tasks: {t: {}}}"), HasSubstr("either \"bash: COMMAND\" or"));
  EXPECT_THAT(TaskError("empty: true"), HasSubstr("either \"bash: COMMAND\" or"));
  EXPECT_THAT(ErrorOf("{name: w, tasks: {t: {empty: false}}}"), HasSubstr("leave \"empty\" out"));
  EXPECT_THAT(TaskError("name: u"), HasSubstr("has its name already"));
  EXPECT_THAT(ErrorOf("{name: w, tasks: [{bash: x}]}"), HasSubstr("needs the key \"name\""));
}

TEST(WorkflowYamlTest, DurationsHaveUnitsOrAreSeconds) {
  const auto millis = [](const std::string& text) {
    return OneTask("stop_grace: " + text).stop_grace.count();
  };
  EXPECT_EQ(millis("0"), 0);
  EXPECT_EQ(millis("90"), 90'000);
  EXPECT_EQ(millis("90s"), 90'000);
  EXPECT_EQ(millis("1.5h"), 5'400'000);
  EXPECT_EQ(millis("1d2h3m4s5ms"), 93'784'005);
  EXPECT_EQ(millis("3650d"), limits::kMaxDurationMs);
  for (const char* bad :
       {"''", "-1", "s", "1x", "1 h", "1m1h", "1h1h", "1h30", "1e3", "1..5", "[1]"}) {
    EXPECT_THAT(TaskError("stop_grace: " + std::string(bad)), HasSubstr("must be a duration"))
        << bad;
  }
  EXPECT_THAT(TaskError("stop_grace: 3651d"), HasSubstr("the limit of 3650 days"));
}

TEST(WorkflowYamlTest, ManyMistakesAreCounted) {
  std::string text = "name: w\ntasks:\n";
  for (int i = 0; i < 60; ++i) text += "  t" + std::to_string(i) + ": {bsh: x}\n";
  EXPECT_THAT(ErrorOf(text), HasSubstr("and 70 more problems"));
}

TEST(WorkflowYamlTest, TenThousandTasksAreRead) {
  std::string text = "name: w\ntasks:\n  t0: {bash: echo}\n";
  for (int i = 1; i < 10'000; ++i) {
    text +=
        "  t" + std::to_string(i) + ": {bash: echo, start_after: t" + std::to_string(i - 1) + "}\n";
  }
  const WorkflowSpec spec = One(text);
  EXPECT_EQ(spec.tasks.size(), 10'000U);
  EXPECT_TRUE(ValidateWorkflowSpec(spec, nullptr).ok());
}

}  // namespace
}  // namespace aiflow::yaml
