#include "model/trigger_params.h"

#include <gmock/gmock.h>

#include "model/limits.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

ParamSpec Param(std::string name, ParamType type, std::string default_json = "") {
  ParamSpec param;
  param.name = std::move(name);
  param.type = type;
  param.default_json = std::move(default_json);
  return param;
}

class TriggerParamsTest : public ::testing::Test {
 protected:
  TriggerParamsTest() {
    event_.offset = 7;
    event_.create_time = Millis(1'700'000'000'000);
    event_.key = "model_ready";
    event_.value = "12";
    event_.context = R"({"model": {"version": 3, "tags": ["a", "b"]}})";
    event_.sender = "trainer";
  }
  static std::string Form(std::string_view mapping) {
    const Result<std::string> parsed = ParseTriggerParams(mapping);
    return parsed.has_value() ? *parsed : "refused: " + parsed.error().message();
  }
  [[nodiscard]] std::string Map(const std::vector<ParamSpec>& params,
                                std::string_view mapping) const {
    const Result<std::string> parsed = ParseTriggerParams(mapping);
    if (!parsed.has_value()) return "refused: " + parsed.error().message();
    const Result<std::string> mapped = MapTriggerParams(*parsed, event_, params);
    return mapped.has_value() ? *mapped : "refused: " + mapped.error().message();
  }
  Event event_;
};

TEST_F(TriggerParamsTest, FieldsOfTheEventAreReadByTheParametersType) {
  const std::vector<ParamSpec> params = {Param("k", ParamType::kString),
                                         Param("n", ParamType::kInteger),
                                         Param("s", ParamType::kString),
                                         Param("o", ParamType::kInteger),
                                         Param("t", ParamType::kNumber),
                                         Param("text", ParamType::kString),
                                         Param("c", ParamType::kJson),
                                         Param("fixed", ParamType::kBoolean),
                                         Param("left", ParamType::kString, "\"default\"")};
  EXPECT_EQ(Map(params, R"({"k": {"field": "key"}, "n": {"field": "value"},
                            "s": {"field": "sender"}, "o": {"field": "offset"},
                            "t": {"field": "create_time"}, "text": {"field": "value"},
                            "c": {"field": "context"}, "fixed": {"value": true}})"),
            R"({"c":{"model":{"tags":["a","b"],"version":3}},"fixed":true,"k":"model_ready",)"
            R"("left":"default","n":12,"o":7,"s":"trainer","t":1700000000000,"text":"12"})");
}

TEST_F(TriggerParamsTest, APointerTakesAPartThatMustHaveTheType) {
  const char* mapping = R"({"v": {"field": "context", "pointer": "/model/version"}})";
  EXPECT_EQ(Map({Param("v", ParamType::kInteger)}, mapping), R"({"v":3})");
  EXPECT_THAT(Map({Param("v", ParamType::kString)}, mapping), HasSubstr("'v' must be a string"));
  EXPECT_EQ(Map({Param("v", ParamType::kJson)}, R"({"v": {"field": "value", "pointer": ""}})"),
            R"({"v":12})");
}

TEST_F(TriggerParamsTest, WhatTheEventLacksIsNamed) {
  const std::vector<ParamSpec> params = {Param("v", ParamType::kInteger, "1")};
  EXPECT_EQ(Map(params, R"({"v": {"field": "context", "pointer": "/model/size"}})"),
            "refused: parameter 'v': the event's context has nothing at \"/model/size\"");
  EXPECT_THAT(Map(params, R"({"v": {"field": "sender"}})"), HasSubstr("the event's sender"));
  event_.context = "no JSON";
  EXPECT_THAT(Map(params, R"({"v": {"field": "context", "pointer": "/a"}})"),
              HasSubstr("the event's context is no JSON"));
  event_.context = std::string(500'000, '[') + std::string(500'000, ']');
  EXPECT_THAT(Map({Param("v", ParamType::kJson)}, R"({"v": {"field": "context", "pointer": ""}})"),
              HasSubstr("nests deeper"));
  EXPECT_THAT(Map({}, R"({"v": {"field": "key"}})"), HasSubstr("declares none"));
}

TEST_F(TriggerParamsTest, AFormThatCannotWorkIsRefused) {
  const std::vector<std::pair<const char*, const char*>> bad = {
      {"[]", "must be a JSON object"},
      {"{", "must be a JSON object"},
      {R"({"a": 1})", "\"a\" must be an object"},
      {R"({"a": {}})", "either \"value\" or \"field\""},
      {R"({"a": {"value": 1, "field": "key"}})", "either \"value\" or \"field\""},
      {R"({"a": {"field": "key", "more": 1}})", "may have"},
      {R"({"a": {"value": 1, "pointer": ""}})", "without a \"field\""},
      {R"({"a": {"field": "time"}})", "none of key"},
      {R"({"a": {"field": 1}})", "none of key"},
      {R"({"a": {"field": "sender", "pointer": "/x"}})", "plain text"},
      {R"({"a": {"field": "value", "pointer": "x"}})", "no JSON Pointer"},
      {R"({"a": {"field": "value", "pointer": 1}})", "no JSON Pointer"},
  };
  for (const auto& [mapping, message] : bad) {
    EXPECT_THAT(Form(mapping), HasSubstr(message)) << mapping;
  }
  EXPECT_THAT(Form(R"({"a": {"value": ")" + std::string(limits::kMaxTriggerBytes, 'x') + "\"}}"),
              HasSubstr("the limit of 65536"));
  EXPECT_THAT(Form(R"({"a": {"field": "value", "pointer": "/)" + std::string(1024, 'x') + "\"}}"),
              HasSubstr("pointer of 1025 bytes, the limit is 1024"));
  EXPECT_EQ(Form("{}"), "");
  EXPECT_EQ(Form(R"({"b": {"pointer": "/x", "field": "value"}, "a": {"value": 1}})"),
            R"({"a":{"value":1},"b":{"field":"value","pointer":"/x"}})");
}

TEST_F(TriggerParamsTest, IsCheckedAgainstWhatTheWorkflowDeclares) {
  const std::vector<ParamSpec> params = {Param("date", ParamType::kString),
                                         Param("rows", ParamType::kInteger, "1")};
  const auto check = [&params](const char* mapping) {
    return CheckTriggerParams(ParseTriggerParams(mapping).value(), params).message();
  };
  EXPECT_EQ(check(R"({"date": {"field": "value"}})"), "");
  EXPECT_EQ(check(R"({"date": {"field": "value"}, "rows": {"field": "offset"}})"), "");
  EXPECT_THAT(check(""), HasSubstr("without default: 'date'"));
  EXPECT_THAT(check(R"({"dat": {"field": "value"}})"), HasSubstr("did you mean 'date'?"));
  EXPECT_THAT(check(R"({"date": {"value": 3}})"), HasSubstr("'date' must be a string"));
}

}  // namespace
}  // namespace aiflow
