// `notification event`: as the forerunner's, so the server must be named.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "cli/event_use.h"
#include "cli/time_text.h"

namespace aiflow::cli {
namespace {

struct ReadArgs {
  std::string key;
  std::string server_uri;
  std::string ns;  // empty: every namespace
  std::string sender;
  int64_t begin_offset = 0;
  std::string begin_time;
  std::string format;
};
struct NotificationSendArgs {
  SendArgs send;
  std::string server_uri;
};

/// As the forerunner: the hint, and no failure.
bool HasServer(Session& session, const std::string& server_uri, const std::string& command) {
  if (!server_uri.empty()) return true;
  session.output().Line("Argument --server-uri is not set. See `notification event " + command +
                        " -h` ");
  return false;
}

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// Where reading begins; nothing when neither option was given.
Result<std::optional<int64_t>> BeginOf(EventClient& client, const ReadArgs& args) {
  if (args.begin_offset > 0) return std::optional(args.begin_offset);
  if (args.begin_time.empty()) return std::optional<int64_t>();
  const Result<int64_t> time = ParseTime(args.begin_time);
  if (!time) return Error(time.error().code(), "--begin-time: " + time.error().message());
  const Result<int64_t> offset = client.OffsetAt(*time - 1);
  if (!offset) return Error(offset.error());
  return std::optional(*offset);
}

Result<EventFilter> FilterOf(EventClient& client, const ReadArgs& args) {
  const auto begin = BeginOf(client, args);
  if (!begin) return Error(begin.error());
  EventFilter filter;
  filter.key = args.key;
  filter.ns = args.ns;
  filter.sender = args.sender;
  filter.begin_offset = begin->value_or(0);
  return filter;
}

int RunList(Session& session, const ReadArgs& args) {
  if (!HasServer(session, args.server_uri, "list")) return kExitOk;
  const Result<EventClient*> client = ConnectNotification(session, args.server_uri);
  if (!client) return session.Fail(client.error());
  const auto begin = BeginOf(**client, args);
  if (!begin) return session.Fail(begin.error());
  v1::ListEventsRequest request;
  if (args.key != "*") request.set_key(args.key);
  request.set_namespace_(args.ns);
  request.set_sender(args.sender);
  request.set_after_offset(begin->value_or(0));
  return ListEvents(session, **client, request, args.ns.empty(), {.format = args.format});
}

int RunCount(Session& session, const ReadArgs& args) {
  if (!HasServer(session, args.server_uri, "count")) return kExitOk;
  const Result<EventClient*> client = ConnectNotification(session, args.server_uri);
  if (!client) return session.Fail(client.error());
  const auto filter = FilterOf(**client, args);
  if (!filter) return session.Fail(filter.error());
  const auto count = (*client)->CountEvents(*filter);
  if (!count) return session.Fail(count.error());
  session.output().Line(std::to_string(*count));
  return kExitOk;
}

int RunListen(Session& session, const ReadArgs& args) {
  if (!HasServer(session, args.server_uri, "listen")) return kExitOk;
  const Result<EventClient*> client = ConnectNotification(session, args.server_uri);
  if (!client) return session.Fail(client.error());
  const auto begin = BeginOf(**client, args);
  if (!begin) return session.Fail(begin.error());
  v1::SubscribeRequest request;
  if (!args.key.empty() && args.key != "*") request.add_keys(args.key);
  request.set_namespace_(args.ns);
  const Result<int64_t> after = *begin ? Result<int64_t>(**begin) : (*client)->Head();
  if (!after) return session.Fail(after.error());
  return WatchEvents(session, std::move(request), *after, /*limit=*/0);
}

int RunSend(Session& session, const NotificationSendArgs& args) {
  if (!HasServer(session, args.server_uri, "send")) return kExitOk;
  const Result<EventClient*> client = ConnectNotification(session, args.server_uri);
  if (!client) return session.Fail(client.error());
  return SendEvent(session, args.send);
}

void DeclareServer(CLI::App& command, std::string& server_uri) {
  command.add_option("-s,--server-uri", server_uri,
                     "host:port of the notification server; several with commas: the first that "
                     "answers");
}

void DeclareRead(CLI::App& command, ReadArgs& args) {
  command.add_option("KEY", args.key, "Only events with this key; * means all")->required();
  DeclareServer(command, args.server_uri);
  command.add_option("-n,--namespace", args.ns, "Only of this namespace");
  command.add_option("--begin-offset", args.begin_offset,
                     "Only events after this offset; goes before --begin-time");
  command.add_option("--begin-time", args.begin_time,
                     "Only events since then, as 2026-01-31T08:15:00+01:00");
}

}  // namespace

Result<EventClient*> ConnectNotification(Session& session, const std::string& server_uri) {
  const std::vector<std::string> servers = Split(server_uri);
  session.SetStartHint(
      "Start a notification server with 'notification server start -d', or name "
      "the right one with --server-uri HOST:PORT.");
  if (servers.empty()) return Error(Code::kInvalidArgument, "--server-uri names no server");
  for (const std::string& server : servers) {
    session.address_options().notification_server = server;
    session.ForgetClients();
    if (servers.size() == 1) break;
    const Result<EventClient*> client = session.GetEventClient();
    if (client && (*client)->Head()) break;
  }
  return session.GetEventClient();
}

void AddNotificationEventCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "event", "Events of a notification server");
  AddCommand<ReadArgs>(
      group, slot, "count", "Print how many events there are",
      [](CLI::App& command, ReadArgs& args) {
        DeclareRead(command, args);
        command.add_option("--sender", args.sender, "Only of this sender");
      },
      RunCount);
  AddCommand<ReadArgs>(
      group, slot, "list", "List events",
      [](CLI::App& command, ReadArgs& args) {
        DeclareRead(command, args);
        command.add_option("--sender", args.sender, "Only of this sender");
        AddFormatOption(command, args.format);
      },
      RunList);
  AddCommand<ReadArgs>(group, slot, "listen", "Print events as they come, until Ctrl-C",
                       DeclareRead, RunListen);
  AddCommand<NotificationSendArgs>(
      group, slot, "send", "Send an event",
      [](CLI::App& command, NotificationSendArgs& args) {
        command.add_option("KEY", args.send.key, "Its key")->required();
        command.add_option("VALUE", args.send.value, "Its value")->required();
        DeclareServer(command, args.server_uri);
        command.add_option("-n,--namespace", args.send.ns, "Its namespace");
        command.add_option("--sender", args.send.sender, "Who sends it");
        command.add_option("--context", args.send.context,
                           "Its context, by convention a JSON object");
        command.add_option("--id", args.send.event_id,
                           "Its idempotency key: the same id is stored once");
        DeclareSendTimeout(command, args.send);
      },
      RunSend);
}

}  // namespace aiflow::cli
