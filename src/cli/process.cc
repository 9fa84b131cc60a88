#include "cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace aiflow::cli {
namespace {

// Both ends of a pipe; what is left open is closed at the end.
class Pipe {
 public:
  Pipe() { CHECK(pipe2(ends_.data(), O_CLOEXEC) == 0) << strerror(errno); }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void CloseRead() { Close(&ends_[0]); }
  void CloseWrite() { Close(&ends_[1]); }

  /// Appends what is there; closes at the end.
  void ReadInto(std::string* text) {
    std::array<char, 65536> buffer;
    const ssize_t count = read(ends_[0], buffer.data(), buffer.size());
    if (count > 0) {
      text->append(buffer.data(), static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      CloseRead();
    }
  }

 private:
  static void Close(int* fd) {
    if (*fd >= 0) close(std::exchange(*fd, -1));
  }
  std::array<int, 2> ends_{};
};

// 0 or the error of posix_spawnp.
int Spawn(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end(), STDERR_FILENO);
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int error = posix_spawnp(pid, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<ProcessOutput> RunProcess(const std::vector<std::string>& argv,
                                 std::chrono::milliseconds limit) {
  CHECK(!argv.empty());
  Pipe out;
  Pipe err;
  pid_t pid = 0;
  if (const int error = Spawn(argv, out, err, &pid); error != 0) {
    return Error(error == ENOENT ? Code::kNotFound : Code::kFailedPrecondition,
                 "cannot run " + argv[0] + ": " + strerror(error));
  }
  out.CloseWrite();
  err.CloseWrite();

  ProcessOutput output;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  bool late = false;
  while (!late && (out.read_end() >= 0 || err.read_end() >= 0)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> ready = {{{out.read_end(), POLLIN, 0}, {err.read_end(), POLLIN, 0}}};
    const int count =
        poll(ready.data(), ready.size(), static_cast<int>(std::max<int64_t>(left.count(), 0)));
    late = count == 0;
    if (ready[0].revents != 0) out.ReadInto(&output.out);
    if (ready[1].revents != 0) err.ReadInto(&output.err);
  }
  if (late) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) CHECK(errno == EINTR) << strerror(errno);
  if (late) {
    return Error(Code::kDeadlineExceeded,
                 argv[0] + " took longer than " + std::to_string(limit.count() / 1000) + " s");
  }
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace aiflow::cli
