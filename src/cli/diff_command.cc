#include "cli/command.h"
#include "cli/spec_diff.h"
#include "cli/text.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct DiffArgs {
  std::string name;
  std::string ns;
  int64_t before = 0;
  int64_t after = 0;
};

// Enough of a digest to tell two apart.
std::string Short(const std::string& digest) {
  constexpr size_t kShown = 12;
  return digest.empty() ? "(none)" : digest.substr(0, kShown);
}

// A snapshot of that workflow.
Result<v1::WorkflowSnapshot> SnapshotOf(Client& client, const v1::Workflow& workflow, int64_t id) {
  auto snapshot = client.GetWorkflowSnapshot(id);
  if (snapshot && snapshot->workflow_id() != workflow.id()) {
    return Error(Code::kNotFound, "snapshot " + std::to_string(id) +
                                      " is of another workflow; list those of this one with "
                                      "'aiflow workflow-snapshot list " +
                                      workflow.name() + "'");
  }
  return snapshot;
}

int RunDiff(Session& session, const DiffArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::GetWorkflowRequest request;
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  const auto workflow = (*client)->GetWorkflow(request);
  if (!workflow) return FailForWorkflow(session, **client, args.ns, args.name, workflow.error());
  const auto before = SnapshotOf(**client, *workflow, args.before);
  if (!before) return session.Fail(before.error());
  const auto after = SnapshotOf(**client, *workflow, args.after);
  if (!after) return session.Fail(after.error());
  for (const auto* side : {&*before, &*after}) {
    if (side->spec_json().empty()) {
      return session.Fail(Status(Code::kFailedPrecondition,
                                 "snapshot " + std::to_string(side->id()) +
                                     " was uploaded by an old client and has no specification"));
    }
  }
  std::vector<std::string> lines = SpecDiff(before->spec_json(), after->spec_json());
  if (before->bundle_sha256() != after->bundle_sha256()) {
    lines.push_back("bundle: " + Short(before->bundle_sha256()) + " -> " +
                    Short(after->bundle_sha256()) + " (its files differ)");
  }
  if (lines.empty()) return kExitOk;
  for (const std::string& line : lines) session.output().Line(Printable(line, false));
  return kExitDifferent;
}

}  // namespace

void AddDiffCommand(CLI::App& group, CommandSlot& slot) {
  AddCommand<DiffArgs>(
      group, slot, "diff", "Say what differs between two snapshots of a workflow",
      [](CLI::App& command, DiffArgs& args) {
        command.add_option("NAME", args.name, "Name of the workflow")->required();
        command.add_option("A", args.before, "Id of the earlier snapshot")->required();
        command.add_option("B", args.after, "Id of the later snapshot")->required();
        AddNamespaceOption(command, args.ns);
      },
      RunDiff);
}

}  // namespace aiflow::cli
