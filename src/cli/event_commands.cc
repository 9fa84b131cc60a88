#include <algorithm>
#include <limits>
#include <utility>

#include "cli/command.h"
#include "cli/event_text.h"
#include "cli/event_use.h"
#include "cli/list_printer.h"
#include "cli/reconnect.h"
#include "cli/text.h"
#include "cli/time_text.h"

namespace aiflow::cli {
namespace {

struct FilterArgs {
  std::string key = "*";
  std::string ns;
  bool all = false;
  std::string sender;
  std::vector<std::string> kinds;
  int64_t begin_offset = -1;  // not given
  std::string begin_time;
};
struct ListArgs {
  FilterArgs filter;
  int64_t end_offset = 0;
  ListOptions list;
};
struct ListenArgs {
  FilterArgs filter;
  bool internal = false;
  int64_t limit = 0;
};

// What a filter says when everything will do: "*" here, nothing on the wire.
std::string Wanted(const std::string& text) { return text == "*" ? "" : text; }

// Epoch milliseconds of --begin-time; 0: not given.
Result<int64_t> BeginTime(const FilterArgs& args) {
  if (args.begin_time.empty()) return 0;
  const Result<int64_t> time = ParseTime(args.begin_time);
  if (!time) return Error(time.error().code(), "--begin-time: " + time.error().message());
  return *time;
}

// What a list and a subscription filter alike.
template <typename Request>
void SetFilter(const FilterArgs& filter, Request& request) {
  if (!filter.all) request.set_namespace_(Wanted(filter.ns));
  request.set_sender(Wanted(filter.sender));
  request.mutable_kinds()->Assign(filter.kinds.begin(), filter.kinds.end());
}

int RunList(Session& session, const ListArgs& args) {
  const FilterArgs& filter = args.filter;
  const Result<int64_t> begin_time = BeginTime(filter);
  if (!begin_time) {
    session.Fail(begin_time.error());
    return kExitUsage;
  }
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  v1::ListEventsRequest request;
  request.set_key(Wanted(filter.key));
  SetFilter(filter, request);
  request.set_after_offset(std::max<int64_t>(filter.begin_offset, 0));
  request.set_until_offset(args.end_offset);
  if (filter.begin_offset < 0) request.set_begin_time(*begin_time);
  SetOrder(args.list, "offset", request);
  return ListEvents(session, **client, request, filter.all, args.list);
}

// The offset after which to listen. A fixed place instead of "now", so that nothing is missed when
// the stream breaks and goes on.
Result<int64_t> BeginOffset(EventClient& client, const FilterArgs& args, int64_t begin_time) {
  if (args.begin_offset >= 0) return args.begin_offset;
  return client.OffsetAt(begin_time > 0 ? begin_time - 1 : std::numeric_limits<int64_t>::max());
}

int RunListen(Session& session, const ListenArgs& args) {
  const FilterArgs& filter = args.filter;
  const Result<int64_t> begin_time = BeginTime(filter);
  if (!begin_time) {
    session.Fail(begin_time.error());
    return kExitUsage;
  }
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  const Result<int64_t> begin = BeginOffset(**client, filter, *begin_time);
  if (!begin) return session.Fail(begin.error());
  v1::SubscribeRequest request;
  if (!Wanted(filter.key).empty()) request.add_keys(filter.key);
  SetFilter(filter, request);
  request.set_include_internal(args.internal);
  return WatchEvents(session, std::move(request), *begin, args.limit);
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
  AddFilterOption(command, "kind", args.kinds,
                  {"USER", "SCHEDULING", "TASK_STATUS", "STATUS_CHANGED", "INTERNAL"},
                  "Only of this kind");
  command.add_option("--begin-offset", args.begin_offset,
                     "Only events after this offset; 0: from the first one");
  command.add_option("--begin-time", args.begin_time,
                     "Only events of this time (2026-01-31T08:15, local unless it says) or later; "
                     "--begin-offset wins over it");
}

// For eyes: one line per event with what tells events apart, as much of it as fits; the rest is a
// matter of -o wide.
Table EventTable(bool with_namespace) {
  return {.columns = {{"namespace", with_namespace ? kAlways : kOffScreen},
                      "key",
                      "value",
                      "sender",
                      {"create_time", kAlways, true},
                      {"context", kOffScreen},
                      {"offset", kAlways, true}},
          .rows = {},
          .one_line = true};
}

Table::Row ToRow(const v1::EventRecord& event) {
  return {TextOrNone(event.namespace_()),
          event.key(),
          event.value(),
          TextOrNone(event.sender()),
          FormatTime(event.create_time()),
          TextOrNone(event.context()),
          std::to_string(event.offset())};
}

}  // namespace

int ListEvents(Session& session, EventClient& client, const v1::ListEventsRequest& request,
               bool with_namespace, const ListOptions& options) {
  const Status status = PrintPages<v1::EventRecord>(
      session, EventTable(with_namespace), options, ToRow,
      [&](const auto& sink) { return client.ListEvents(request, sink); });
  return status.ok() ? int{kExitOk} : session.Fail(status);
}

int WatchEvents(Session& session, v1::SubscribeRequest request, int64_t after, int64_t limit) {
  Reconnect reconnect(session, "notification server");
  int64_t printed = 0;
  for (;;) {
    request.set_after_offset(after);
    const Result<EventClient*> client = session.GetEventClient();
    const Status status = client ? (*client)->Subscribe(request,
                                                        [&](const v1::EventRecord& event) {
                                                          reconnect.Alive();
                                                          after = event.offset();
                                                          session.output().Line(EventText(event));
                                                          return ++printed != limit;
                                                        })
                                 : client.error();
    if (status.ok()) return kExitOk;
    if (status.code() != Code::kUnavailable || !reconnect.Wait()) return session.Fail(status);
  }
}

void AddEventCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "event", "Events of the notification server");
  CLI::App& consumers = AddGroup(group, "consumer", "Durable consumers of the event log");
  AddConsumerCommands(consumers, slot, ConnectOwn, /*with_uri=*/false);
  AddFailedEventCommands(group, slot);
  AddCommand<ListArgs>(
      group, slot, "list", "List events",
      [](CLI::App& command, ListArgs& args) {
        DeclareFilter(command, args.filter);
        command.add_option("--end-offset", args.end_offset, "Only events up to this offset");
        AddListOptions(command, args.list);
      },
      RunList);
  AddCommand<ListenArgs>(
      group, slot, "listen", "Print events as they come, until Ctrl-C",
      [](CLI::App& command, ListenArgs& args) {
        DeclareFilter(command, args.filter);
        command.add_flag("--internal", args.internal,
                         "Also events that servers send to themselves");
        command.add_option("--limit", args.limit, "End after so many events; 0: never")
            ->check(CLI::NonNegativeNumber);
      },
      RunListen)
      ->alias("watch");
  AddEventSendCommand(group, slot);
}

}  // namespace aiflow::cli
