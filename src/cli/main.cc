#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/command_line.h"

namespace {

using aiflow::cli::Terminal;

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Terminal ThisTerminal() {
  Terminal terminal{.out = std::cout, .err = std::cerr};
  terminal.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  terminal.err_is_terminal = isatty(STDERR_FILENO) != 0;
  terminal.in_is_terminal = isatty(STDIN_FILENO) != 0;
  terminal.colours = terminal.out_is_terminal && !Variable("NO_COLOR") &&
                     Variable("TERM").value_or("dumb") != "dumb";
  winsize size{};
  if (terminal.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
    terminal.height = size.ws_row;
  }
  if (const auto columns = Variable("COLUMNS")) {
    constexpr int kNarrowest = 20;
    constexpr int kWidest = 10'000;
    const int width = std::atoi(columns->c_str());
    if (width >= kNarrowest && width <= kWidest) terminal.width = static_cast<size_t>(width);
  }
  return terminal;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  // A reader that has seen enough (`| head`) ends the program, also where the parent ignores that.
  std::signal(SIGPIPE, SIG_DFL);
  // What goes wrong is said in words of ours; the library's own lines are for who asks for them.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::error_code unknown;
  const aiflow::cli::World world{
      .terminal = ThisTerminal(),
      .in = std::cin,
      .environment = Variable,
      .make_client = aiflow::cli::MakeGrpcClient,
      .make_event_client = aiflow::cli::MakeGrpcEventClient,
      .clock = aiflow::SystemClock(),
      .executable = std::filesystem::read_symlink("/proc/self/exe", unknown),
  };
  const std::vector<std::string> words(argv + 1, argv + argc);
  // One program with two names.
  if (argc > 0 && std::filesystem::path(argv[0]).filename() == "notification") {
    return aiflow::cli::RunNotificationCommandLine(world, words,
                                                   aiflow::cli::AddNotificationCommands);
  }
  return aiflow::cli::RunCommandLine(
      world, words, [](CLI::App& app, aiflow::cli::CommandSlot& slot) {
        aiflow::cli::AddConfigCommands(app, slot);
        aiflow::cli::AddDbCommands(app, slot);
        aiflow::cli::AddDoctorCommand(app, slot);
        aiflow::cli::AddServerCommands(app, slot);
        aiflow::cli::AddTokenCommands(app, slot);
        aiflow::cli::AddNotificationCommands(
            aiflow::cli::AddGroup(app, "notification",
                                  "The notification server on its own; also a program"),
            slot);
      });
}
