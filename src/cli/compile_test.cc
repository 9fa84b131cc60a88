#include "cli/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

using testing::HasSubstr;
constexpr std::chrono::seconds kLong{60};

TEST(RunProcess, CollectsBothStreamsAndTheExitCode) {
  const auto output = RunProcess({"sh", "-c", "echo out; echo err >&2; exit 3"}, kLong);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST(RunProcess, TakesMoreOutputThanAPipeHolds) {
  const auto output =
      RunProcess({"sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"}, kLong);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out.size(), 3'000'000u);
  EXPECT_EQ(output->err.size(), 3'000'000u);
}

TEST(RunProcess, WordsAreNotReadByAShell) {
  const auto output = RunProcess({"echo", "$HOME; exit 1"}, kLong);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "$HOME; exit 1\n");
}

TEST(RunProcess, KillsWhatTakesTooLong) {
  const auto output = RunProcess({"sleep", "1000"}, std::chrono::milliseconds(50));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), Code::kDeadlineExceeded);
}

TEST(RunProcess, SaysWhichProgramIsMissing) {
  const auto output = RunProcess({"/nowhere/program"}, kLong);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), Code::kNotFound);
  EXPECT_THAT(output.error().message(), HasSubstr("/nowhere/program"));
}

TEST(ParseCompilerOutput, ReadsWorkflowsAndWarnings) {
  const auto compiled = ParseCompilerOutput(
      R"({"workflows": [{"spec": {"name": "w"}, "content": "source", "pickled_workflow": "AP8B"}],
          "warnings": ["two start_after"]})");
  ASSERT_TRUE(compiled) << compiled.error();
  ASSERT_EQ(compiled->workflows.size(), 1u);
  EXPECT_EQ(compiled->workflows[0].spec_json(), R"({"name":"w"})");
  EXPECT_EQ(compiled->workflows[0].content(), "source");
  EXPECT_EQ(compiled->workflows[0].pickled_workflow(), std::string("\0\xff\x01", 3));
  EXPECT_EQ(compiled->warnings, std::vector<std::string>{"two start_after"});
}

TEST(ParseCompilerOutput, RefusesWhatIsNoCompilerOutput) {
  for (const char* text : {"", "hello", "[]", "{}", R"({"workflows": [{}]})",
                           R"({"workflows": [{"spec": {}, "pickled_workflow": "?"}]})"}) {
    EXPECT_FALSE(ParseCompilerOutput(text)) << text;
  }
  const auto none = ParseCompilerOutput(R"({"workflows": []})");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message(), "the file defines no workflow");
}

class CompileTest : public testing::Test {
 protected:
  TempDirForTest dir_;
};

TEST_F(CompileTest, ADirectoryIsNoWorkflowFileAndTheMessageSaysSo) {
  const auto compiled = CompileWorkflowFile(dir_.path(), "unused");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(
      compiled.error().message(),
      testing::StartsWith(dir_.path().string() + ": is a directory; name the workflow file"));
}

TEST_F(CompileTest, ProgramsCompileThemselves) {
  const auto file = dir_.WriteScript(
      "flow", R"([ "$*" = --aiflow-compile ] && echo '{"workflows": [{"spec": {}}]}')");
  const auto compiled = CompileWorkflowFile(file, "unused");
  ASSERT_TRUE(compiled) << compiled.error();
}

TEST_F(CompileTest, PythonFilesAreCompiledByTheInterpreter) {
  const auto python =
      dir_.WriteScript("python", R"([ "$1 $2 $3" = "-m ai_flow.host compile" ] && [ -f "$4" ] &&
                   echo '{"workflows": [{"spec": {}}]}')");
  const auto compiled = CompileWorkflowFile(dir_.Write("flow.py", "x"), python.string());
  ASSERT_TRUE(compiled) << compiled.error();
}

TEST_F(CompileTest, FailuresAreOneParagraphInTheCompilersWords) {
  const auto file = dir_.WriteScript("flow", "echo 'line 3: no\n\nsuch task' >&2; exit 1");
  const auto compiled = CompileWorkflowFile(file, "unused");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(compiled.error().message(),
            "cannot compile " + file.string() + ": line 3: no\nsuch task");
}

TEST_F(CompileTest, MissingInterpretersSayWhatToSet) {
  const auto compiled = CompileWorkflowFile(dir_.Write("flow.py", "x"), "/nowhere/python");
  ASSERT_FALSE(compiled);
  EXPECT_THAT(compiled.error().message(), HasSubstr("AIFLOW_PYTHON"));
}

TEST_F(CompileTest, YamlFilesAreReadWithoutARun) {
  const std::string text =
      "name: w\ntasks: {a: {bash: x}}\n---\nname: v\ntasks: {a: {empty: true}}\n";
  for (const char* name : {"flow.yaml", "flow.yml"}) {
    const auto compiled = CompileWorkflowFile(dir_.Write(name, text), "unused");
    ASSERT_TRUE(compiled) << compiled.error();
    ASSERT_EQ(compiled->workflows.size(), 2u);
    EXPECT_THAT(compiled->workflows[1].spec_json(), HasSubstr(R"("name":"v")"));
    EXPECT_EQ(compiled->workflows[1].content(), text);
  }
  const auto file = dir_.Write("bad.yaml", "name: w\ntasks: {a: {bsh: x}}\n");
  const auto refused = CompileWorkflowFile(file, "unused");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr(file.string() + ":2:13: a task has no key"));
}

TEST_F(CompileTest, SpecificationsAreTakenAsTheyAre) {
  const auto compiled = CompileWorkflowFile(
      dir_.Write("spec.json",
                 R"({"version":1,"name":"w","tasks":[{"name":"a","operator":"empty"}]})"),
      "unused");
  ASSERT_TRUE(compiled) << compiled.error();
  EXPECT_THAT(compiled->workflows.at(0).spec_json(), HasSubstr(R"("version":2)"));
  const auto file = dir_.Write("bad.json", R"({"version":1,"name":"w"})");
  const auto refused = CompileWorkflowFile(file, "unused");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr(file.string() + ": workflow specification: $"));
}

TEST_F(CompileTest, OtherFilesAreRefused) {
  const auto compiled = CompileWorkflowFile(dir_.Write("notes.txt", "x"), "unused");
  ASSERT_FALSE(compiled);
  EXPECT_THAT(compiled.error().message(), HasSubstr("notes.txt is no workflow file"));
}

TEST_F(CompileTest, TheInterpreterIsLookedForNearTheProgram) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  const auto aiflow = dir_.path() / "build/dev/bin/aiflow";
  EXPECT_EQ(PythonInterpreter(none, aiflow), "python3");
  const auto python = dir_.Write(".venv/bin/python", "");
  EXPECT_EQ(PythonInterpreter(none, aiflow), python.string());
  const auto venv = [](const std::string& name) {
    return name == "VIRTUAL_ENV" ? std::optional<std::string>("/v") : std::nullopt;
  };
  EXPECT_EQ(PythonInterpreter(venv, aiflow), "/v/bin/python");
  const auto given = [](const std::string& name) {
    return std::optional<std::string>(name == "AIFLOW_PYTHON" ? "/p" : "/v");
  };
  EXPECT_EQ(PythonInterpreter(given, aiflow), "/p");
}

}  // namespace
}  // namespace aiflow::cli
