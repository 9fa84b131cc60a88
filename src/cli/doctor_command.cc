#include "cli/command.h"
#include "server/server_main.h"

namespace aiflow::cli {
namespace {

struct DoctorArgs {
  std::string format;
};

int RunDoctor(Session& session, const DoctorArgs& args) {
  const auto findings = server::Diagnose(session.Home(), session.world().executable);
  Table table{.columns = {{"check", false, true}, {"state", false, true}, "finding", "what to do"},
              .rows = {}};
  bool healthy = true;
  for (const server::Finding& finding : findings) {
    table.rows.push_back(
        {finding.subject, server::LevelName(finding.level), finding.text, finding.advice});
    healthy = healthy && finding.level != server::Finding::Level::kProblem;
  }
  session.output().Print(table, *ParseFormat(args.format));
  return healthy ? kExitOk : kExitError;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, CommandSlot& slot) {
  AddCommand<DoctorArgs>(
      app, slot, "doctor", "Look for what is wrong with the home, the machine and the server",
      [](CLI::App& command, DoctorArgs& args) { AddFormatOption(command, args.format); },
      RunDoctor);
}

}  // namespace aiflow::cli
