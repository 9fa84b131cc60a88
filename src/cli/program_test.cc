#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/process.h"
#include "cli/temp_dir_for_test.h"

/// Runs the built program itself: words in, texts and exit codes out.
namespace aiflow::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ProgramTest : public testing::Test {
 protected:
  ProcessOutput Run(const std::vector<std::string>& words) {
    std::vector<std::string> argv = {AIFLOW_PROGRAM, "--home", home_.path().string()};
    argv.insert(argv.end(), words.begin(), words.end());
    auto output = RunProcess(argv, std::chrono::seconds(60));
    EXPECT_TRUE(output) << output.error();
    return *output;
  }

  TempDirForTest home_;
};

TEST_F(ProgramTest, VersionIsOneLine) {
  const ProcessOutput output = Run({"version"});
  EXPECT_EQ(output.exit_code, kExitOk);
  EXPECT_THAT(output.out, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(ProgramTest, HelpNamesEveryGroup) {
  const ProcessOutput output = Run({"--help"});
  EXPECT_EQ(output.exit_code, kExitOk);
  for (const char* name : {"config", "db", "event", "logs", "namespace", "server", "standalone",
                           "task-execution", "version", "why", "workflow", "workflow-execution"}) {
    EXPECT_THAT(output.out, HasSubstr("\n  " + std::string(name) + " "));
  }
}

TEST_F(ProgramTest, HelpShowsTheWholeCommand) {
  EXPECT_THAT(Run({"workflow", "upload", "--help"}).out,
              HasSubstr("Usage: aiflow workflow upload"));
}

TEST_F(ProgramTest, UnknownCommandsAreUsageErrors) {
  const ProcessOutput output = Run({"serve", "start"});
  EXPECT_EQ(output.exit_code, kExitUsage);
  EXPECT_THAT(output.err, HasSubstr("Did you mean 'server'?"));
  EXPECT_THAT(output.out, IsEmpty());
}

TEST_F(ProgramTest, WithoutAServerItSaysHowToStartOne) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // bound, never listening
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  home_.Write("server.json", R"({"server_uri": "127.0.0.1:)" + port + "\"}");
  const ProcessOutput output = Run({"workflow", "list"});
  EXPECT_EQ(output.exit_code, kExitUnavailable);
  EXPECT_THAT(output.err, HasSubstr("127.0.0.1:" + port));
  EXPECT_THAT(output.err, HasSubstr("aiflow standalone"));
  EXPECT_THAT(output.out, IsEmpty());
  close(fd);
}

TEST_F(ProgramTest, ResetAsksUnlessYes) {
  const ProcessOutput output = Run({"db", "reset"});  // stdin is empty
  EXPECT_EQ(output.exit_code, kExitError);
  EXPECT_THAT(output.out,
              HasSubstr("This will drop existing tables if they exist. Proceed? (y/n)"));
}

TEST_F(ProgramTest, DowngradeIsRefusedWithAWayOut) {
  const ProcessOutput output = Run({"db", "downgrade"});
  EXPECT_EQ(output.exit_code, kExitError);
  EXPECT_THAT(output.err, HasSubstr("aiflow db reset"));
}

TEST_F(ProgramTest, ConfigKeysThatDoNotExistAreNamed) {
  const ProcessOutput output = Run({"config", "get-value", "no_such_key"});
  EXPECT_EQ(output.exit_code, kExitNotFound);
  EXPECT_THAT(output.err, HasSubstr("no_such_key"));
}

TEST_F(ProgramTest, ConfigInitWritesOnce) {
  ProcessOutput output = Run({"config", "init"});
  EXPECT_EQ(output.exit_code, kExitOk) << output.err;
  EXPECT_TRUE(std::filesystem::exists(home_.path() / "aiflow_server.yaml"));
  output = Run({"config", "init"});
  EXPECT_EQ(output.exit_code, kExitOk);
  EXPECT_THAT(output.err, HasSubstr("warning"));
  EXPECT_EQ(Run({"config", "get-value", "rpc_port"}).out, "50051\n");
  EXPECT_THAT(Run({"config", "list"}).out, HasSubstr("rpc_port"));
}

TEST_F(ProgramTest, ConfigShowSaysWhereEachSettingIsFrom) {
  const std::filesystem::path file = home_.Write("aiflow_server.yaml", "rest_port: 8001\n");
  setenv("AIFLOW__SERVER__RPC_PORT", "6000", 1);
  const ProcessOutput plain = Run({"config", "show", "--origin", "-o", "plain"});
  const ProcessOutput json = Run({"config", "show", "-o", "json"});
  const ProcessOutput table = Run({"config", "show"});
  const ProcessOutput value = Run({"config", "get-value", "rpc_port"});
  unsetenv("AIFLOW__SERVER__RPC_PORT");
  EXPECT_EQ(plain.exit_code, kExitOk) << plain.err;
  EXPECT_THAT(plain.out, testing::ContainsRegex("rest_port +8001 +" + file.string()));
  EXPECT_THAT(plain.out, testing::ContainsRegex("rpc_port +6000 +AIFLOW__SERVER__RPC_PORT"));
  EXPECT_THAT(plain.out, testing::ContainsRegex("log_level +info +default"));
  EXPECT_THAT(json.out, HasSubstr(R"({"key": "log_level", "value": "info", "origin": "default"})"));
  EXPECT_THAT(table.out, testing::AllOf(HasSubstr("rpc_port"), HasSubstr("value"),
                                        testing::Not(HasSubstr("origin"))));
  EXPECT_EQ(value.out, "6000\n");
}

TEST_F(ProgramTest, WrongVariablesAreTold) {
  setenv("AIFLOW__SERVER__RPC_PRT", "6000", 1);
  const ProcessOutput output = Run({"config", "show"});
  unsetenv("AIFLOW__SERVER__RPC_PRT");
  EXPECT_EQ(output.exit_code, kExitError);
  EXPECT_THAT(output.err, HasSubstr("AIFLOW__SERVER__RPC_PRT"));
  EXPECT_THAT(output.err, HasSubstr("rpc_port"));
}

}  // namespace
}  // namespace aiflow::cli
