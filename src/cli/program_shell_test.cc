// The built program among others: in shells that complete, in pipes, under Ctrl-C, and beside the
// documents that are made from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/process.h"
#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

bool IsInstalled(const std::string& program) {
  const auto output = RunProcess({program, "--version"}, std::chrono::seconds(60));
  return output && output->exit_code == 0;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// A port of this machine where nobody answers: connections stay half made.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPort() { close(fd_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  std::string port() const { return std::to_string(port_); }
  std::string address() const { return "127.0.0.1:" + port(); }

 private:
  const int fd_;
  int port_ = 0;
};

class ProgramShellTest : public testing::Test {
 protected:
  ProgramShellTest() { std::filesystem::create_symlink(AIFLOW_PROGRAM, home_.path() / "aiflow"); }
  /// `script` finds the program as $1 and as `aiflow` in PATH, and its home as AIFLOW_HOME.
  ProcessOutput Shell(const std::string& shell, const std::vector<std::string>& options,
                      const std::string& script) {
    const std::string dir = home_.path().string();
    std::vector<std::string> argv = {"env", "AIFLOW_HOME=" + dir, "HOME=" + dir,
                                     "PATH=" + dir + ":" + getenv("PATH"), shell};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.insert(argv.end(), {"-c", script});
    auto output = RunProcess(argv, std::chrono::seconds(60));
    EXPECT_TRUE(output) << output.error();
    return *output;
  }
  ProcessOutput Bash(const std::string& script) {
    return Shell("bash", {"--norc", "--noprofile"}, script);
  }
  /// What bash puts into COMPREPLY for the words, of which the last is half typed.
  std::string BashCompletes(const std::string& words) {
    const ProcessOutput output = Bash("source <(aiflow completion bash) && COMP_WORDS=(" + words +
                                      ") && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _aiflow && "
                                      "printf '%s\\n' \"${COMPREPLY[@]}\"");
    EXPECT_THAT(output.err, IsEmpty());
    return output.out;
  }

  TempDirForTest home_;
};

TEST_F(ProgramShellTest, BashCompletesCommandsOptionsAndValues) {
  EXPECT_EQ(BashCompletes("aiflow names"), "namespace\n");
  EXPECT_EQ(BashCompletes("aiflow server st"), "start\nstop\n");
  EXPECT_EQ(BashCompletes("aiflow workflow list --nam"), "--namespace\n");
  EXPECT_EQ(BashCompletes("aiflow workflow list -o ''"), "table\njson\nyaml\nplain\nwide\n");
  EXPECT_EQ(BashCompletes("aiflow workflow list --output = y"), "yaml\n");
  EXPECT_EQ(BashCompletes("aiflow config list --color o"), "on\noff\n");
}

TEST_F(ProgramShellTest, BashKnowsTheFunctionOfTheProgram) {
  EXPECT_EQ(Bash("source <(aiflow completion bash) && complete -p aiflow").out,
            "complete -F _aiflow aiflow\n");
}

TEST_F(ProgramShellTest, CompletionDoesNotWaitForAServer) {
  const SilentPort silent;
  home_.Write("server.json", R"({"server_uri": ")" + silent.address() + "\"}");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(BashCompletes("aiflow workflow show o"), "\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20))
      << "a call without a limit of its own takes thirty";
}

TEST_F(ProgramShellTest, ZshCompletes) {
  if (!IsInstalled("zsh")) GTEST_SKIP() << "zsh is not installed";
  const ProcessOutput output = Shell(
      "zsh", {"-f"},
      "compdef() { }; _describe() { print -l -- \"${(@P)2}\"; }; source <(aiflow completion zsh); "
      "words=(aiflow workf); CURRENT=2; _aiflow; words=(aiflow workflow list -o ''); CURRENT=5; "
      "_aiflow");
  EXPECT_THAT(output.err, IsEmpty());
  EXPECT_THAT(output.out, AllOf(StartsWith("workflow:Workflows\nworkflow-execution:"),
                                HasSubstr("\ntable:\njson:\n")));
}

TEST_F(ProgramShellTest, FishCompletes) {
  if (!IsInstalled("fish")) GTEST_SKIP() << "fish is not installed";
  const ProcessOutput output = Shell("fish", {"--no-config"},
                                     "aiflow completion fish | source; complete -C 'aiflow names'; "
                                     "complete -C 'aiflow workflow list -o '");
  EXPECT_THAT(output.err, IsEmpty());
  EXPECT_THAT(output.out, AllOf(StartsWith("namespace\tNamespaces of"), HasSubstr("\ntable\n"),
                                HasSubstr("\nwide\n")));
}

