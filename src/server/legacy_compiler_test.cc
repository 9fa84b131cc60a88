#include "server/legacy_compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "bundle/extract.h"
#include "bundle/pack.h"
#include "server/host_compiler.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The interpreter is a script of the test's: $3 is the command, $4 the file.
class LegacyCompilerTest : public ::testing::Test {
 protected:
  LegacyCompilerTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-compiler-XXXXXX").string();
    root_ = mkdtemp(name.data());
    bundles_.emplace(root_ / "snapshots", blobs_);
    options_.interpreter = [this]() -> Result<std::string> { return (root_ / "python").string(); };
    options_.environment = {{"PATH", std::getenv("PATH")}, {"ROOT", root_.string()}};
    options_.directory = root_;
  }
  ~LegacyCompilerTest() override {
    compiler_.reset();
    EXPECT_TRUE(bundle::RemoveTree(root_).ok());
  }

  void Interpreter(const std::string& script) {
    Write("python", "#!/bin/bash\n" + script);
    fs::permissions(root_ / "python", fs::perms::owner_all);
  }
  fs::path Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
    return root_ / name;
  }
  std::string Read(const std::string& name) {
    std::ifstream file(root_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  LegacyCompiler& Compiler() {
    if (!compiler_.has_value()) compiler_.emplace(blobs_, *bundles_, options_);
    return *compiler_;
  }

  std::future<Result<api::CompiledRule>> Begin(const std::string& pickled = "rule") {
    auto answer = std::make_shared<std::promise<Result<api::CompiledRule>>>();
    Compiler().Compile(api::PickledRule{pickled, "", ""}, [answer](Result<api::CompiledRule> rule) {
      answer->set_value(std::move(rule));
    });
    return answer->get_future();
  }
  Result<api::CompiledRule> Rule() { return Begin().get(); }
  std::string RuleError(Code code = Code::kFailedPrecondition) {
    const auto rule = Rule();
    EXPECT_FALSE(rule.has_value()) << rule->condition_json;
    if (rule.has_value()) return "";
    EXPECT_EQ(rule.error().code(), code);
    return rule.error().message();
  }

  Result<api::CompiledWorkflow> Workflow(const std::string& uri, const std::string& signature = "",
                                         const std::string& pickled = "\x80\x05.") {
    std::promise<Result<api::CompiledWorkflow>> answer;
    Compiler().Compile(
        api::PickledWorkflow{"default", "w", uri, signature, pickled},
        [&answer](Result<api::CompiledWorkflow> done) { answer.set_value(std::move(done)); });
    return answer.get_future().get();
  }
  std::string WorkflowError(const std::string& uri, const std::string& signature = "") {
    const auto workflow = Workflow(uri, signature);
    EXPECT_FALSE(workflow.has_value()) << workflow->spec_json;
    if (workflow.has_value()) return "";
    EXPECT_EQ(workflow.error().code(), Code::kFailedPrecondition);
    return workflow.error().message();
  }
  /// The archive of a file `flow.py`, at root_/flow.zip.
  fs::path Bundle() {
    const auto packed = PackBundle(Write("flow.py", "# source\n"), {});
    EXPECT_TRUE(packed.has_value());
    return Write("flow.zip", packed->bytes);
  }
  /// Waits for the file and for the end of the process whose number it holds.
  bool EndOfProcessIn(const std::string& file) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      const std::string text = Read(file);
      if (!text.empty() && kill(std::stoi(text), 0) != 0) return true;
      std::this_thread::yield();
    }
    return false;
  }
  void WaitFor(const std::string& file) {
    while (Read(file).empty()) std::this_thread::yield();
  }

  fs::path root_;
  MemoryBlobStore blobs_;
  std::optional<BundleDirectory> bundles_;
  LegacyCompilerOptions options_;
  std::optional<LegacyCompiler> compiler_;
};

constexpr char kSpecOf[] = R"(
cat <<END
{"workflows":[{"spec":{"namespace":"default","name":"other"}},
              {"spec":{"version":2,"namespace":"default","name":"w","host":{"file":"flow.py"}}}]}
END
)";

TEST_F(LegacyCompilerTest, ARuleBecomesWhatACurrentClientSends) {
  Interpreter(R"(
[ "$1 $2 $3" = "-m ai_flow.host compile-rule" ] || exit 9
echo noise >&2
echo "{\"condition\":{\"key\":\"$(cat $4)\"},\"params\":{\"a\":1},\"host\":{\"language\":\"python\"}}")");
  const auto rule = Begin("the rule").get();
  ASSERT_TRUE(rule.has_value()) << rule.error();
  EXPECT_EQ(rule->condition_json, R"({"key":"the rule"})");
  EXPECT_EQ(rule->params_json, R"({"a":1})");
  EXPECT_EQ(rule->host_json, R"({"language":"python"})");
}

