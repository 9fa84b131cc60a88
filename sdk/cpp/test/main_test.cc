// Runs a real workflow program as the command line and the runner do.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "model/spec_json.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

std::string program_path;

struct Process {
  pid_t pid = 0;
  int output = -1;

  /// Reads up to the next line's end, or to the end of the output.
  std::string ReadLine() const {
    std::string line;
    for (char c = 0; read(output, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  std::string ReadAll() const {
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t n = 0; (n = read(output, buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    return text;
  }
  int Wait() const {
    int status = 0;
    waitpid(pid, &status, 0);
    close(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

Process Spawn(const std::string& argument, const std::map<std::string, std::string>& env) {
  std::array<int, 2> pipe_ends{};
  EXPECT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], 1);
    for (const auto& [name, value] : env) setenv(name.c_str(), value.c_str(), 1);
    execl(program_path.c_str(), program_path.c_str(), argument.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  return Process{pid, pipe_ends[0]};
}

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
  EXPECT_EQ(Spawn("--aiflow-run-task", Env("nobody")).Wait(), 1);
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

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  aiflow::program_path = argv[1];
  return RUN_ALL_TESTS();
}
