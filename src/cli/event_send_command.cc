#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/backoff.h"
#include "cli/command.h"
#include "cli/event_text.h"
#include "cli/event_use.h"

namespace aiflow::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// As long as the SDKs' clients wait for a server that restarts.
constexpr double kDefaultTimeoutSeconds = 60;
constexpr double kMaxTimeoutSeconds = 7 * 24 * 3600;
// One attempt: a server that hangs is not the server that comes after it.
constexpr milliseconds kAttemptTimeout{10'000};

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

// Whether another attempt may do better: the server is away, ends just now, hangs or is busy.
bool MayRetry(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded ||
         status.code() == Code::kResourceExhausted || status.code() == Code::kAborted ||
         status.code() == Code::kCancelled;
}

Result<v1::PublishResponse> PublishOnce(Session& session, const v1::PublishRequest& request,
                                        milliseconds timeout) {
  const Result<EventClient*> client = session.GetEventClient();
  if (!client) return Error(client.error());
  return (*client)->Publish(request, timeout);
}

std::string Seconds(double seconds) {
  std::string text = std::to_string(static_cast<int64_t>(seconds));
  return text + (text == "1" ? " second" : " seconds");
}

// Until the event is stored, is refused for good, or the time is over. The request carries the
// event's id, so that one whose acknowledgement was lost is not stored twice.
Result<v1::PublishResponse> Publish(Session& session, const v1::PublishRequest& request,
                                    double timeout_seconds) {
  const Clock& clock = session.world().clock;
  const nanoseconds end = clock.Monotonic() + std::chrono::duration_cast<nanoseconds>(
                                                  std::chrono::duration<double>(timeout_seconds));
  Backoff backoff;
  for (bool first = true;; first = false) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - clock.Monotonic());
    // Without any time to wait it is still one whole attempt.
    const milliseconds time = first && timeout_seconds == 0
                                  ? kAttemptTimeout
                                  : std::clamp(left, milliseconds(1), kAttemptTimeout);
    auto stored = PublishOnce(session, request, time);
    if (stored || !MayRetry(stored.error())) return stored;
    const milliseconds pause = backoff.Next();
    if (clock.Monotonic() + pause >= end) return stored;
    if (first) {
      session.output().Note(stored.error().message() + "; trying again for up to " +
                            Seconds(timeout_seconds) + " (--timeout).");
    }
    session.world().sleep(pause);
    session.ForgetClients();
  }
}

// An event may come before those who hear it, so what does not exist (yet) is worth a word only.
// Without the scheduler's answer nothing is said: the event is stored.
void WarnOfNobody(Session& session, const SendArgs& args) {
  // The scheduler that we would ask is that of the notification server only when both were found
  // the same way.
  if (session.NotificationServerIsNamed()) return;
  if (args.execution == 0 && args.ns == "default") return;
  const Result<Client*> client = session.GetClient();
  if (!client) return;
  if (args.execution != 0) {
    const auto execution = (*client)->GetWorkflowExecution(args.execution);
    const std::string id = std::to_string(args.execution);
    if (!execution && execution.error().code() == Code::kNotFound) {
      session.output().Note("Warning: there is no workflow execution " + id +
                            ": at most triggers hear this event. 'aiflow workflow-execution list "
                            "NAME' shows the ids.");
    } else if (execution && execution->end_time() != 0) {
      session.output().Note("Warning: workflow execution " + id + " has ended (" +
                            execution->status() + "): none of its tasks hears this event.");
    }
    return;
  }
  const auto namespaces = (*client)->ListNamespaces();
  if (!namespaces) return;
  const bool known = std::any_of(namespaces->begin(), namespaces->end(),
                                 [&](const auto& ns) { return ns.name() == args.ns; });
  if (!known) {
    session.output().Note("Warning: there is no namespace '" + args.ns +
                          "': nobody hears this event. 'aiflow namespace list' shows them.");
  }
}

Status NotSent(const Status& status, const v1::PublishRequest& request, double timeout_seconds) {
  return {status.code(), status.message() + " (tried for " + Seconds(timeout_seconds) +
                             ", --timeout waits longer); send the event again with --id " +
                             request.event_id() + ", then it is stored once in any case"};
}

}  // namespace

void DeclareSendTimeout(CLI::App& command, SendArgs& args) {
  args.timeout_seconds = kDefaultTimeoutSeconds;
  command
      .add_option("--timeout", args.timeout_seconds,
                  "Seconds to try again while no server answers or it is busy")
      ->check(CLI::Range(0.0, kMaxTimeoutSeconds))
      ->capture_default_str();
}

int SendEvent(Session& session, const SendArgs& args) {
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
  const auto stored = Publish(session, request, args.timeout_seconds);
  if (!stored) {
    const bool gave_up = MayRetry(stored.error());
    return session.Fail(gave_up ? NotSent(stored.error(), request, args.timeout_seconds)
                                : stored.error());
  }
  event.set_offset(stored->offset());
  event.set_create_time(stored->create_time());
  session.output().Line("Successfully send event: " + EventText(event) + ".");
  if (stored->duplicate() && !args.event_id.empty()) {
    session.output().Note("An event with the id " + args.event_id +
                          " was there already; nothing was added.");
  }
  WarnOfNobody(session, args);
  return kExitOk;
}

void AddEventSendCommand(CLI::App& events, CommandSlot& slot) {
  AddCommand<SendArgs>(
      events, slot, "send", "Send an event",
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
        DeclareSendTimeout(command, args);
      },
      SendEvent);
}

}  // namespace aiflow::cli
