#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/table.h"

/// What `aiflow event` and `notification event` have in common.
namespace aiflow::cli {

struct SendArgs {
  std::string key;
  std::string value;
  std::string ns;
  std::string context;
  int64_t execution = 0;
  std::string event_id;
  std::string sender;
  double timeout_seconds = 0;
};
void DeclareSendTimeout(CLI::App& command, SendArgs& args);
/// Sends, waiting for a server that is away or busy, and prints the stored event.
int SendEvent(Session& session, const SendArgs& args);

/// `brief`: one line per event with what tells events apart, as much of it as fits; the rest is a
/// matter of -o wide. `with_namespace`: the namespace tells them apart, too.
Table EventTable(const std::vector<v1::EventRecord>& events, bool brief, bool with_namespace);

/// Prints events as they come, for ever; goes on behind the last one when the server was away.
/// Begins behind `after`, or with what comes from now on.
int WatchEvents(Session& session, v1::SubscribeRequest request, std::optional<int64_t> after);

/// The client of the server at --server-uri; of several with commas, the first that answers.
Result<EventClient*> ConnectNotification(Session& session, const std::string& server_uri);

/// `list`, `register` and `delete` of durable consumers, at the server that `connect` finds for the
/// value of --server-uri; `with_uri`: there is such an option.
using ConnectEvents = Result<EventClient*> (*)(Session& session, const std::string& server_uri);
void AddConsumerCommands(CLI::App& group, CommandSlot& slot, ConnectEvents connect, bool with_uri);

}  // namespace aiflow::cli
