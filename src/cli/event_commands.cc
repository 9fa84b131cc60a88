#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/text.h"

namespace aiflow::cli {
namespace {

constexpr std::chrono::milliseconds kReconnectDelay{300};
constexpr int kMaxReconnects = 200;  // a minute

struct SendArgs {
  std::string key;
  std::string value;
  std::string ns;
  std::string context;
  int64_t execution = 0;
  std::string event_id;
  std::string sender;
};
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

std::string ToText(const v1::EventRecord& event) {
  return "key:" + Printable(event.key(), false) + ", value:" + Printable(event.value(), false) +
         ", namespace:" + event.namespace_() + ", sender:" + Printable(event.sender(), false) +
         ", create_time:" + std::to_string(event.create_time()) +
         ", offset:" + std::to_string(event.offset()) +
         ", context: " + Printable(event.context(), false);
}

// The context with the execution that the event is confined to.
Result<std::string> ContextOf(const SendArgs& args) {
  if (args.execution == 0) return args.context;
  nlohmann::json json = nlohmann::json::object();
  if (!args.context.empty()) {
    json = nlohmann::json::parse(args.context, nullptr, /*allow_exceptions=*/false);
  }
  if (!json.is_object()) {
    return Error(Code::kInvalidArgument,
                 "--context: must be a JSON object when --execution is given");
  }
  json["workflow_execution_id"] = args.execution;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int RunSend(Session& session, const SendArgs& args) {
  const Result<std::string> context = ContextOf(args);
  if (!context) {
    session.Fail(context.error());
    return kExitUsage;
  }
  v1::PublishRequest request;
  // Our own id makes a repeated call harmless where the caller gave none.
  request.set_event_id(args.event_id.empty() ? Session::NewId() : args.event_id);
  v1::EventRecord& event = *request.mutable_event();
  event.set_key(args.key);
  event.set_value(args.value);
  event.set_namespace_(args.ns);
  event.set_sender(args.sender);
  event.set_context(*context);
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return session.Fail(client.error());
  const auto stored = (*client)->Publish(request);
  if (!stored) return session.Fail(stored.error());
  event.set_offset(stored->offset());
  event.set_create_time(stored->create_time());
  session.output().Line("Successfully send event: " + ToText(event) + ".");
  if (stored->duplicate() && !args.event_id.empty()) {
    session.output().Note("An event with the id " + args.event_id +
                          " was there already; nothing was added.");
  }
  return kExitOk;
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
  Table table{
      .columns = {"namespace", "key", "value", "sender", "create_time", "context", "offset"},
      .rows = {}};
  for (const v1::EventRecord& event : *events) {
    table.rows.push_back({TextOrNone(event.namespace_()), event.key(), event.value(),
                          TextOrNone(event.sender()), FormatTime(event.create_time()),
                          TextOrNone(event.context()), std::to_string(event.offset())});
  }
  session.output().Print(table, *ParseFormat(args.format));
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
      session.output().Line(ToText(event));
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
  AddCommand<SendArgs>(
      group, slot, "send", "Send an event",
      [](CLI::App& command, SendArgs& args) {
        command.add_option("KEY", args.key, "Its key")->required();
        command.add_option("VALUE", args.value, "Its value")->required();
        AddNamespaceOption(command, args.ns);
        command.add_option("--context", args.context, "Its context, by convention a JSON object");
        command.add_option("--execution", args.execution,
                           "Id of the workflow execution it is for; none: all of the namespace");
        command.add_option("--id", args.event_id,
                           "Its idempotency key: the same id is stored once");
        command.add_option("--sender", args.sender, "Who sends it");
      },
      RunSend);
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
