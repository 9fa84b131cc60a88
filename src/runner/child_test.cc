#include "runner/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "runner/attempt_files.h"
#include "runner/claim.h"

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;

mode_t ModeOf(const fs::path& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
}

TEST(ChildTest, TheCommandHasItsUsersUmaskAndWhatIsMadeForItIsPrivate) {
  std::string pattern = (fs::temp_directory_path() / "child_test.XXXXXX").string();
  const fs::path root = mkdtemp(pattern.data());
  AttemptCommand command;
  command.attempt = "1-0-1-1";
  command.token = "token";
  command.dir = (root / "attempt").string();
  command.working_dir = (root / "work").string();
  command.files = {{"AIFLOW_PARAMS_FILE", "{}"}};
  command.argv = {"bash", "-c", "echo made > file"};
  command.env = {"PATH=/usr/bin:/bin", "AIFLOW_UMASK=0027"};
  std::array<int, 2> pipe_ends{-1, -1};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) RunChild(command, ReadMachineIdentity(), 1024, pipe_ends[1]);
  close(pipe_ends[1]);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  close(pipe_ends[0]);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ModeOf(root / "work" / "file"), 0640U);
  EXPECT_EQ(ModeOf(root / "work"), 0700U);
  EXPECT_EQ(ModeOf(LogPath(command.dir)), 0600U);
  EXPECT_EQ(ModeOf(VariableFile(command.dir, "AIFLOW_PARAMS_FILE")), 0600U);
  fs::remove_all(root);
}

TEST(ChildTest, AttemptWhoseRunnerDiesAtTheClaimRunsAllTheSame) {
  std::string pattern = (fs::temp_directory_path() / "child_test.XXXXXX").string();
  const fs::path root = mkdtemp(pattern.data());
  AttemptCommand command;
  command.attempt = "1-0-1-1";
  command.token = "token";
  command.dir = (root / "attempt").string();
  // SIGPIPE is the default again: `yes` dies of it, and bash sees that.
  command.argv = {"bash", "-c", "yes | head -n 1; exit ${PIPESTATUS[0]}"};
  command.env = {"PATH=/usr/bin:/bin"};

  std::array<int, 2> pipe_ends{-1, -1};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  close(pipe_ends[0]);  // the runner is gone
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) RunChild(command, ReadMachineIdentity(), 1024, pipe_ends[1]);
  close(pipe_ends[1]);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGPIPE);
  std::ifstream log(LogPath(command.dir));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "y\n");
  const Result<ClaimRecord> claim = ReadClaim(command.dir);
  ASSERT_TRUE(claim.has_value()) << claim.error();
  EXPECT_EQ(claim->claim.pid, pid);
  fs::remove_all(root);
}

}  // namespace
}  // namespace aiflow::runner
