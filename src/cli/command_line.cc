#include "cli/command_line.h"

#include <algorithm>

#include "base/nearest.h"

namespace aiflow::cli {
namespace {

// Names of the commands below `app`.
std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

CLI::App* FindCommand(CLI::App& app, const std::string& name) {
  const auto found =
      app.get_subcommands([&name](const CLI::App* command) { return command->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// Help with the commands of each group in the order of their names.
class SortedHelp : public CLI::Formatter {
 public:
  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
    std::vector<const CLI::App*> commands =
        app->get_subcommands([](const CLI::App*) { return true; });
    std::sort(commands.begin(), commands.end(),
              [](const CLI::App* a, const CLI::App* b) { return a->get_name() < b->get_name(); });
    std::string text;
    for (const char* group : {"Groups", "Commands"}) {
      std::string lines;
      for (const CLI::App* command : commands) {
        if (command->get_group() == group) lines += make_subcommand(command);
      }
      if (!lines.empty()) text += "\n" + std::string(group) + ":\n" + lines;
    }
    return mode == CLI::AppFormatMode::Normal ? text : Formatter::make_subcommands(app, mode);
  }
};

// How far the words lead into the tree of commands.
struct Descent {
  CLI::App* app = nullptr;  // the last group or command that was named
  std::string path;
  std::string unknown;  // the word after it, when `app` is a group that has no such command
};

Descent Descend(CLI::App& root, const std::vector<std::string>& words) {
  Descent descent{.app = &root, .path = root.get_name()};
  for (size_t i = 0; i < words.size() && !CommandNames(*descent.app).empty(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("-")) {
      // Options before the command are the global ones; those with a value take the next word.
      const CLI::Option* option = root.get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;
      continue;
    }
    CLI::App* next = FindCommand(*descent.app, word);
    if (next == nullptr) {
      descent.unknown = word;
      return descent;
    }
    descent.app = next;
    descent.path += " " + word;
  }
  return descent;
}

void DeclareGlobalOptions(CLI::App& app, AddressOptions& options) {
  app.add_option("--server", options.server, "host:port or unix:/path of the AIFlow server");
  app.add_option("--notification-server", options.notification_server,
                 "host:port or unix:/path of the notification server");
  app.add_option("--token-file", options.token_file,
                 "File with the token for servers of other users or machines");
  app.add_option("--tls-ca", options.tls_ca,
                 "PEM file of who signed the server's certificate; connects by TLS");
  app.add_option("--home", options.home, "Home directory; $AIFLOW_HOME or ~/aiflow by default");
}

// The words of `descent` before the last are the context that the help begins with.
std::string HelpText(const Descent& descent) {
  const size_t last = descent.path.rfind(' ');
  return descent.app->help(last == std::string::npos ? "" : descent.path.substr(0, last));
}

int UsageError(Session& session, const Descent& descent, const std::string& reason) {
  std::string text = reason;
  if (!descent.unknown.empty()) {
    text = "'" + descent.path + "' has no command '" + descent.unknown + "'.";
    const std::string nearest = Nearest(descent.unknown, CommandNames(*descent.app));
    if (!nearest.empty()) text += " Did you mean '" + nearest + "'?";
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (!text.ends_with('.') && !text.ends_with('?')) text += '.';
  session.output().Error(text + " See '" + descent.path + " --help'.");
  return kExitUsage;
}

// Parses; the command to run, or the exit code in `code`.
CommandSlot Parse(CLI::App& app, Session& session, CommandSlot& slot,
                  const std::vector<std::string>& words, int* code) {
  const Descent descent = Descend(app, words);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    session.output().Raw(HelpText(descent));
    *code = kExitOk;
    return nullptr;
  } catch (const CLI::CallForVersion& version) {
    session.output().Line(version.what());
    *code = kExitOk;
    return nullptr;
  } catch (const CLI::ParseError& error) {
    *code = UsageError(session, descent, error.what());
    return nullptr;
  }
  if (!slot) {  // a group alone
    session.output().Error("'" + descent.path + "' needs a command.");
    session.output().Note(HelpText(descent));
    *code = kExitUsage;
  }
  return slot;
}

void Prepare(CLI::App& app) {
  app.fallthrough();
  app.formatter(std::make_shared<SortedHelp>());
  app.set_version_flag("--version", AIFLOW_VERSION);
  app.require_subcommand(0, 1);
}

}  // namespace

int RunNotificationCommandLine(const World& world, const std::vector<std::string>& words,
                               const AddCommands& commands) {
  Session session(world);
  CommandSlot slot;
  CLI::App app("The notification server of AIFlow: an event log for many producers and listeners.",
               "notification");
  Prepare(app);
  app.add_option("--home", session.address_options().home,
                 "Home directory; $NOTIFICATION_HOME or ~/notification_service by default");
  commands(app, slot);
  int code = kExitOk;
  const CommandSlot command = Parse(app, session, slot, words, &code);
  return command ? command(session) : code;
}

int RunCommandLine(const World& world, const std::vector<std::string>& words,
                   const AddCommands& more) {
  Session session(world);
  CommandSlot slot;
  CLI::App app("AIFlow: workflows of streaming and batch tasks, driven by events.", "aiflow");
  Prepare(app);
  DeclareGlobalOptions(app, session.address_options());
  more(app, slot);
  AddEventCommands(app, slot);
  AddLogsCommand(app, slot);
  AddNamespaceCommands(app, slot);
  AddPoolCommands(app, slot);
  AddTaskCommands(app, slot);
  AddVersionCommand(app, slot);
  AddWhyCommand(app, slot);
  AddWorkflowCommands(app, slot);
  AddExecutionCommands(app, slot);
  AddScheduleCommands(app, slot);
  AddSnapshotCommands(app, slot);
  AddTriggerCommands(app, slot);

  int code = kExitOk;
  const CommandSlot command = Parse(app, session, slot, words, &code);
  return command ? command(session) : code;
}

}  // namespace aiflow::cli
