#include "cli/command_line.h"

#include <cctype>
#include <chrono>
#include <exception>
#include <functional>
#include <utility>

#include "base/nearest.h"
#include "cli/command_tree.h"
#include "cli/completion.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

constexpr std::chrono::milliseconds kCompletionPatience{300};

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : ChildrenOf(app)) names.push_back(command->get_name());
  return names;
}

// Help of every command in one style: commands in the order of their names, values as in the
// manual.
class Help : public CLI::Formatter {
 public:
  Help() { column_width(34); }

  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
    std::string text;
    for (const char* group : {"Groups", "Commands"}) {
      std::string lines;
      for (const CLI::App* command : ChildrenOf(*app)) {
        if (command->get_group() == group) lines += make_subcommand(command);
      }
      if (!lines.empty()) text += "\n" + std::string(group) + ":\n" + lines;
    }
    return mode == CLI::AppFormatMode::Normal ? text : Formatter::make_subcommands(app, mode);
  }
  std::string make_option_name(const CLI::Option* option, bool) const override {
    return OptionNames(*option);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string value = ValueName(*option);
    return option->get_positional() || value.empty() ? "" : " " + value;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (option->get_positional() && !FixedValues(*option).empty()) {
      text += " (" + ValueName(*option) + ")";
    }
    const std::string by_default = option->get_default_str();
    if (TakesValue(*option) && !by_default.empty()) text += " [" + by_default + "]";
    return text;
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
    CLI::App* next = FindChild(*descent.app, word);
    if (next == nullptr) {
      descent.unknown = word;
      return descent;
    }
    descent.app = next;
    descent.path += " " + next->get_name();
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

// The first word that looks like an option and is none here; empty when there is none.
std::string UnknownOption(const CLI::App& app, const std::vector<std::string>& words) {
  bool is_value = false;
  for (const std::string& word : words) {
    if (word == "--") break;
    const bool skipped = std::exchange(is_value, false);
    const bool number = word.size() > 1 && std::isdigit(static_cast<unsigned char>(word[1])) != 0;
    if (skipped || word.size() < 2 || word[0] != '-' || number) continue;
    const size_t end = word[1] == '-' ? word.find('=') : 2;  // -nNAME
    const CLI::Option* option = FindOption(app, word.substr(0, end));
    if (option == nullptr) return word.substr(0, word.find('='));
    is_value = TakesValue(*option) && end >= word.size();
  }
  return {};
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : " Did you mean '" + nearest + "'?";
}

std::vector<std::string> OptionNamesFor(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* place = &app; place != nullptr; place = place->get_parent()) {
    for (const CLI::Option* option : OptionsOf(*place)) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// "--output: xml not in {table,json}" in words of ours; empty when the reason is another one.
std::string WrongValue(const std::string& reason) {
  const std::string middle = " not in {";
  const size_t name = reason.find(": ");
  const size_t set = reason.find(middle);
  const size_t end = reason.find('}', set == std::string::npos ? 0 : set);
  if (name == std::string::npos || end == std::string::npos || set < name) return {};
  const std::string value = reason.substr(name + 2, set - name - 2);
  const size_t begin = set + middle.size();
  const std::vector<std::string> known = CLI::detail::split(reason.substr(begin, end - begin), ',');
  std::string text = reason.substr(0, name) + ": '" + value + "' is none of ";
  for (size_t i = 0; i < known.size(); ++i) text += (i > 0 ? ", " : "") + known[i];
  return text + "." + DidYouMean(value, known);
}

// What became of the forerunner's groups that are no more.
std::string Successor(const std::string& group) {
  if (group == "webserver") {
    return " REST is part of the server: 'aiflow standalone' or 'aiflow server "
           "start', at --http-port.";
  }
  if (group == "taskmanager") {
    return " The server runs tasks itself; 'aiflow task-execution start' starts one by hand.";
  }
  return {};
}

// "Could not convert: EXECUTION = abc" in words of ours; empty when the reason is another one.
std::string NoNumber(const std::string& reason) {
  const std::string begin = "Could not convert: ";
  const size_t middle = reason.find(" = ");
  if (!reason.starts_with(begin) || middle == std::string::npos) return {};
  return reason.substr(begin.size(), middle - begin.size()) + ": '" + reason.substr(middle + 3) +
         "' is no number";
}

int UsageError(Session& session, const Descent& descent, const std::vector<std::string>& words,
               const std::string& reason) {
  std::string text = reason;
  const std::string option = UnknownOption(*descent.app, words);
  if (!descent.unknown.empty()) {
    const std::string successor = Successor(descent.unknown);
    text =
        "'" + descent.path + "' has no command '" + descent.unknown + "'." +
        (successor.empty() ? DidYouMean(descent.unknown, CommandNames(*descent.app)) : successor);
  } else if (!option.empty()) {
    text = "'" + descent.path + "' has no option '" + option + "'." +
           DidYouMean(option, OptionNamesFor(*descent.app));
  } else if (const std::string wrong = WrongValue(reason); !wrong.empty()) {
    text = wrong;
  } else if (const std::string number = NoNumber(reason); !number.empty()) {
    text = number;
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
    *code = UsageError(session, descent, words, error.what());
    return nullptr;
  }
  if (!slot) {  // a group alone
    session.output().Error("'" + descent.path + "' needs a command.");
    session.output().Note(HelpText(descent));
    *code = kExitUsage;
  }
  return slot;
}

// What the server knows under a name; nothing when it does not answer at once.
std::vector<std::string> NamesFromServer(Session& session, NameKind kind, const std::string& ns) {
  std::vector<std::string> names;
  const Result<Client*> client = session.GetClient();
  if (!client) return names;
  (*client)->LimitCalls(kCompletionPatience);
  if (kind == NameKind::kWorkflow) return WorkflowNames(**client, ns);
  if (kind == NameKind::kNamespace) {
    if (const auto found = (*client)->ListNamespaces()) {
      for (const v1::Namespace& item : *found) names.push_back(item.name());
    }
  } else if (const auto found = (*client)->ListPools()) {
    for (const v1::Pool& item : *found) names.push_back(item.name());
  }
  return names;
}

// Prints what may stand for the last of `words`. Silent about everything that is wrong.
int RunComplete(CLI::App& app, Session& session, const std::vector<std::string>& words) {
  AddressOptions& options = session.address_options();
  for (size_t i = 0; i + 2 < words.size(); ++i) {
    if (words[i] == "--server") options.server = words[i + 1];
    if (words[i] == "--home") options.home = words[i + 1];
    if (words[i] == "--token-file") options.token_file = words[i + 1];
    if (words[i] == "--tls-ca") options.tls_ca = words[i + 1];
  }
  const bool knows_server = app.get_name() == "aiflow";
  const auto names = [&](NameKind kind, const std::string& ns) {
    return knows_server ? NamesFromServer(session, kind, ns) : std::vector<std::string>();
  };
  std::string text;
  for (const std::string& line : Complete(app, words, names)) text += line + "\n";
  session.output().Raw(text);
  return kExitOk;
}

void AddAllCommands(CLI::App& app, CommandSlot& slot, const AddCommands& more) {
  more(app, slot);
  AddArtifactCommands(app, slot);
  AddEventCommands(app, slot);
  AddLogsCommand(app, slot);
  AddManualCommands(app, slot);
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
}

// The exit code of a command whose result may have got lost on its way out.
int Finish(Session& session, int code) {
  std::ostream& out = session.output().terminal().out;
  out.flush();
  if (out.good()) return code;
  session.output().Error("cannot write the output; is the disk full?");
  return code == kExitOk ? int{kExitError} : code;
}

int RunProgram(const World& world, const std::vector<std::string>& words, const std::string& name,
               const std::string& description,
               const std::function<void(CLI::App&, Session&, CommandSlot&)>& declare) {
  Session session(world, name);
  try {
    CommandSlot slot;
    CLI::App app(description, name);
    app.fallthrough();
    app.formatter(std::make_shared<Help>());
    app.set_help_flag("-h,--help", "Say what it does and takes");
    app.set_version_flag("--version", AIFLOW_VERSION, "Print the version of this program");
    app.require_subcommand(0, 1);
    declare(app, session, slot);
    if (!words.empty() && words[0] == "__complete") {
      return RunComplete(app, session, {words.begin() + 1, words.end()});
    }
    int code = kExitOk;
    const CommandSlot command = Parse(app, session, slot, words, &code);
    return Finish(session, command ? command(session) : code);
  } catch (const std::exception& error) {  // no memory, or a fault of ours
    session.output().Error(std::string("failed in an unforeseen way: ") + error.what());
    return kExitError;
  }
}

}  // namespace

int RunNotificationCommandLine(const World& world, const std::vector<std::string>& words,
                               const AddCommands& commands) {
  return RunProgram(
      world, words, "notification",
      "The notification server of AIFlow: an event log for many producers and listeners",
      [&commands](CLI::App& app, Session& session, CommandSlot& slot) {
        app.add_option("--home", session.address_options().home,
                       "Home directory; $NOTIFICATION_HOME or ~/notification_service by default");
        commands(app, slot);
        AddManualCommands(app, slot);
      });
}

int RunCommandLine(const World& world, const std::vector<std::string>& words,
                   const AddCommands& more) {
  return RunProgram(world, words, "aiflow",
                    "AIFlow: workflows of streaming and batch tasks, driven by events",
                    [&more](CLI::App& app, Session& session, CommandSlot& slot) {
                      DeclareGlobalOptions(app, session.address_options());
                      AddAllCommands(app, slot, more);
                    });
}

}  // namespace aiflow::cli
