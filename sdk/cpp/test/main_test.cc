// Runs a real workflow program as the command line and the runner do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "model/spec_json.h"
#include "program_process.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

class CppMainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "aiflow-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::map<std::string, std::string> Env(const std::string& task) const {
    return {{"AIFLOW_NAMESPACE", "default"},
            {"AIFLOW_WORKFLOW", "sample"},
            {"AIFLOW_TASK", task},
            {"AIFLOW_ATTEMPT_KEY", "1-0-1-1"},
            {"AIFLOW_EVENT_KEY", "hour"},
            {"AIFLOW_EVENT_VALUE", "7"},
            {"AIFLOW_RESULT_FILE", dir_ / "result"}};
  }
  std::string Result() const {
    std::stringstream text;
    text << std::ifstream(dir_ / "result").rdbuf();
    return text.str();
  }

  std::filesystem::path dir_;
};

TEST_F(CppMainTest, CompilePrintsAValidSpecificationThatNamesTheProgram) {
  const Process process = Spawn("--aiflow-compile", {});
  const auto printed = nlohmann::json::parse(process.ReadAll());
  EXPECT_EQ(process.Wait(), 0);
  const auto spec = ParseWorkflowSpec(printed.at("workflows").at(0).at("spec").dump());
  ASSERT_TRUE(spec) << spec.error();
  EXPECT_EQ(spec->name, "sample");
  EXPECT_EQ(spec->host.language, "cpp");
  EXPECT_EQ(spec->host.file, std::filesystem::path(program_path).filename());
  EXPECT_TRUE(ValidateWorkflowSpec(*spec, nullptr).ok());
}

TEST_F(CppMainTest, SuccessSeesItsCauseAndWritesItsResult) {
  const Process process = Spawn("--aiflow-run-task", Env("succeed"));
  EXPECT_EQ(process.ReadAll(), "trigger hour=7\n");
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_EQ(Result(), "0\n");
}

TEST_F(CppMainTest, FailureCarriesItsReason) {
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("fail")).Wait(), 1);
  EXPECT_EQ(Result(), "1\nnot enough data\n");
}

TEST_F(CppMainTest, EscapedExceptionIsAFailureWithItsText) {
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("throw")).Wait(), 1);
  EXPECT_EQ(Result(), "1\nexception: boom\n");
}

TEST_F(CppMainTest, UnknownTaskIsAFailureNeverASuccess) {
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("nobody")).Wait(), 2);
  EXPECT_THAT(Result(), HasSubstr("no task sample.nobody"));
}

TEST_F(CppMainTest, SigtermAsksTheFunctionToStopAndItsOwnExitCodeCounts) {
  const Process process = Spawn("--aiflow-run-task", Env("forever"));
  EXPECT_EQ(process.ReadLine(), "waiting");
  kill(process.pid, SIGTERM);
  EXPECT_EQ(process.ReadLine(), "stopped");
  EXPECT_EQ(process.Wait(), 3);
  EXPECT_EQ(Result(), "3\n");
}

TEST_F(CppMainTest, AFailureForGoodHasAnExitCodeOfItsOwn) {
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("give_up")).Wait(), 100);
  EXPECT_EQ(Result(), "100\nbad input\n");
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("fail_for_good")).Wait(), 100);
  EXPECT_EQ(Result(), "100\nno such table\n");
}

TEST_F(CppMainTest, TheContextHasParamsDueTimeAndOutputs) {
  std::ofstream(dir_ / "params") << R"({"day": "monday", "rows": 3, "deep": {"a": [1]}})";
  std::ofstream(dir_ / "outputs") << R"({"extract": "42 rows\n"})";
  std::map<std::string, std::string> env = Env("inputs");
  env["AIFLOW_PARAMS_FILE"] = dir_ / "params";
  env["AIFLOW_OUTPUTS_FILE"] = dir_ / "outputs";
  env["AIFLOW_OUTPUT"] = dir_ / "output";
  env["AIFLOW_DUE_TIME"] = "2024-03-31T01:30:00Z";
  const Process process = Spawn("--aiflow-run-task", env);
  EXPECT_EQ(process.ReadAll(),
            "day=monday rows=3 deep={\"a\":[1]} none=-\ndue=1711848600\nextract=42 rows\n\n");
  EXPECT_EQ(process.Wait(), 0);
  std::stringstream output;
  output << std::ifstream(dir_ / "output").rdbuf();
  EXPECT_EQ(output.str(), "done");
}

TEST_F(CppMainTest, WithoutThemTheContextHasNone) {
  const Process process = Spawn("--aiflow-run-task", Env("inputs"));
  EXPECT_EQ(process.ReadAll(), "day=- rows=- deep=- none=-\nextract=-\n");
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(Result(), HasSubstr("cannot be written"));
}

TEST_F(CppMainTest, AnOperatorStartsAndAwaitsItsEnd) {
  const Process process = Spawn("--aiflow-run-task", Env("short_job"));
  EXPECT_EQ(process.ReadAll(), "job short started\njob short ended\n");
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(CppMainTest, AnOperatorThatCannotStartIsNotAwaited) {
  const Process process = Spawn("--aiflow-run-task", Env("broken_job"));
  EXPECT_EQ(process.ReadAll(), "job broken started\n");
  EXPECT_EQ(process.Wait(), 7);
  EXPECT_EQ(Result(), "7\nno cluster\n");
}

TEST_F(CppMainTest, Rule10SigtermRunsTheStopHookOfAnOperator) {
  const Process process = Spawn("--aiflow-run-task", Env("long_job"));
  EXPECT_EQ(process.ReadLine(), "job long started");
  kill(process.pid, SIGTERM);
  EXPECT_EQ(process.ReadLine(), "job long cancelled");
  EXPECT_EQ(process.ReadLine(), "job long ended");
  EXPECT_EQ(process.Wait(), 128 + SIGTERM);
  EXPECT_EQ(Result(), "143\nstopped\n");
}

TEST_F(CppMainTest, AnOperatorThatGoesOnAfterItsStopHookIsEnded) {
  const Process process = Spawn("--aiflow-run-task", Env("stubborn_job"));
  EXPECT_EQ(process.ReadLine(), "job stubborn started");
  kill(process.pid, SIGTERM);
  EXPECT_EQ(process.ReadLine(), "job stubborn cancelled");
  EXPECT_EQ(process.Wait(), 128 + SIGTERM);
  EXPECT_EQ(Result(), "143\nstopped\n");
}

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  aiflow::program_path = argv[1];
  return RUN_ALL_TESTS();
}
