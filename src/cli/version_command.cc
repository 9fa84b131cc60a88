#include "cli/command.h"

namespace aiflow::cli {
namespace {

struct NoArgs {};

int RunVersion(Session& session, const NoArgs&) {
  session.output().Line(AIFLOW_VERSION);
  return kExitOk;
}

}  // namespace

void AddVersionCommand(CLI::App& app, CommandSlot& slot) {
  AddCommand<NoArgs>(
      app, slot, "version", "Print the version of this program", [](CLI::App&, NoArgs&) {},
      RunVersion);
}

}  // namespace aiflow::cli
