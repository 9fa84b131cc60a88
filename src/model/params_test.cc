#include "model/params.h"

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

const std::vector<ParamSpec> kParams = {
    Param("date", ParamType::kString), Param("rows", ParamType::kInteger, "10"),
    Param("rate", ParamType::kNumber, "0.5"), Param("full", ParamType::kBoolean, "false"),
    Param("extra", ParamType::kJson, R"({"b":1,"a":2})")};

std::string Resolved(const std::vector<ParamSpec>& params, std::string_view given) {
  const Result<std::string> resolved = ResolveParams(params, given);
  return resolved.has_value() ? *resolved : "refused: " + resolved.error().message();
}

TEST(ParamsTest, DefaultsAreMergedIntoOneCanonicalObject) {
  EXPECT_EQ(Resolved(kParams, R"({"date": "today", "rows": 3})"),
            R"({"date":"today","extra":{"a":2,"b":1},"full":false,"rate":0.5,"rows":3})");
  EXPECT_EQ(Resolved(kParams, R"({"rows":3,"date":"today"})"),
            Resolved(kParams, R"({"date": "today", "rows": 3})"));
}

TEST(ParamsTest, ValuesMustHaveTheDeclaredType) {
  const auto given = [](const char* member) {
    return Resolved(kParams, std::string(R"({"date":"d",)") + member + "}");
  };
  EXPECT_THAT(given(R"("rows": "3")"), HasSubstr("parameter 'rows' must be an integer of 64 bits"));
  EXPECT_THAT(given(R"("rows": 3.0)"), HasSubstr("got 3.0"));
  EXPECT_THAT(given(R"("rows": 9223372036854775808)"), HasSubstr("'rows'"));
  EXPECT_THAT(given(R"("rows": -9223372036854775808)"), HasSubstr("-9223372036854775808"));
  EXPECT_THAT(given(R"("rows": null)"), HasSubstr("got null"));
  EXPECT_THAT(given(R"("rate": "1")"), HasSubstr("'rate' must be a number"));
  EXPECT_THAT(given(R"("rate": 2)"), HasSubstr(R"("rate":2,)"));
  EXPECT_THAT(given(R"("full": 1)"), HasSubstr("'full' must be true or false"));
  EXPECT_THAT(given(R"("extra": [null])"), HasSubstr(R"("extra":[null])"));
  EXPECT_THAT(Resolved(kParams, R"({"date": 20240101})"), HasSubstr("'date' must be a string"));
  EXPECT_THAT(Resolved(kParams, R"({"date": "a\u0000b"})"), HasSubstr("without NUL"));
}

TEST(ParamsTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(Resolved(kParams, ""), HasSubstr("parameters without default: 'date'"));
  EXPECT_THAT(Resolved({Param("a", ParamType::kString), Param("b", ParamType::kJson)}, "{}"),
              HasSubstr("'a', 'b'"));
}

TEST(ParamsTest, WhatIsNotDeclaredIsRefusedWithTheNearestName) {
  EXPECT_THAT(Resolved(kParams, R"({"date": "d", "row": 3})"),
              HasSubstr("parameter 'row' is not declared by the workflow; did you mean 'rows'?"));
  EXPECT_THAT(Resolved({}, R"({"row": 3})"), HasSubstr("declares none"));
}

TEST(ParamsTest, AWorkflowWithoutParametersHasNone) {
  EXPECT_EQ(Resolved({}, ""), "");
  EXPECT_EQ(Resolved({}, "{}"), "");
}

TEST(ParamsTest, BadTextsAreRefusedInOneLine) {
  for (const std::string bad : {"[1]", "3", "{", "{\"a\":\xff}", "nul\nl"}) {
    const std::string message = Resolved(kParams, bad);
    EXPECT_THAT(message, HasSubstr("parameters must be a JSON object")) << bad;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_FALSE(CheckParams(bad).ok());
  }
  EXPECT_TRUE(CheckParams("").ok());
  EXPECT_TRUE(CheckParams(R"({"any": [1]})").ok());
}

TEST(ParamsTest, SizeAndDepthHaveLimits) {
  const std::string large(limits::kMaxParamsBytes, 'x');
  EXPECT_THAT(Resolved(kParams, R"({"date":")" + large + "\"}"), HasSubstr("the limit is 65536"));
  // Small when given, too large with the defaults.
  const std::vector<ParamSpec> params = {Param("a", ParamType::kString),
                                         Param("b", ParamType::kString, '"' + large + '"')};
  EXPECT_THAT(Resolved(params, R"({"a":"x"})"), HasSubstr("the limit is 65536"));
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_THAT(Resolved(kParams, R"({"extra":)" + deep + "}"), HasSubstr("nested deeper"));
  EXPECT_FALSE(ParamFromText(Param("x", ParamType::kJson), deep).has_value());
}

TEST(ParamsTest, ATextIsReadByTheDeclaredType) {
  const auto read = [](ParamType type, std::string_view text) {
    const Result<std::string> value = ParamFromText(Param("p", type), text);
    return value.has_value() ? *value : "refused: " + value.error().message();
  };
  EXPECT_EQ(read(ParamType::kString, "12"), "\"12\"");
  EXPECT_EQ(read(ParamType::kString, "a \"b\" \xc3\xa4"), "\"a \\\"b\\\" \xc3\xa4\"");
  EXPECT_EQ(read(ParamType::kInteger, "-12"), "-12");
  EXPECT_EQ(read(ParamType::kNumber, "1.5"), "1.5");
  EXPECT_EQ(read(ParamType::kBoolean, "true"), "true");
  EXPECT_EQ(read(ParamType::kJson, "{\"b\": 1}"), "{\"b\":1}");
  EXPECT_THAT(read(ParamType::kInteger, "twelve"), HasSubstr("got twelve"));
  EXPECT_THAT(read(ParamType::kInteger, "1.5"), HasSubstr("refused"));
  EXPECT_THAT(read(ParamType::kInteger, ""), HasSubstr("refused"));
  EXPECT_THAT(read(ParamType::kNumber, "nan"), HasSubstr("refused"));
  EXPECT_THAT(read(ParamType::kNumber, "1e999"), HasSubstr("refused"));
  EXPECT_THAT(read(ParamType::kBoolean, "yes"), HasSubstr("must be true or false"));
  EXPECT_THAT(read(ParamType::kJson, "{"), HasSubstr("refused"));
  EXPECT_THAT(read(ParamType::kString, "\xff"), HasSubstr("refused"));
}

}  // namespace
}  // namespace aiflow
