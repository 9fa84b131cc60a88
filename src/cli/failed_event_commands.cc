#include <string>
#include <vector>

#include "cli/command.h"

namespace aiflow::cli {
namespace {

struct ListArgs {
  std::string format;
};
struct IdArgs {
  int64_t id = 0;
  bool yes = false;
};

std::optional<std::string> IdOrNone(int64_t id) {
  return id == 0 ? std::nullopt : std::optional(std::to_string(id));
}

/// Whose question it was, or that of the server itself.
std::string Where(const v1::FailedEvent& event) {
  std::string where = "server";
  if (event.execution_id() != 0) {
    where = "task " + event.task_name() + " of workflow execution " +
            std::to_string(event.execution_id());
  } else if (event.trigger_id() != 0) {
    where = "trigger " + std::to_string(event.trigger_id());
  }
  if (!event.workflow_name().empty()) where += " (" + event.workflow_name() + ")";
  if (!event.condition().empty()) where += ": " + event.condition();
  return where;
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto events = (*client)->ListFailedEvents();
  if (!events) return session.Fail(events.error());
  // For eyes: what happened to which event, in columns that fit a terminal.
  Table table{.columns = {{"id", kAlways, true},
                          {"event", kOnScreen},
                          {"where", kOnScreen},
                          {"namespace", kDetail},
                          {"workflow_name", kOffScreen},
                          {"workflow_execution_id", kOffScreen},
                          {"workflow_trigger_id", kOffScreen},
                          {"task_name", kOffScreen},
                          {"condition", kOffScreen},
                          {"event_key", kOffScreen},
                          {"event_value", kDetail},
                          {"event_offset", kOffScreen},
                          {"time", kOffScreen},
                          "error"},
              .rows = {}};
  for (const v1::FailedEvent& e : *events) {
    table.rows.push_back(
        {std::to_string(e.id()), e.event_key() + " #" + std::to_string(e.event_offset()), Where(e),
         TextOrNone(e.namespace_()), TextOrNone(e.workflow_name()), IdOrNone(e.execution_id()),
         IdOrNone(e.trigger_id()), TextOrNone(e.task_name()), TextOrNone(e.condition()),
         e.event_key(), TextOrNone(e.event_value()), std::to_string(e.event_offset()),
         TimeOrNone(e.time()), e.error()});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int Change(Session& session, const IdArgs& args,
           Status (Client::*method)(const v1::FailedEventRequest&), const std::string& done) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::FailedEventRequest request;
  request.set_failed_event_id(args.id);
  request.set_request_id(Session::NewId());
  if (const Status status = ((*client)->*method)(request); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Failed event: " + std::to_string(args.id) + " " + done + ".");
  return kExitOk;
}

int RunRetry(Session& session, const IdArgs& args) {
  return Change(session, args, &Client::RetryFailedEvent, "is retried");
}

int RunDrop(Session& session, const IdArgs& args) {
  const std::string id = std::to_string(args.id);
  if (!session.Confirm("Drop the failed event " + id + "?", args.yes)) return kExitError;
  return Change(session, args, &Client::DropFailedEvent, "dropped");
}

void DeclareId(CLI::App& command, IdArgs& args) {
  command.add_option("ID", args.id, "Id of the failed event")->required();
}

}  // namespace

void AddFailedEventCommands(CLI::App& events, CommandSlot& slot) {
  CLI::App& group =
      AddGroup(events, "failed",
               "Events about which a user-written condition gave no answer, or at which the server "
               "died again and again");
  AddCommand<IdArgs>(
      group, slot, "drop", "Give an event up: it stays not met, or never comes",
      [](CLI::App& command, IdArgs& args) {
        DeclareId(command, args);
        AddYesOption(command, args.yes);
      },
      RunDrop);
  AddCommand<ListArgs>(
      group, slot, "list", "List them",
      [](CLI::App& command, ListArgs& args) { AddFormatOption(command, args.format); }, RunList);
  AddCommand<IdArgs>(
      group, slot, "retry",
      "Ask the condition about the event again, as of now; or let it come to those whom "
      "it has suspended",
      DeclareId, RunRetry);
}

}  // namespace aiflow::cli
