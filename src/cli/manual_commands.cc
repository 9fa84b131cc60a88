#include <filesystem>
#include <fstream>
#include <vector>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/command_tree.h"
#include "cli/completion.h"
#include "cli/manual.h"

namespace aiflow::cli {
namespace {

struct CompletionArgs {
  std::string shell;
};
struct ManArgs {
  std::vector<std::string> words;
  bool markdown = false;
  std::string directory;
};

// Writes the pages of `app` and of all below it.
Status WritePages(const CLI::App& app, const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / ManPageName(app);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << ManPage(app, AIFLOW_VERSION);
  file.close();
  if (!file) return {Code::kFailedPrecondition, "cannot write " + path.string()};
  for (const CLI::App* child : ChildrenOf(app)) {
    if (Status status = WritePages(*child, directory); !status.ok()) return status;
  }
  return Status::Ok();
}

int RunMan(Session& session, CLI::App& root, const ManArgs& args) {
  if (args.markdown) {
    session.output().Raw(MarkdownReference(root));
    return kExitOk;
  }
  if (!args.directory.empty()) {
    std::error_code error;
    std::filesystem::create_directories(args.directory, error);
    const Status status = WritePages(root, args.directory);
    return status.ok() ? int{kExitOk} : session.Fail(status);
  }
  CLI::App* place = &root;
  for (const std::string& word : args.words) {
    CLI::App* next = FindChild(*place, word);
    if (next == nullptr) {
      std::vector<std::string> names;
      for (const CLI::App* child : ChildrenOf(*place)) names.push_back(child->get_name());
      return session.Fail(
          Status(Code::kNotFound, "'" + PathOf(*place) + "' has no command '" + word + "'."), word,
          names);
    }
    place = next;
  }
  session.output().Raw(ManPage(*place, AIFLOW_VERSION));
  return kExitOk;
}

}  // namespace

void AddManualCommands(CLI::App& app, CommandSlot& slot) {
  AddCommand<CompletionArgs>(
      app, slot, "completion", "Print the script that lets a shell complete command lines",
      [](CLI::App& command, CompletionArgs& args) {
        command.add_option("SHELL", args.shell, "The shell, which reads the script as it starts")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh", "fish"}));
      },
      [&app](Session& session, const CompletionArgs& args) {
        session.output().Raw(CompletionScript(args.shell, app.get_name()));
        return int{kExitOk};
      });
  AddCommand<ManArgs>(
      app, slot, "man", "Print the manual page of a command, for 'man -l -'",
      [](CLI::App& command, ManArgs& args) {
        command.add_option("COMMAND", args.words,
                           "Words of the group or command; none: the program");
        CLI::Option* markdown = command.add_flag("--markdown", args.markdown,
                                                 "The whole reference as Markdown instead");
        command.add_option("--all", args.directory, "Write every page into this directory instead")
            ->excludes(markdown);
      },
      [&app](Session& session, const ManArgs& args) { return RunMan(session, app, args); });
}

}  // namespace aiflow::cli