TEST_F(LegacyCompilerTest, WhatARuleLacksIsEmpty) {
  Interpreter(R"(echo '{"condition":{"key":"k"},"params":{},"host":null}')");
  const auto rule = Rule();
  ASSERT_TRUE(rule.has_value()) << rule.error();
  EXPECT_EQ(rule->params_json, "");
  EXPECT_EQ(rule->host_json, "");
}

TEST_F(LegacyCompilerTest, ItFailsWithTheLastLineOfStderr) {
  Interpreter("echo Traceback >&2; echo \"ValueError: bad rule\" >&2; exit 1");
  EXPECT_EQ(RuleError(), "ValueError: bad rule");
  Interpreter("echo last words >&2; kill -9 $$");
  EXPECT_EQ(RuleError(), "the compiler failed, it was ended by signal 9: last words");
  Interpreter(R"(printf 'no \xff text\n' >&2; exit 1)");
  EXPECT_EQ(RuleError(), "no \xef\xbf\xbd text");
  Interpreter("exit 3");
  EXPECT_EQ(RuleError(), "the compiler failed, exit code 3");
  Interpreter("exit 0");
  EXPECT_EQ(RuleError(), "the compiler printed nothing");
  Interpreter("echo '[1]'");
  EXPECT_EQ(RuleError(), "the compiler did not print a JSON object");
  Interpreter("echo \"$0: No module named 'ai_flow'\" >&2; exit 1");
  EXPECT_THAT(RuleError(), HasSubstr("set python_executable"));
  fs::remove(root_ / "python");
  EXPECT_THAT(RuleError(Code::kUnavailable), HasSubstr("cannot be started"));
}

TEST_F(LegacyCompilerTest, ItIsKilledWithItsChildrenAtTheTimeLimit) {
  options_.timeout = Millis(300);
  Interpreter("trap '' TERM; sleep 1000 & echo $! > $ROOT/child; echo begun >&2; wait");
  EXPECT_EQ(RuleError(), "compile_timeout: compiling took longer than 300 ms: begun");
  EXPECT_TRUE(EndOfProcessIn("child"));
}

TEST_F(LegacyCompilerTest, ItSeesTheEndOfTheServer) {
  // The pipe is open, and blocks: nothing is read from it within a while.
  Interpreter(R"(
read -t 0.1 -u $AIFLOW_LIFELINE_FD
[ $? -gt 128 ] && echo '{"condition":{}}')");
  const auto rule = Rule();
  EXPECT_TRUE(rule.has_value()) << rule.error();
}

TEST_F(LegacyCompilerTest, WhatItLeavesBehindEndsWithIt) {
  Interpreter(R"(sleep 1000 & echo $! > $ROOT/child; echo '{"condition":{}}')");
  EXPECT_TRUE(Rule().has_value());
  EXPECT_TRUE(EndOfProcessIn("child"));
}

TEST_F(LegacyCompilerTest, TooMuchOutputIsRefused) {
  Interpreter("yes");
  EXPECT_THAT(RuleError(), HasSubstr("more than kMaxSpecBytes"));
  Interpreter(R"(yes | head -c 3000000 >&2; echo '{"condition":{}}')");
  EXPECT_TRUE(Rule().has_value());
}

TEST_F(LegacyCompilerTest, OutputThatNestsWithoutEndIsRefused) {
  Interpreter(R"(
printf '{"condition":'
head -c 1000000 /dev/zero | tr '\0' '['
head -c 1000000 /dev/zero | tr '\0' ']'
echo '}')");
  EXPECT_EQ(RuleError(), "the compiler printed JSON that nests deeper than 200 levels");
}

TEST_F(LegacyCompilerTest, ItsMemoryIsLimited) {
  // The limit comes right after the start.
  Interpreter(R"(
while [ $(ulimit -d) = unlimited ]; do :; done
echo "{\"condition\":{\"kib\":$(ulimit -d)}}")");
  const auto rule = Rule();
  ASSERT_TRUE(rule.has_value()) << rule.error();
  EXPECT_EQ(rule->condition_json, "{\"kib\":" + std::to_string(kMaxCompilerMemory / 1024) + "}");
}

TEST_F(LegacyCompilerTest, MoreThanMayWaitAreRefusedAtOnce) {
  options_.parallel = 1;
  options_.max_waiting = 1;
  Interpreter(
      R"(echo x > $ROOT/begun; while [ ! -e $ROOT/go ]; do :; done; echo '{"condition":{}}')");
  auto first = Begin();
  WaitFor("begun");
  auto second = Begin();
  const auto third = Begin().get();
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(third.error().message(), HasSubstr("wait to be compiled"));
  Write("go", "");
  EXPECT_TRUE(first.get().has_value());
  EXPECT_TRUE(second.get().has_value());
}

