#pragma once

#include <cstdint>
#include <string>

#include "cli/command.h"
#include "cli/list_printer.h"

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

/// Prints the events of the list. `with_namespace`: the namespace tells them apart, too.
int ListEvents(Session& session, EventClient& client, const v1::ListEventsRequest& request,
               bool with_namespace, const ListOptions& options);

/// Prints events as they come, those behind the offset `after`, and goes on behind the last one
/// when the server was away. Ends after `limit` of them; 0: never.
int WatchEvents(Session& session, v1::SubscribeRequest request, int64_t after, int64_t limit);

/// The client of the server at --server-uri; of several with commas, the first that answers.
Result<EventClient*> ConnectNotification(Session& session, const std::string& server_uri);

/// `list`, `register` and `delete` of durable consumers, at the server that `connect` finds for the
/// value of --server-uri; `with_uri`: there is such an option.
using ConnectEvents = Result<EventClient*> (*)(Session& session, const std::string& server_uri);
void AddConsumerCommands(CLI::App& group, CommandSlot& slot, ConnectEvents connect, bool with_uri);

}  // namespace aiflow::cli