TEST_F(ProgramShellTest, TheManualHasNoFaultsOfLayout) {
  if (!IsInstalled("groff")) GTEST_SKIP() << "groff is not installed";
  const ProcessOutput output = Bash(
      "cd && aiflow man --all pages && cd pages && ls | wc -l && "
      "groff -man -ww -z -Tutf8 *.1 2>&1");
  EXPECT_EQ(output.exit_code, 0) << output.out;
  EXPECT_EQ(std::count(output.out.begin(), output.out.end(), '\n'), 1) << output.out;
  EXPECT_GT(std::stoi(output.out), 70);
}

TEST_F(ProgramShellTest, TheReferenceIsFresh) {
  const ProcessOutput output = Bash("aiflow man --markdown");
  EXPECT_TRUE(output.out == ReadFile(AIFLOW_SOURCE "/docs/cli-reference.md"))
      << "docs/cli-reference.md is not what the program prints now; run 'aiflow man --markdown > "
         "docs/cli-reference.md'";
}

TEST_F(ProgramShellTest, TheTableOfExitCodesIsTheOneOfTheDocument) {
  std::string table =
      "| Code | Clients | `standalone`, `server start`, `server stop` |\n|---|---|---|\n";
  for (const ExitMeaning& meaning : kExitMeanings) {
    table += "| " + std::to_string(meaning.code) + " | " + std::string(meaning.client) + " | " +
             std::string(meaning.server) + " |\n";
  }
  EXPECT_THAT(ReadFile(AIFLOW_SOURCE "/docs/cli.md"), HasSubstr(table));
}

TEST_F(ProgramShellTest, AClosedPipeEndsItQuietly) {
  const ProcessOutput output = Bash(
      "aiflow man --markdown | head -1; echo ${PIPESTATUS[0]}; trap '' PIPE; "
      "aiflow man --markdown | head -1");
  EXPECT_THAT(output.out, testing::MatchesRegex("# Reference [^\n]*\n(0|141)\n# Reference .*"));
  EXPECT_THAT(output.err, IsEmpty());
}

TEST_F(ProgramShellTest, AFullDiskIsAnError) {
  const ProcessOutput output = Bash("aiflow man --markdown > /dev/full");
  EXPECT_EQ(output.exit_code, kExitError);
  EXPECT_EQ(output.err, "aiflow: cannot write the output; is the disk full?\n");
}

TEST_F(ProgramShellTest, CtrlCEndsItWith130) {
  const SilentPort silent;
  // `timeout` sends the interrupt as a terminal would, once the program has had time to wait.
  const ProcessOutput output =
      Bash("timeout --preserve-status --signal=INT 2 aiflow event listen --notification-server " +
           silent.address());
  EXPECT_EQ(output.exit_code, kExitInterrupted);
  EXPECT_THAT(output.err, Not(HasSubstr("terminate")));
}

TEST_F(ProgramShellTest, NothingIsColouredWithoutATerminal) {
  const ProcessOutput output = Bash("export TERM=xterm; aiflow --help; aiflow workflow lits; true");
  EXPECT_THAT(output.out + output.err, Not(HasSubstr("\x1b")));
}

TEST_F(ProgramShellTest, ADaemonThatDiesIsAnErrorWithItsLastWords) {
  const SilentPort taken;
  ASSERT_EQ(Bash("aiflow db init").exit_code, kExitOk);
  const ProcessOutput output = Bash(
      "aiflow server start -d --notification-port 0 --http-port 0 --internal-rpc-port -1 "
      "--rpc-port " +
      taken.port());
  EXPECT_EQ(output.exit_code, 4);
  EXPECT_THAT(output.err, AllOf(StartsWith("aiflow: the server ended at once; its output is in "),
                                HasSubstr("\n  "), HasSubstr(taken.port())));
  EXPECT_EQ(Bash("aiflow server stop").exit_code, 7);
}

TEST_F(ProgramShellTest, ADaemonIsReadyWhenStartReturns) {
  ASSERT_EQ(Bash("aiflow db init").exit_code, kExitOk);
  const ProcessOutput output = Bash(
      "aiflow server start -d --rpc-port 0 --notification-port 0 --http-port 0 "
      "--internal-rpc-port -1 && aiflow namespace list -o plain; aiflow server stop");
  EXPECT_THAT(output.out, AllOf(StartsWith("AIFlow Server runs in the background (pid "),
                                HasSubstr("\nname     properties\ndefault  {}\n"),
                                HasSubstr(") has stopped.\n")));
  EXPECT_EQ(output.exit_code, kExitOk) << output.err;
}

}  // namespace
}  // namespace aiflow::cli