TEST_F(LegacyCompilerTest, AStopEndsWhatRunsAndAnswersEveryCall) {
  options_.parallel = 1;
  Interpreter("echo $$ > $ROOT/pid; sleep 1000");
  auto running = Begin();
  auto waiting = Begin();
  WaitFor("pid");
  Compiler().Stop();
  EXPECT_TRUE(EndOfProcessIn("pid"));
  for (auto* call : {&running, &waiting}) EXPECT_EQ(call->get().error().code(), Code::kUnavailable);
  EXPECT_EQ(RuleError(Code::kUnavailable), "the server is stopping");
}

TEST_F(LegacyCompilerTest, AWorkflowIsCompiledFromTheFileOfItsBundle) {
  Interpreter(std::string("[ $3 = compile -a $4 = $PWD/flow.py ] || exit 9\n") + kSpecOf);
  for (const std::string scheme : {"", "file://"}) {
    const auto workflow = Workflow(scheme + Bundle().string());
    ASSERT_TRUE(workflow.has_value()) << workflow.error();
    EXPECT_THAT(workflow->spec_json, AllOf(HasSubstr(R"("name":"w")"), StartsWith("{\"version\"")));
    EXPECT_EQ(workflow->bundle_name, "flow");
    EXPECT_EQ(*blobs_.Get(workflow->bundle_digest), Read("flow.zip"));
    EXPECT_EQ(workflow->bundle_size, static_cast<int64_t>(Read("flow.zip").size()));
  }
}

TEST_F(LegacyCompilerTest, AnArchiveOfAnotherNameHasOneDirectory) {
  Interpreter(kSpecOf);
  Bundle();
  fs::rename(root_ / "flow.zip", root_ / "renamed.zip");
  const auto workflow = Workflow(root_ / "renamed.zip");
  ASSERT_TRUE(workflow.has_value()) << workflow.error();
  EXPECT_EQ(workflow->bundle_name, "flow");
}

TEST_F(LegacyCompilerTest, ABundleThatIsNotTheOneIsRefused) {
  Interpreter(R"(echo '{"workflows":[{"spec":{"namespace":"default","name":"v"}}]}')");
  const std::string uri = Bundle();
  EXPECT_THAT(WorkflowError(uri), EndsWith("file flow.py does not define it, only default.v"));
  EXPECT_THAT(WorkflowError(uri, "0123456789abcdef0123456789ABCDEF"),
              HasSubstr("not the signature"));
  Write("flow.zip", "no archive");
  EXPECT_FALSE(Workflow(uri).has_value());
  Write("main.py", "");
  Write("empty.zip", PackBundle(Write("x.txt", "text"), {})->bytes);
  EXPECT_THAT(WorkflowError(root_ / "empty.zip"), HasSubstr("has no file x/x.py"));
}

TEST_F(LegacyCompilerTest, WithoutItsBundleAWorkflowIsCompiledFromItsPickleWhenItHasNoCode) {
  Interpreter(R"([ $3 = compile-workflow ] || exit 9; echo '{"name":"w"}')");
  const auto workflow = Workflow("/no/such.zip");
  ASSERT_TRUE(workflow.has_value()) << workflow.error();
  EXPECT_EQ(workflow->spec_json, R"({"name":"w"})");
  EXPECT_EQ(workflow->bundle_digest, "");
  Interpreter(R"(echo '{"name":"w","host":{"language":"python"}}')");
  EXPECT_EQ(WorkflowError("/no/such.zip"),
            "it has code to run, but its bundle /no/such.zip cannot be read here: No such file or "
            "directory");
  EXPECT_THAT(WorkflowError("bucket/flow.zip"), HasSubstr("it is no absolute path"));
  EXPECT_THAT(WorkflowError(root_), HasSubstr("it is no file"));
  Interpreter("echo 'ModuleNotFoundError: x' >&2; exit 1");
  EXPECT_THAT(WorkflowError("/no/such.zip"), StartsWith("ModuleNotFoundError: x (compiled from"));
}

TEST_F(LegacyCompilerTest, WhatIsNeitherABundleNorAPickleIsNotCompiled) {
  Interpreter("exit 9");
  for (const std::string pickled : {"", "text"}) {
    const auto workflow = Workflow("/no/such.zip", "md5", pickled);
    ASSERT_TRUE(workflow.has_value()) << workflow.error();
    EXPECT_EQ(workflow->spec_json, "");
  }
}

}  // namespace
}  // namespace aiflow::server
