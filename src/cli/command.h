#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/session.h"

namespace aiflow::cli {

/// What the command line asked for: set by the one command that was named.
using CommandSlot = std::function<int(Session&)>;

/// Adds the command `name` to `group`. `declare(CLI::App&, Args&)` binds its options to an Args;
/// `run(Session&, const Args&)` is left in `slot` when the command was named, and returns the exit
/// code. `slot` must outlive the parse.
template <typename Args, typename Declare, typename Run>
CLI::App* AddCommand(CLI::App& group, CommandSlot& slot, const std::string& name,
                     const std::string& help, Declare declare, Run run) {
  auto args = std::make_shared<Args>();
  CLI::App* command = group.add_subcommand(name, help);
  command->group("Commands");
  declare(*command, *args);
  command->callback([&slot, args, run] {
    slot = [args, run](Session& session) { return run(session, std::as_const(*args)); };
  });
  return command;
}

/// A group of commands; one of them must be named.
inline CLI::App& AddGroup(CLI::App& app, const std::string& name, const std::string& help) {
  CLI::App* group = app.add_subcommand(name, help);
  group->group("Groups");
  group->require_subcommand(0, 1);
  return *group;
}

inline void AddNamespaceOption(CLI::App& command, std::string& ns) {
  ns = "default";
  command.add_option("-n,--namespace", ns, "The namespace")->capture_default_str();
}

inline void AddYesOption(CLI::App& command, bool& yes) {
  command.add_flag("-y,--yes", yes, "Do not ask");
}

inline void AddFormatOption(CLI::App& command, std::string& format) {
  format = "table";
  command.add_option("-o,--output", format, "How to print")
      ->check(CLI::IsMember({"table", "json", "yaml", "plain", "wide"}))
      ->capture_default_str();
}

inline void AddParamOption(CLI::App& command, std::vector<std::string>& params) {
  command
      .add_option("--param", params,
                  "NAME=VALUE: a parameter, read by its declared type; may be repeated")
      ->allow_extra_args(false);
}

// One per file of commands.
void AddArtifactCommands(CLI::App& app, CommandSlot& slot);
void AddManualCommands(CLI::App& app, CommandSlot& slot);
void AddNamespaceCommands(CLI::App& app, CommandSlot& slot);
void AddPoolCommands(CLI::App& app, CommandSlot& slot);
void AddScheduleCommands(CLI::App& app, CommandSlot& slot);
void AddSnapshotCommands(CLI::App& app, CommandSlot& slot);
void AddTriggerCommands(CLI::App& app, CommandSlot& slot);
void AddWorkflowCommands(CLI::App& app, CommandSlot& slot);
void AddExecutionCommands(CLI::App& app, CommandSlot& slot);
void AddTaskCommands(CLI::App& app, CommandSlot& slot);
void AddLogsCommand(CLI::App& app, CommandSlot& slot);
void AddEventCommands(CLI::App& app, CommandSlot& slot);
void AddWhyCommand(CLI::App& app, CommandSlot& slot);
void AddVersionCommand(CLI::App& app, CommandSlot& slot);
// Within the group `workflow`.
void AddBackfillCommand(CLI::App& group, CommandSlot& slot);
void AddDiffCommand(CLI::App& group, CommandSlot& slot);
// Within the group `event`.
void AddEventSendCommand(CLI::App& events, CommandSlot& slot);
void AddFailedEventCommands(CLI::App& events, CommandSlot& slot);
// Of the program `notification`.
void AddNotificationEventCommands(CLI::App& app, CommandSlot& slot);
// Link the server; only the program has them.
/// Everything of the program `notification`, into it or into the group `aiflow notification`.
void AddNotificationCommands(CLI::App& app, CommandSlot& slot);
void AddServerCommands(CLI::App& app, CommandSlot& slot);
void AddConfigCommands(CLI::App& app, CommandSlot& slot);
void AddDbCommands(CLI::App& app, CommandSlot& slot);
void AddDoctorCommand(CLI::App& app, CommandSlot& slot);
void AddTokenCommands(CLI::App& app, CommandSlot& slot);

}  // namespace aiflow::cli
