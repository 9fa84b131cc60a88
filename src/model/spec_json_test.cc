#include "model/spec_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kFull = R"({
  "version": 1, "namespace": "team", "name": "w", "keep_open": true,
  "host": {"language": "python", "file": "w.py", "interpreter": "/usr/bin/python3",
           "version": "3.11", "sdk_version": "0.1.0"},
  "config": {"owner": "me", "n": [1, {"b": 2, "a": 1}]},
  "tasks": [
    {"name": "a", "operator": "bash", "command": "echo", "on_alive": "queue",
     "max_pending_starts": 7, "optional": true, "stop_grace_ms": 5, "env": {"K": "v"}, "env_file": ["a.env", "/b.env"],
     "rules": [
       {"action": "START", "condition": {"type": "event", "key": "k"}},
       {"action": "STOP", "condition": {"type": "all_of", "name": "n", "conditions": [
         {"type": "any_of", "conditions": [{"type": "event", "key": "x"}]},
         {"type": "task_status", "namespace": "team", "workflow": "w", "task": "b",
          "status": "FAILED"}]}},
       {"action": "RESTART", "condition": {"type": "all_task_status", "conditions": [
         {"type": "task_status", "namespace": "team", "workflow": "w", "task": "b",
          "status": "SUCCESS"}]}},
       {"action": "START", "condition": {"type": "custom", "name": "c", "event_keys": ["k"]}}
     ]},
    {"name": "b", "operator": "host"}
  ]})";

std::string ErrorOf(std::string_view json) {
  const Result<WorkflowSpec> spec = ParseWorkflowSpec(json);
  EXPECT_FALSE(spec.has_value());
  return spec.has_value() ? "" : spec.error().message();
}

TEST(SpecJsonTest, ReadsEveryMember) {
  const Result<WorkflowSpec> spec = ParseWorkflowSpec(kFull);
  ASSERT_TRUE(spec.has_value()) << spec.error();
  EXPECT_EQ(spec->ns, "team");
  EXPECT_TRUE(spec->keep_open);
  EXPECT_EQ(spec->host.version, "3.11");
  EXPECT_EQ(spec->config.at("owner"), "\"me\"");
  EXPECT_EQ(spec->config.at("n"), R"([1,{"a":1,"b":2}])");
  ASSERT_EQ(spec->tasks.size(), 2U);
  const TaskSpec& a = spec->tasks[0];
  EXPECT_EQ(a.on_alive, OnAlive::kQueue);
  EXPECT_EQ(a.max_pending_starts, 7);
  EXPECT_TRUE(a.optional);
  EXPECT_EQ(a.stop_grace, Millis(5));
  EXPECT_EQ(a.env.at("K"), "v");
  EXPECT_EQ(a.env_files, (std::vector<std::string>{"a.env", "/b.env"}));
  ASSERT_EQ(a.rules.size(), 4U);
  EXPECT_EQ(a.rules[1].action, TaskAction::kStop);
  EXPECT_EQ(a.rules[1].condition.children[1].status, TaskStatus::kFailed);
  EXPECT_EQ(a.rules[2].condition.kind, ConditionKind::kAllTaskStatus);
  EXPECT_EQ(a.rules[3].condition.event_keys, std::vector<std::string>{"k"});
  EXPECT_EQ(spec->tasks[1].op, OperatorKind::kHost);
}

TEST(SpecJsonTest, DefaultsMayBeLeftOut) {
  const auto spec = ParseWorkflowSpec(
      R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"bash","command":"c"}]})");
  ASSERT_TRUE(spec.has_value()) << spec.error();
  WorkflowSpec expected;
  expected.name = "w";
  expected.tasks.resize(1);
  expected.tasks[0].name = "a";
  expected.tasks[0].command = "c";
  EXPECT_EQ(*spec, expected);
}

TEST(SpecJsonTest, TheCanonicalFormIsAFixedPoint) {
  const auto spec = ParseWorkflowSpec(kFull);
  ASSERT_TRUE(spec.has_value());
  const std::string text = FormatWorkflowSpec(*spec);
  const auto again = ParseWorkflowSpec(text);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(*again, *spec);
  EXPECT_EQ(FormatWorkflowSpec(*again), text);
}

TEST(SpecJsonTest, ErrorsNameThePathAndTheValue) {
  EXPECT_THAT(ErrorOf("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("$ must be an object"));
  EXPECT_THAT(ErrorOf(R"({"name":"w","tasks":[]})"), HasSubstr("lacks the member \"version\""));
  EXPECT_THAT(ErrorOf(R"({"version":3,"name":"w","tasks":[]})"), HasSubstr("got 3"));
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":"w","tasks":[],"color":1})"),
              HasSubstr("unknown member \"color\""));
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":7,"tasks":[]})"),
              HasSubstr("$.name must be a string, got 7"));
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"fish"}]})"),
              HasSubstr("$.tasks[0].operator must be one of bash, host, empty, got \"fish\""));
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"bash",
                 "rules":[{"action":"START","condition":{"type":"event","key":"k","x":1}}]}]})"),
              HasSubstr("$.tasks[0].rules[0].condition has the unknown member \"x\""));
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"bash",
                         "max_pending_starts":1.5}]})"),
              HasSubstr("must be an integer"));
}

