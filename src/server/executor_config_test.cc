#include "server/executor_config.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace aiflow::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr char kFar[] = R"(
task_executor: far
executors:
  far:
    command: [python3, '{AIFLOW_HOME}/far.py', --port, 0123, "a b"]
    parallelism: 8
    config:
      hosts: [build7, build8]
      port: 22
      quoted: "22"
      strict: true
      nothing: ~
      key: ${AIFLOW_EXECUTOR_CONFIG_TEST}/id_ed25519
      deep: {ratio: 0.5, version: 1.2.3}
    env: {LEVEL: 010, NAME: "it's"}
  near: {command: [/opt/near]}
)";

Config Read(const std::string& text) {
  Result<Config> config = ParseConfig(text, "/h");
  EXPECT_TRUE(config.has_value()) << config.error().message();
  return config.has_value() ? *config : Config();
}

std::string Refusal(const std::string& text) {
  const Result<Config> config = ParseConfig(text, "/h");
  EXPECT_FALSE(config.has_value()) << text;
  return config.has_value() ? "" : config.error().message();
}

TEST(ExecutorConfigTest, WithoutAnyTheLocalOneIsTheDefault) {
  for (const char* text : {"", "executors:", "executors: {}", "task_executor: LOCAL"}) {
    const Config config = Read(text);
    EXPECT_THAT(PluginExecutors(config, "/h"), IsEmpty());
    EXPECT_EQ(DefaultExecutor(config), "local");
    const auto every = EveryExecutor(config, "/h");
    ASSERT_EQ(every.size(), 1U);
    EXPECT_EQ(every[0].name, "local");
    EXPECT_EQ(every[0].parallelism, 100);
  }
}

TEST(ExecutorConfigTest, ValuesKeepTheirTypesAndWhatStandsInThemIsReplaced) {
  setenv("AIFLOW_EXECUTOR_CONFIG_TEST", "/keys/with\"quote", 1);
  const Config config = Read(kFar);
  const auto executors = PluginExecutors(config, "/h");
  ASSERT_EQ(executors.size(), 2U);
  const ExecutorConfig& far = executors[0];
  EXPECT_EQ(far.name, "far");
  EXPECT_THAT(far.command, ElementsAre("python3", "/h/far.py", "--port", "0123", "a b"));
  EXPECT_EQ(far.parallelism, 8);
  EXPECT_EQ(far.config,
            R"({"deep":{"ratio":0.5,"version":"1.2.3"},"hosts":["build7","build8"],)"
            R"("key":"/keys/with\"quote/id_ed25519","nothing":null,"port":22,"quoted":"22",)"
            R"("strict":true})");
  EXPECT_THAT(far.env, ElementsAre(Pair("LEVEL", "010"), Pair("NAME", "it's")));
  EXPECT_EQ(executors[1].parallelism, 100);
  EXPECT_EQ(executors[1].config, "{}");
  EXPECT_EQ(DefaultExecutor(config), "far");
  const auto every = EveryExecutor(config, "/h");
  ASSERT_EQ(every.size(), 3U);
  EXPECT_EQ(every[1].name, "far");
  EXPECT_EQ(every[1].setting, "executors.far.parallelism");
}

TEST(ExecutorConfigTest, WhatIsShownIsOneLineThatMeansTheSame) {
  const Config config = Read(kFar);
  const std::string shown = *ConfigValue(config, "executors");
  EXPECT_EQ(shown.find('\n'), std::string::npos);
  const Config again = Read("task_executor: far\nexecutors: " + shown);
  EXPECT_EQ(again.executors, config.executors);
  EXPECT_EQ(PluginExecutors(again, "/h")[0].config, PluginExecutors(config, "/h")[0].config);
}

TEST(ExecutorConfigTest, AVariableHoldsTheSameYaml) {
  Config config = Read("");
  ASSERT_EQ(
      OverrideConfig({{"AIFLOW__SERVER__EXECUTORS", "{far: {command: [far]}}"}}, "/h", &config),
      Status::Ok());
  EXPECT_EQ(PluginExecutors(config, "/h").at(0).name, "far");
  EXPECT_THAT(OverrideConfig({{"AIFLOW__SERVER__EXECUTORS", "{far: 1"}}, "/h", &config).message(),
              HasSubstr("AIFLOW__SERVER__EXECUTORS: key [executors] is no YAML"));
}

TEST(ExecutorConfigTest, WrongSettingsAreNamed) {
  EXPECT_THAT(Refusal("executors: far"), HasSubstr("[executors] must be a map of names"));
  EXPECT_THAT(Refusal("executors: {far: 1}"), HasSubstr("[executors.far] must be a map"));
  EXPECT_THAT(Refusal("executors: {far: {}}"), HasSubstr("[executors.far.command] is missing"));
  EXPECT_THAT(Refusal("executors: {far: {command: []}}"), HasSubstr("command] is missing"));
  EXPECT_THAT(Refusal("executors: {far: {command: python3 far.py}}"),
              HasSubstr("[executors.far.command] must be a list of words"));
  EXPECT_THAT(Refusal("executors: {far: {command: [a, [b]]}}"), HasSubstr("a list of words"));
  EXPECT_THAT(Refusal("executors: {far: {command: [a], paralelism: 3}}"),
              HasSubstr("[executors.far.paralelism] is unknown; did you mean parallelism?"));
  for (const char* number : {"0", "-1", "many", "1.5", "100001", "[1]"}) {
    EXPECT_THAT(
        Refusal("executors: {far: {command: [a], parallelism: " + std::string(number) + "}}"),
        HasSubstr("[executors.far.parallelism] must be a whole number from 1 to 100000"));
  }
  EXPECT_THAT(Refusal("executors: {far: {command: [a], config: [1]}}"),
              HasSubstr("[executors.far.config] must be a map"));
  EXPECT_THAT(Refusal("executors: {far: {command: [a], env: {A: [1]}}}"),
              HasSubstr("[executors.far.env.A] must be a text"));
  EXPECT_THAT(Refusal("executors: {far: {command: [a], env: {AIFLOW_EXECUTOR_NAME: x}}}"),
              HasSubstr("AIFLOW_EXECUTOR_... are the server's"));
  EXPECT_THAT(
      Refusal("executors: {far: {command: [a], config: {x: " + std::string(70'000, 'x') + "}}}"),
      HasSubstr("larger than 64 KiB"));
}

TEST(ExecutorConfigTest, NamesAreThoseOfPoolsAndFiles) {
  EXPECT_THAT(Refusal("executors: {Local: {command: [a]}}"),
              HasSubstr("names Local, which is the executor of this machine"));
  for (const char* name : {"'a b'", "../x", ".x", "x.", "'a/b'", "\"\\u00fc\"", "''"}) {
    EXPECT_THAT(Refusal("executors: {" + std::string(name) + ": {command: [a]}}"),
                HasSubstr("[executors] has the name"))
        << name;
  }
  EXPECT_THAT(Refusal("executors: {far: {command: [a]}, FAR: {command: [b]}}"),
              HasSubstr("names FAR twice"));
}

TEST(ExecutorConfigTest, TheDefaultHasToBeThere) {
  EXPECT_THAT(Refusal("task_executor: kubernetes"),
              HasSubstr("is kubernetes, but this version knows Local only"));
  EXPECT_THAT(Refusal("task_executor: fra\nexecutors: {far: {command: [a]}, b: {command: [b]}}"),
              HasSubstr("is fra, but must be Local or one of `executors`: far, b"));
}

}  // namespace
}  // namespace aiflow::server
