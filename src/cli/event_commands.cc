#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "cli/command.h"
#include "cli/event_text.h"
#include "cli/event_use.h"
#include "cli/text.h"

namespace aiflow::cli {
namespace {

constexpr std::chrono::milliseconds kReconnectDelay{300};
constexpr int kMaxReconnects = 200;  // a minute

struct FilterArgs {
  std::string key = "*";
  std::string ns;
  bool all = false;
  std::string sender;
  int64_t begin_offset = -1;
  int64_t end_offset = 0;
  bool internal = false;
  std::string format;
};

int RunList(Session& session, const FilterArgs& args) {
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  EventFilter filter;
  filter.key = args.key;
  filter.ns = args.all ? "" : args.ns;
  filter.sender = args.sender;
  filter.begin_offset = std::max<int64_t>(args.begin_offset, 0);
  filter.end_offset = args.end_offset;
  const auto events = (*client)->ListEvents(filter);
  if (!events) return session.Fail(events.error());
  const Format format = *ParseFormat(args.format);
  const bool brief = format == Format::kTable && session.output().terminal().out_is_terminal;
  session.output().Print(EventTable(*events, brief, args.all), format);
  return kExitOk;
}

int RunWatch(Session& session, const FilterArgs& args) {
  v1::SubscribeRequest request;
  if (!args.key.empty() && args.key != "*") request.add_keys(args.key);
  if (!args.all) request.set_namespace_(args.ns);
  request.set_sender(args.sender);
  request.set_include_internal(args.internal);
  std::optional<int64_t> after;
  if (args.begin_offset >= 0) after = args.begin_offset;
  return WatchEvents(session, std::move(request), after);
}

Result<EventClient*> ConnectOwn(Session& session, const std::string&) {
  return session.GetEventClient();
}

void DeclareFilter(CLI::App& command, FilterArgs& args) {
  command.add_option("KEY", args.key, "Only events with this key; * means all")
      ->capture_default_str();
  AddNamespaceOption(command, args.ns);
  command.add_flag("-A,--all-namespaces", args.all, "Of every namespace");
  command.add_option("--sender", args.sender, "Only of this sender");
}

}  // namespace

Table EventTable(const std::vector<v1::EventRecord>& events, bool brief, bool with_namespace) {
  Table table{.columns = {{"namespace", brief && !with_namespace},
                          "key",
                          "value",
                          "sender",
                          {"create_time", false, brief},
                          {"context", brief},
                          {"offset", false, brief}},
              .rows = {},
              .one_line = brief};
  for (const v1::EventRecord& event : events) {
    table.rows.push_back({TextOrNone(event.namespace_()), event.key(), event.value(),
                          TextOrNone(event.sender()), FormatTime(event.create_time()),
                          TextOrNone(event.context()), std::to_string(event.offset())});
  }
  return table;
}

int WatchEvents(Session& session, v1::SubscribeRequest request, std::optional<int64_t> after) {
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  if (!after.has_value()) {
    // A fixed place instead of "now", so that nothing is missed when the stream breaks and goes on.
    const Result<int64_t> head = (*client)->Head();
    if (!head) return session.Fail(head.error());
    after = *head;
  }
  int failures = 0;
  for (;;) {
    request.set_after_offset(*after);
    const Status status = (*client)->Subscribe(request, [&](const v1::EventRecord& event) {
      failures = 0;
      after = event.offset();
      session.output().Line(EventText(event));
    });
    const bool broken = status.ok() || status.code() == Code::kUnavailable;
    if (!broken || ++failures > kMaxReconnects) return session.Fail(status);
    std::this_thread::sleep_for(kReconnectDelay);
  }
}

void AddEventCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "event", "Events of the notification server");
  CLI::App& consumers = AddGroup(group, "consumer", "Durable consumers of the event log");
  AddConsumerCommands(consumers, slot, ConnectOwn, /*with_uri=*/false);
  AddFailedEventCommands(group, slot);
  AddCommand<FilterArgs>(
      group, slot, "list", "List events",
      [](CLI::App& command, FilterArgs& args) {
        DeclareFilter(command, args);
        command.add_option("--begin-offset", args.begin_offset, "Only events after this offset");
        command.add_option("--end-offset", args.end_offset, "Only events up to this offset");
        AddFormatOption(command, args.format);
      },
      RunList);
  AddEventSendCommand(group, slot);
  AddCommand<FilterArgs>(
      group, slot, "watch", "Print events as they come, until Ctrl-C",
      [](CLI::App& command, FilterArgs& args) {
        DeclareFilter(command, args);
        command.add_option("--begin-offset", args.begin_offset,
                           "Begin after this offset; 0: with the first event");
        command.add_flag("--internal", args.internal,
                         "Also events that servers send to themselves");
      },
      RunWatch);
}

}  // namespace aiflow::cli
