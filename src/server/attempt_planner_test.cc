#include "server/attempt_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bundle/pack.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class AttemptPlannerTest : public testing::Test {
 protected:
  AttemptPlannerTest() {
    std::string pattern = (fs::temp_directory_path() / "planner_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    workflow_.id = WorkflowId(1);
    workflow_.ns = "default";
    workflow_.name = "flow";
    snapshot_.id = SnapshotId(1);
    run_.execution_id = ExecutionId(17);
    run_.task_name = "t";
    run_.sequence = 2;
    run_.cause_offset = 9;
    cause_.offset = 9;
    cause_.key = "hour_complete";
    cause_.value = "5";
    spec_.name = "flow";
    spec_.tasks.resize(1);
    spec_.tasks[0].name = "t";
    spec_.tasks[0].command = "exit 3";
    bundles_ = std::make_unique<BundleDirectory>(root_ / "snapshots", blobs_);
  }
  ~AttemptPlannerTest() override {
    // Unpacked bundles are read-only.
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (entry.is_directory()) fs::permissions(entry, fs::perms::owner_all);
    }
    fs::remove_all(root_);
  }

  /// A bundle `flow` that holds a file.
  void Bundle(const std::string& file) {
    const fs::path directory = root_ / "flow";
    fs::create_directories(directory);
    std::ofstream(directory / file) << "content";
    const auto archive = PackBundle(directory / file, {});
    ASSERT_TRUE(archive.has_value()) << archive.error();
    snapshot_.bundle_digest = *blobs_.Put(archive->bytes);
    snapshot_.bundle_name = archive->top_directory;
  }

  Result<AttemptSpec> Plan() {
    snapshot_.spec = std::make_shared<WorkflowSpec>(spec_);
    const auto version_of = [this](const std::string& interpreter) -> Result<std::string> {
      const auto found = pythons_.find(interpreter);
      if (found == pythons_.end()) return Error(Code::kNotFound, interpreter + ": missing");
      return found->second;
    };
    LocalAttemptPlanner planner(Home(root_), {"127.0.0.1:2", "127.0.0.1:1"}, *bundles_,
                                AttemptTokens("secret"), PythonInterpreter("python3", version_of));
    return planner.Plan(workflow_, snapshot_, run_, cause_, inputs_);
  }

  struct Ended {
    int code = 0;        // 128 + signal for a death by signal
    std::string result;  // what it wrote into AIFLOW_RESULT_FILE
    bool operator==(const Ended&) const = default;
  };

  /// Runs `command` as a bash task, with nobody to watch it.
  Ended RunBash(const std::string& command) {
    spec_.tasks[0].command = command;
    Result<AttemptSpec> plan = Plan();
    const fs::path result = root_ / "result";
    fs::remove(result);
    const pid_t pid = fork();
    if (pid == 0) {
      setenv("AIFLOW_RESULT_FILE", result.c_str(), 1);
      std::vector<char*> argv;
      for (std::string& word : plan->argv) argv.push_back(word.data());
      argv.push_back(nullptr);
      execvp(argv[0], argv.data());
      _exit(99);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    Ended ended{.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
    std::ifstream(result) >> ended.result;
    return ended;
  }

  fs::path root_;
  MemoryBlobStore blobs_;
  std::unique_ptr<BundleDirectory> bundles_;
  WorkflowSpec spec_;
  WorkflowRow workflow_;
  SnapshotRow snapshot_;
  TaskExecutionRow run_;
  Event cause_;
  AttemptInputs inputs_;
  std::map<std::string, std::string> pythons_ = {{"python3", "3.11"}};
};

TEST_F(AttemptPlannerTest, ParametersDueTimeAndOutputsReachTheTask) {
  inputs_.params_json = R"({"day":"2026-11-25","n":3,"deep":{"a":[1]}})";
  inputs_.due = Millis(1'711'848'600'250);
  inputs_.outputs = {{"load data", "42 rows"}, {"big", std::string(40'000, 'x')}};
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->env.at("AIFLOW_PARAM_DAY"), "2026-11-25");
  EXPECT_EQ(plan->env.at("AIFLOW_PARAM_N"), "3");
  EXPECT_EQ(plan->env.at("AIFLOW_PARAM_DEEP"), R"({"a":[1]})");
  EXPECT_EQ(plan->files.at("AIFLOW_PARAMS_FILE"), inputs_.params_json);
  EXPECT_EQ(plan->env.at("AIFLOW_DUE_TIME"), "2024-03-31T01:30:00.250Z");
  EXPECT_EQ(plan->env.at("AIFLOW_OUTPUT_LOAD_DATA"), "42 rows");
  EXPECT_FALSE(plan->env.contains("AIFLOW_OUTPUT_BIG"));
  EXPECT_NE(plan->files.at("AIFLOW_OUTPUTS_FILE").find("42 rows"), std::string::npos);
}

TEST_F(AttemptPlannerTest, WithoutInputsNoVariableSpeaksOfThem) {
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  for (const auto& [name, value] : plan->env) {
    EXPECT_FALSE(name.starts_with("AIFLOW_PARAM") || name.starts_with("AIFLOW_OUTPUT")) << name;
  }
  EXPECT_FALSE(plan->env.contains("AIFLOW_DUE_TIME"));
}

TEST_F(AttemptPlannerTest, EnvironmentSaysWhoWhereAndWhy) {
  spec_.tasks[0].env = {{"MINE", "1"}, {"AIFLOW_TASK", "forged"}};
  cause_.context = "{}";
  cause_.sender = "importer";
  cause_.create_time = Millis(1'700'000'000'123);
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  const auto& env = plan->env;
  EXPECT_EQ(env.at("AIFLOW_NAMESPACE"), "default");
  EXPECT_EQ(env.at("AIFLOW_WORKFLOW"), "flow");
  EXPECT_EQ(env.at("AIFLOW_TASK"), "t");
  EXPECT_EQ(env.at("AIFLOW_WORKFLOW_EXECUTION_ID"), "17");
  EXPECT_EQ(env.at("AIFLOW_SEQUENCE_NUMBER"), "2");
  EXPECT_EQ(env.at("AIFLOW_ATTEMPT_KEY"), "17-0-2-1");
  EXPECT_EQ(env.at("AIFLOW_ATTEMPT_TOKEN"), AttemptTokens("secret").TokenOf(run_.attempt()));
  EXPECT_EQ(env.at("AIFLOW_EVENT_KEY"), "hour_complete");
  EXPECT_EQ(env.at("AIFLOW_EVENT_VALUE"), "5");
  EXPECT_EQ(env.at("AIFLOW_EVENT_OFFSET"), "9");
  EXPECT_EQ(env.at("AIFLOW_EVENT_SENDER"), "importer");
  EXPECT_EQ(env.at("AIFLOW_EVENT_CREATE_TIME"), "1700000000123");
  EXPECT_EQ(env.at("AIFLOW_NOTIFICATION_URI"), "127.0.0.1:2");
  EXPECT_EQ(env.at("AIFLOW_SERVER_URI"), "127.0.0.1:1");
  EXPECT_EQ(env.at("AIFLOW_HOME"), root_.string());
  EXPECT_EQ(env.at("MINE"), "1");
  EXPECT_EQ(plan->files.at("AIFLOW_EVENT_CONTEXT_FILE"), "{}");
  EXPECT_EQ(plan->working_dir, (root_ / "working_dir/default/flow/17").string());
  EXPECT_EQ(plan->log_link, (root_ / "logs/default/flow/17/t/2.log").string());
  EXPECT_TRUE(plan->signal_group);
}

TEST_F(AttemptPlannerTest, LargeEventValueGoesToAFile) {
  cause_.value = std::string(65'537, 'x');
  const Result<AttemptSpec> plan = Plan();
  EXPECT_EQ(plan->env.count("AIFLOW_EVENT_VALUE"), 0U);
  EXPECT_EQ(plan->files.at("AIFLOW_EVENT_VALUE_FILE"), cause_.value);
}

TEST_F(AttemptPlannerTest, GoneCauseLeavesItsOffset) {
  cause_ = Event();
  const Result<AttemptSpec> plan = Plan();
  EXPECT_EQ(plan->env.at("AIFLOW_EVENT_OFFSET"), "9");
  EXPECT_EQ(plan->env.count("AIFLOW_EVENT_KEY"), 0U);
}

TEST_F(AttemptPlannerTest, BashTaskWritesItsExitCodeAsItsLastAct) {
  EXPECT_EQ(RunBash("exit 3"), (Ended{3, "3"}));
  EXPECT_EQ(RunBash("true"), (Ended{0, "0"}));
  EXPECT_EQ(RunBash("if true; then exit; fi"), (Ended{0, "0"}));
  EXPECT_EQ(RunBash("finish() { exit 0; }; finish"), (Ended{0, "0"}));
  EXPECT_EQ(RunBash("set -e; false; true"), (Ended{1, "1"}));
  EXPECT_EQ(RunBash("syntax ( error"), (Ended{2, "2"}));
  EXPECT_EQ(RunBash("cat <<END\nwithout an end"), (Ended{0, "0"}));
  EXPECT_EQ(RunBash("true # comment"), (Ended{0, "0"}));
  EXPECT_EQ(RunBash("trap 'exit 0' TERM; kill -TERM $$; false"), (Ended{0, "0"}));
}

// Rule 15: else a task that was stopped or killed while it had no runner would be a SUCCESS.
TEST_F(AttemptPlannerTest, BashTaskKilledByASignalWritesNoSuccess) {
  for (const char* kill :
       {"kill -TERM $$; sleep 5", "(kill -TERM $$; sleep 0.2) | cat",
        "true; { sleep 0.1; kill -HUP $$; } & wait", "eval 'kill -TERM $$' | cat"}) {
    const Ended ended = RunBash(kill);
    EXPECT_GT(ended.code, 128) << kill;
    EXPECT_EQ(ended.result, "") << kill;
  }
}

TEST_F(AttemptPlannerTest, BashTaskSeesItsOwnLinesAndNoArguments) {
  EXPECT_EQ(RunBash("true\n[ $LINENO = 2 ] && [ $0 = bash ] && [ $# = 0 ] && exit 7"),
            (Ended{7, "7"}));
}

TEST_F(AttemptPlannerTest, PythonTaskRunsByTheHostOfItsOwnInterpreter) {
  spec_.tasks[0].op = OperatorKind::kHost;
  spec_.host = {"python", "flow.py", "/usr/bin/python3.11", "3.11", "0.1.0"};
  pythons_["/usr/bin/python3.11"] = "3.11";
  Bundle("flow.py");
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  const std::string file = plan->env.at("AIFLOW_BUNDLE_DIR") + "/flow.py";
  EXPECT_TRUE(fs::exists(file));
  EXPECT_THAT(plan->argv,
              ElementsAre("/usr/bin/python3.11", "-m", "ai_flow.host", "run-task", file));
  EXPECT_FALSE(plan->signal_group);
}

TEST_F(AttemptPlannerTest, ConfiguredPythonStandsInForOneThatIsNotHere) {
  spec_.tasks[0].op = OperatorKind::kHost;
  spec_.host = {"python", "flow.py", "/their/venv/bin/python", "3.11", "0.1.0"};
  Bundle("flow.py");
  EXPECT_EQ(Plan()->argv.front(), "python3");
}

TEST_F(AttemptPlannerTest, OtherPythonVersionIsARefusalThatSaysWhatToSet) {
  spec_.tasks[0].op = OperatorKind::kHost;
  spec_.host = {"python", "flow.py", "/their/python", "3.13", "0.1.0"};
  pythons_["/their/python"] = "3.12";
  Bundle("flow.py");
  const Result<AttemptSpec> plan = Plan();
  EXPECT_EQ(plan.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(plan.error().message(), HasSubstr("/their/python is 3.12, python3 is 3.11"));
  EXPECT_THAT(plan.error().message(), HasSubstr("python_executable"));
}

TEST_F(AttemptPlannerTest, CppTaskRunsItsOwnProgram) {
  spec_.tasks[0].op = OperatorKind::kHost;
  spec_.host = {"cpp", "flow", "", "", "0.1.0"};
  Bundle("flow");
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_THAT(plan->argv,
              ElementsAre(plan->env.at("AIFLOW_BUNDLE_DIR") + "/flow", "--aiflow-run-task"));
}

TEST_F(AttemptPlannerTest, FilesOfVariablesAreReadAnewForEachAttempt) {
  const auto write = [this](const std::string& text) {
    std::ofstream(root_ / "x.env") << text;
    fs::permissions(root_ / "x.env", fs::perms::owner_read | fs::perms::owner_write);
  };
  spec_.tasks[0].env = {{"BOTH", "of the task"}};
  spec_.tasks[0].env_files = {"x.env"};
  write("PASSWORD=hunter22\nBOTH=of the file\n");
  Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->env.at("PASSWORD"), "hunter22");
  EXPECT_EQ(plan->env.at("BOTH"), "of the task");
  EXPECT_THAT(plan->secrets, ElementsAre("hunter22", "of the file"));
  write("PASSWORD=rotated!\n");
  plan = Plan();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->env.at("PASSWORD"), "rotated!");
}

TEST_F(AttemptPlannerTest, FileOfVariablesThatCannotBeUsedRefusesTheAttempt) {
  spec_.tasks[0].env_files = {"missing.env"};
  const Result<AttemptSpec> plan = Plan();
  ASSERT_TRUE(plan.has_value()) << "not an error of the plan: it is claimed and fails";
  EXPECT_THAT(plan->refusal, testing::AllOf(HasSubstr("cannot start: env_file: "),
                                            HasSubstr("missing.env: No such file")));
}

TEST_F(AttemptPlannerTest, MissingFileIsARefusal) {
  spec_.tasks[0].op = OperatorKind::kHost;
  spec_.host = {"cpp", "other", "", "", "0.1.0"};
  Bundle("flow");
  EXPECT_THAT(Plan().error().message(), HasSubstr("other"));
}

TEST(AskPythonVersionTest, ThatWhichIsNoPythonIsAnError) {
  EXPECT_FALSE(AskPythonVersion("/nowhere/python").has_value());
  EXPECT_FALSE(AskPythonVersion("/bin/true").has_value());
}

}  // namespace
}  // namespace aiflow::server
