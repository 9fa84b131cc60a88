#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>

/// Processes of the sample program, for tests.
namespace aiflow {

inline std::string program_path;  // set by main

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

/// Starts the program with one argument; `inherited` stays open in it, when it is a descriptor.
inline Process Spawn(const std::string& argument, const std::map<std::string, std::string>& env,
                     int inherited = -1) {
  std::array<int, 2> pipe_ends{};
  EXPECT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], 1);
    if (inherited >= 0) fcntl(inherited, F_SETFD, 0);
    for (const auto& [name, value] : env) setenv(name.c_str(), value.c_str(), 1);
    execl(program_path.c_str(), program_path.c_str(), argument.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  return Process{pid, pipe_ends[0]};
}

}  // namespace aiflow
