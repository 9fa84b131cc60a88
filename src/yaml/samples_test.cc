// The converter against the published JSON Schema, the samples that the schema is tested with, and
// the examples of the manual.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/spec_json.h"
#include "yaml/known_keys.h"
#include "yaml/workflow_yaml.h"

namespace aiflow::yaml {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const fs::path kSource = AIFLOW_SOURCE;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<fs::path> Samples(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kSource / "test/yaml" / folder)) {
    files.push_back(entry.path());
  }
  EXPECT_GE(files.size(), 3U);
  std::sort(files.begin(), files.end());
  return files;
}

/// What the converter or the validator says; empty when the file is fine.
std::string Refusal(const std::string& text, const std::string& file) {
  const auto workflows = ParseValidWorkflows(text, file);
  if (!workflows.has_value()) return workflows.error().message();
  for (const WorkflowSpec& spec : *workflows) {
    const Status status = ValidateWorkflowSpec(spec, nullptr);
    if (!status.ok()) return status.message();
    const auto again = ParseWorkflowSpec(FormatWorkflowSpec(spec));
    if (!again.has_value()) return again.error().message();
    EXPECT_EQ(*again, spec);
  }
  return "";
}

TEST(WorkflowYamlSchemaTest, HasTheKeysOfTheConverterAndNoOthers) {
  const Json schema = Json::parse(ReadFile(kSource / "docs/formats/workflow-yaml.schema.json"));
  std::map<std::string, std::vector<std::string>> known = WorkflowKeys();
  known.merge(TaskKeys());
  known.merge(ConditionKeys());
  std::map<std::string, std::vector<std::string>> listed;
  for (const auto& [name, definition] : schema.at("definitions").items()) {
    if (!definition.contains("properties")) continue;
    EXPECT_EQ(definition.value("additionalProperties", Json(true)), Json(false)) << name;
    for (const auto& property : definition["properties"].items()) {
      listed[name].push_back(property.key());
    }
  }
  for (auto& [name, keys] : known) std::sort(keys.begin(), keys.end());
  EXPECT_EQ(listed, known);
}

TEST(WorkflowYamlSamplesTest, GoodOnesAreAccepted) {
  for (const fs::path& path : Samples("good")) {
    EXPECT_EQ(Refusal(ReadFile(path), path.filename().string()), "");
  }
}

// The first line of each is "# error: a part of the message".
TEST(WorkflowYamlSamplesTest, BadOnesAreRefusedForTheirReason) {
  for (const fs::path& path : Samples("bad")) {
    const std::string text = ReadFile(path);
    const std::string expected = text.substr(0, text.find('\n'));
    ASSERT_EQ(expected.rfind("# error: ", 0), 0U) << path;
    EXPECT_THAT(Refusal(text, path.filename().string()), HasSubstr(expected.substr(9))) << path;
  }
}

TEST(WorkflowYamlSamplesTest, ExamplesAreAccepted) {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    EXPECT_EQ(Refusal(ReadFile(entry.path()), entry.path().filename().string()), "");
  }
  EXPECT_GE(count, 1U);
}

TEST(WorkflowYamlSamplesTest, ExamplesOfTheManualAreAccepted) {
  const std::string manual = ReadFile(kSource / "docs/authoring-yaml.md");
  const std::string fence = "```";
  size_t count = 0;
  for (size_t begin = manual.find(fence + "yaml\n"); begin != std::string::npos;
       begin = manual.find(fence + "yaml\n", begin + 1)) {
    const size_t text = begin + fence.size() + 5;
    const std::string example = manual.substr(text, manual.find(fence, text) - text);
    ++count;
    EXPECT_EQ(Refusal(example, "authoring-yaml.md, example " + std::to_string(count)), "");
  }
  EXPECT_GE(count, 3U);
}

}  // namespace
}  // namespace aiflow::yaml
