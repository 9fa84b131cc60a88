#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/command.h"
#include "cli/event_text.h"
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

// `brief`: one line per event with what tells events apart, as much of it as fits; the rest is a
// matter of -o wide.
Table ToTable(const FilterArgs& args, bool brief, const std::vector<v1::EventRecord>& events) {
  Table table{.columns = {{"namespace", brief && !args.all},
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
  session.output().Print(ToTable(args, brief, *events), format);
  return kExitOk;
}

int RunWatch(Session& session, const FilterArgs& args) {
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  v1::SubscribeRequest request;
  if (!args.key.empty() && args.key != "*") request.add_keys(args.key);
  if (!args.all) request.set_namespace_(args.ns);
  request.set_sender(args.sender);
  request.set_include_internal(args.internal);
  // A fixed place instead of "now", so that nothing is missed when the stream breaks and goes on.
  const Result<int64_t> head = (*client)->Head();
  if (!head) return session.Fail(head.error());
  int64_t after = args.begin_offset >= 0 ? args.begin_offset : *head;
  int failures = 0;
  for (;;) {
    request.set_after_offset(after);
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

void DeclareFilter(CLI::App& command, FilterArgs& args) {
  command.add_option("KEY", args.key, "Only events with this key; * means all")
      ->capture_default_str();
  AddNamespaceOption(command, args.ns);
  command.add_flag("-A,--all-namespaces", args.all, "Of every namespace");
  command.add_option("--sender", args.sender, "Only of this sender");
}

}  // namespace

void AddEventCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "event", "Events of the notification server");
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
