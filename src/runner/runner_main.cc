// aiflow-runner: the resident supervisor of one node's attempts. Started by the server when its
// home has none; not meant to be started by hand.
//   aiflow-runner --dir DIR [--linger-ms N] [--ready-fd FD] [--foreground]
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "runner/runner_loop.h"

namespace {

constexpr int kUsageError = 2;
constexpr int kOtherRunner = 3;

struct Arguments {
  aiflow::runner::RunnerOptions options;
  int ready_fd = -1;
  bool foreground = false;
};

template <typename T>
bool ParseNumber(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool Parse(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--foreground") {
      arguments->foreground = true;
      continue;
    }
    if (++i == argc) return false;
    const std::string_view value = argv[i];
    if (name == "--dir")
      arguments->options.dir = value;
    else if (name == "--linger-ms" && ParseNumber(value, &arguments->options.linger_ms))
      continue;
    else if (name == "--ready-fd" && ParseNumber(value, &arguments->ready_fd))
      continue;
    else if (name != "--dir")
      return false;
  }
  return arguments->options.dir.starts_with("/");
}

/// Leaves the caller's session and descriptors, so that nothing that happens to it concerns us.
void Detach(int ready_fd) {
  setsid();
  if (fork() != 0) _exit(0);
  const int null_fd = open("/dev/null", O_RDWR);
  dup2(null_fd, STDIN_FILENO);
  dup2(null_fd, STDOUT_FILENO);
  if (ready_fd > STDERR_FILENO) {
    close_range(STDERR_FILENO + 1, static_cast<unsigned>(ready_fd) - 1, 0);
    fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
    close_range(static_cast<unsigned>(ready_fd) + 1, ~0U, 0);
  } else {
    close_range(STDERR_FILENO + 1, ~0U, 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, &arguments)) {
    std::fputs(
        "usage: aiflow-runner --dir /ABSOLUTE [--linger-ms N] [--ready-fd FD] [--foreground]\n",
        stderr);
    return kUsageError;
  }
  if (!arguments.foreground) Detach(arguments.ready_fd);
  aiflow::runner::RunnerLoop loop(arguments.options);
  const aiflow::Status opened = loop.Open();
  if (opened.code() == aiflow::Code::kAlreadyExists) return kOtherRunner;
  if (!opened.ok()) {
    std::fprintf(stderr, "aiflow-runner: %s\n", opened.message().c_str());
    return 1;
  }
  if (arguments.ready_fd > STDERR_FILENO) {
    [[maybe_unused]] const ssize_t ignored = write(arguments.ready_fd, "R", 1);
    close(arguments.ready_fd);
  }
  const aiflow::Status ended = loop.Run();
  if (ended.ok()) return 0;
  std::fprintf(stderr, "aiflow-runner: %s\n", ended.message().c_str());
  return 1;
}
