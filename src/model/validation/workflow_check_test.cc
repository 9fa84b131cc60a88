#include "model/validation/workflow_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"
#include "model/validation/spec_testing.h"

namespace aiflow::validation {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

WorkflowSpec WithParams(std::vector<ParamSpec> params) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = std::move(params);
  return spec;
}

WorkflowSpec WithHook(HookSpec hook) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.hooks.push_back(std::move(hook));
  return spec;
}

TEST(WorkflowCheckTest, TheHostsFileIsInsideTheBundle) {
  WorkflowSpec spec = Workflow({Task("a")});
  for (const char* file : {"", "/etc/passwd", "../w.py", "a/../../w.py"}) {
    spec.host = {"python", file};
    EXPECT_THAT(Refusal(spec), HasSubstr("relative path"));
  }
  spec.host = {"cobol", "w"};
  EXPECT_THAT(Refusal(spec), HasSubstr("cobol"));
}

TEST(WorkflowCheckTest, LimitsAreNotNegative) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.concurrency = -1;
  EXPECT_THAT(Refusal(spec), HasSubstr("concurrency -1 is negative"));
  spec = Workflow({Task("a")});
  spec.max_active_executions = -2;
  EXPECT_THAT(Refusal(spec), HasSubstr("max_active_executions -2 is negative"));
  spec = Workflow({Task("a")});
  spec.execution_timeout = Millis(limits::kMaxDurationMs + 1);
  EXPECT_THAT(Refusal(spec), HasSubstr("workflow: execution_timeout_ms"));
}

TEST(WorkflowCheckTest, TheTimeZoneIsKnown) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.timezone = "Europe/Berlin";
  EXPECT_THAT(Doubts(spec), IsEmpty());
  spec.timezone = "Mars/Olympus";
  EXPECT_THAT(Refusal(spec), HasSubstr("\"Mars/Olympus\" is not known"));
}

TEST(WorkflowCheckTest, ParamNamesBecomeVariables) {
  EXPECT_THAT(Doubts(WithParams({{"a"}, {"_B9"}})), IsEmpty());
  for (const char* bad : {"", "9a", "a-b", "ä", "a b"}) {
    EXPECT_THAT(Refusal(WithParams({{bad}})), HasSubstr("is not a name")) << bad;
  }
  EXPECT_THAT(Refusal(WithParams({{"day"}, {"DAY"}})), HasSubstr("param 'DAY' is there twice"));
}

TEST(WorkflowCheckTest, ParamDefaultsAreOfTheirType) {
  const std::map<ParamType, std::vector<std::string>> good = {
      {ParamType::kString, {"\"\"", "\"x\""}},
      {ParamType::kInteger, {"-3"}},
      {ParamType::kNumber, {"1", "1.5", "1e3"}},
      {ParamType::kBoolean, {"true"}},
      {ParamType::kJson, {"null", "{\"a\":[1]}", "\"x\""}},
  };
  const std::map<ParamType, std::vector<std::string>> bad = {
      {ParamType::kString, {"1", R"("\u0000")"}},
      {ParamType::kInteger, {"1.5", "\"1\"", "9223372036854775808"}},
      {ParamType::kNumber, {"\"1\""}},
      {ParamType::kBoolean, {"1", "null"}},
      {ParamType::kJson, {std::string(200, '[') + std::string(200, ']')}},
  };
  for (const auto& [type, texts] : good) {
    for (const std::string& text : texts) {
      EXPECT_THAT(Doubts(WithParams({{"p", type, text}})), IsEmpty()) << text;
    }
  }
  for (const auto& [type, texts] : bad) {
    for (const std::string& text : texts) {
      EXPECT_THAT(Refusal(WithParams({{"p", type, text}})),
                  HasSubstr("param 'p': the default: parameter"));
    }
  }
  EXPECT_THAT(Refusal(WithParams({{"p", ParamType::kString, "x"}})),
              HasSubstr("the default 'x' is not JSON"));
}

TEST(WorkflowCheckTest, ParamsAreLimited) {
  std::vector<ParamSpec> many;
  for (size_t i = 0; i <= limits::kMaxParams; ++i) many.push_back({"p" + std::to_string(i)});
  EXPECT_THAT(Refusal(WithParams(many)), HasSubstr("201 params are over the limit of 200"));
  const std::string big = "\"" + std::string(limits::kMaxParamsBytes, 'x') + "\"";
  EXPECT_THAT(Refusal(WithParams({{"p", ParamType::kString, big}})), HasSubstr("params have"));
}

TEST(WorkflowCheckTest, AHookIsACommandOrAUrl) {
  EXPECT_THAT(Doubts(WithHook({.command = "mail"})), IsEmpty());
  EXPECT_THAT(Doubts(WithHook({.url = "https://example.org:8080/x?y=1"})), IsEmpty());
  EXPECT_THAT(Refusal(WithHook({})), HasSubstr("hook 1 must have either"));
  EXPECT_THAT(Refusal(WithHook({.command = "mail", .url = "http://a"})),
              HasSubstr("either a command or a url"));
  for (const char* bad : {"ftp://a", "http://", "http:///x", "https://a b", "example.org",
                          "http://a\n", "file:///etc/passwd"}) {
    EXPECT_THAT(Refusal(WithHook({.url = bad})), HasSubstr("is not an http")) << bad;
  }
  EXPECT_THAT(Refusal(WithHook({.url = "http://a/" + std::string(2048, 'x')})),
              HasSubstr("is not an http"));
  EXPECT_THAT(Refusal(WithHook({.on_failure = false, .command = "mail"})),
              HasSubstr("is for nothing"));
}

TEST(WorkflowCheckTest, HooksAreLimited) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.hooks.assign(limits::kMaxHooks + 1, HookSpec{.command = "mail"});
  EXPECT_THAT(Refusal(spec), HasSubstr("21 hooks are over the limit of 20"));
}

TEST(WorkflowCheckTest, ConfigValuesAreJson) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.config["owner"] = "me";
  EXPECT_THAT(Refusal(spec), HasSubstr("config 'owner' is not a JSON value"));
}

TEST(WorkflowCheckTest, ManyProblemsAreCounted) {
  WorkflowSpec spec = Workflow({});
  for (int i = 0; i < 1000; ++i) spec.tasks.push_back(Task("t/" + std::to_string(i)));
  const std::string text = Refusal(spec);
  EXPECT_THAT(text, HasSubstr("'t/49'"));
  EXPECT_THAT(text, HasSubstr("and 950 more problems"));
  EXPECT_THAT(text, Not(HasSubstr("'t/50'")));
}

}  // namespace
}  // namespace aiflow::validation
