#include "server/background.h"

#include <sys/wait.h>

#include <iostream>
#include <system_error>
#include <thread>

#include "server/complain.h"
#include "server/detached.h"
#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::milliseconds kLookEach{10};

}  // namespace

int StartInBackground(const BackgroundStart& start, pid_t* pid) {
  std::error_code error;
  {
    const PrivateFiles private_files;  // the server itself takes the user's umask along
    std::filesystem::create_directories(start.output.parent_path(), error);
  }
  const std::string output = start.output.string();
  const auto size = std::filesystem::file_size(start.output, error);
  const std::streamoff begin = error ? 0 : static_cast<std::streamoff>(size);
  const Result<pid_t> spawned = SpawnDetached(start.words, output);
  if (!spawned.has_value()) {
    return Complain(start.program, spawned.error().message(), kExitFailure);
  }
  *pid = *spawned;
  const auto end = std::chrono::steady_clock::now() + start.patience;
  while (std::chrono::steady_clock::now() < end) {
    int status = 0;
    if (waitpid(*pid, &status, WNOHANG) == *pid) {
      const bool told = WIFEXITED(status) && WEXITSTATUS(status) != 0;
      return Complain(
          start.program,
          "the server ended at once; its output is in " + output + LastLines(output, begin),
          told ? WEXITSTATUS(status) : kExitFailure);
    }
    if (start.ready(*pid)) return kExitOk;
    std::this_thread::sleep_for(kLookEach);
  }
  return Complain(start.program,
                  "the server is not ready after " + start.patience_text + "; its output is in " +
                      output + LastLines(output, begin),
                  kExitFailure);
}

int EndInBackground(std::string_view program, const std::string& name, pid_t pid, int signal,
                    std::chrono::milliseconds patience) {
  const Status ended = EndProcess(pid, signal, patience);
  if (ended.code() == Code::kNotFound) {
    return Complain(program, "the server (pid " + std::to_string(pid) + ") has just ended",
                    kExitNotRunning);
  }
  if (!ended.ok()) {
    return Complain(program, "cannot stop the server (pid " + std::to_string(pid) + ")",
                    kExitFailure);
  }
  std::cout << name << " (pid " << pid << ") has stopped.\n" << std::flush;
  return kExitOk;
}

}  // namespace aiflow::server
