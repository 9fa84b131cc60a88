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
     "max_pending_starts": 7, "optional": true, "stop_grace_ms": 5, "env": {"K": "v"},
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