TEST(SpecJsonTest, ReadsEveryMemberOfVersionTwo) {
  const auto spec = ParseWorkflowSpec(R"({
    "version": 2, "name": "w", "execution_timeout_ms": 1, "max_active_executions": 2,
    "concurrency": 3, "timezone": "Europe/Berlin",
    "params": [{"name": "day", "type": "integer", "default": 7, "description": "of the month"},
               {"name": "free"}],
    "hooks": [{"on_failure": false, "on_success": true, "url": "http://a"}, {"command": "mail"}],
    "tasks": [{"name": "a", "operator": "empty", "retries": 1, "retry_delay_ms": 2,
      "retry_exponential_backoff": true, "max_retry_delay_ms": 3, "execution_timeout_ms": 4,
      "queue_timeout_ms": 5, "start_timeout_ms": 6, "periodic_expression": "interval@0 0 0 7",
      "overlap": "queue", "catchup": "all", "pool": "gpu", "pool_slots": 8, "priority": -9,
      "rules": [{"action": "START", "condition": {"type": "event", "key": "k",
        "scope": "namespace", "filters": [
          {"field": "context", "pointer": "/p", "equals": {"x": 1}},
          {"field": "value", "one_of": ["a", 2], "min": -1.5, "max": 2},
          {"field": "sender", "equals": "me"}]}}]}]})");
  ASSERT_TRUE(spec.has_value()) << spec.error();
  EXPECT_EQ(spec->execution_timeout, Millis(1));
  EXPECT_EQ(spec->max_active_executions, 2);
  EXPECT_EQ(spec->concurrency, 3);
  EXPECT_EQ(spec->timezone, "Europe/Berlin");
  EXPECT_EQ(spec->params,
            (std::vector<ParamSpec>{{"day", ParamType::kInteger, "7", "of the month"}, {"free"}}));
  EXPECT_EQ(spec->hooks,
            (std::vector<HookSpec>{{false, true, "", "http://a"}, {true, false, "mail", ""}}));
  const TaskSpec& a = spec->tasks.at(0);
  EXPECT_EQ(a.op, OperatorKind::kEmpty);
  EXPECT_EQ(a.retry, (RetrySpec{1, Millis(2), true, Millis(3)}));
  EXPECT_EQ(a.execution_timeout, Millis(4));
  EXPECT_EQ(a.queue_timeout, Millis(5));
  EXPECT_EQ(a.start_timeout, Millis(6));
  EXPECT_EQ(a.periodic, "interval@0 0 0 7");
  EXPECT_EQ(a.overlap, Overlap::kQueue);
  EXPECT_EQ(a.catchup, CatchUp::kAll);
  EXPECT_EQ(a.pool, "gpu");
  EXPECT_EQ(a.pool_slots, 8);
  EXPECT_EQ(a.priority, -9);
  const ConditionSpec& condition = a.rules.at(0).condition;
  EXPECT_EQ(condition.scope, EventScope::kNamespace);
  const std::vector<FilterSpec> filters = {{FilterField::kContext, "/p", {R"({"x":1})"}, {}, {}},
                                           {FilterField::kValue, {}, {"\"a\"", "2"}, -1.5, 2},
                                           {FilterField::kSender, {}, {"\"me\""}, {}, {}}};
  EXPECT_EQ(condition.filters, filters);

  const std::string text = FormatWorkflowSpec(*spec);
  const auto again = ParseWorkflowSpec(text);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(*again, *spec);
  EXPECT_EQ(FormatWorkflowSpec(*again), text);
}

TEST(SpecJsonTest, AFilterHasEitherOneValueOrSome) {
  const auto error_of = [](const std::string& members) {
    const auto condition = ParseCondition(
        R"({"type":"event","key":"k","filters":[{"field":"value",)" + members + "}]}");
    return condition.has_value() ? "" : condition.error().message();
  };
  EXPECT_THAT(error_of(R"("equals":1,"one_of":[2])"), HasSubstr("stands beside equals"));
  EXPECT_THAT(error_of(R"("one_of":[],"min":1)"),
              HasSubstr("$.filters[0].one_of must not be empty"));
  EXPECT_EQ(error_of(R"("one_of":[null])"), "");
}

TEST(SpecJsonTest, ValuesNestedTooDeepAreRefused) {
  const auto with_config = [](size_t depth) {
    return R"({"version":1,"name":"w","tasks":[],"config":{"[\"{":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}}";
  };
  EXPECT_TRUE(ParseWorkflowSpec(with_config(limits::kMaxJsonDepth - 2)).has_value());
  EXPECT_THAT(ErrorOf(with_config(limits::kMaxJsonDepth)), HasSubstr("deeper than 200 levels"));
  EXPECT_THAT(ErrorOf(with_config(1'000'000)), HasSubstr("deeper than 200 levels"));
}

TEST(SpecJsonTest, DeepNestingIsRefusedNotRecursedInto) {
  std::string condition = R"({"type":"event","key":"k"})";
  for (size_t i = 0; i <= limits::kMaxConditionDepth; ++i) {
    condition = R"({"type":"any_of","conditions":[)" + condition + "]}";
  }
  EXPECT_THAT(ErrorOf(R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"bash",
                         "rules":[{"action":"START","condition":)" +
                      condition + "}]}]}"),
              HasSubstr("nested deeper"));
  EXPECT_FALSE(ParseWorkflowSpec(std::string(100'000, '[')).has_value());
}

}  // namespace
}  // namespace aiflow
