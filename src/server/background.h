#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Servers that run in the background, started and stopped by commands. Complaints go to stderr.
namespace aiflow::server {

struct BackgroundStart {
  std::string_view program;        // in whose name to complain
  std::vector<std::string> words;  // the command line of the server
  std::filesystem::path output;    // of what it says; appended, made with its directory
  std::chrono::milliseconds patience{0};
  std::string patience_text;  // "60 s", and which setting it is
  /// Whether the process says that it is ready.
  std::function<bool(pid_t)> ready;
};

/// Returns once the server is ready: kExitOk, and its pid in `pid`; else complains with the last it
/// has said, and returns its exit code.
int StartInBackground(const BackgroundStart& start, pid_t* pid);

/// Sends `signal`, and SIGKILL after `patience`; tells that `name` ("AIFlow Server") has stopped,
/// or complains. Returns an exit code.
int EndInBackground(std::string_view program, const std::string& name, pid_t pid, int signal,
                    std::chrono::milliseconds patience);

}  // namespace aiflow::server
