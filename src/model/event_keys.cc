#include "model/event_keys.h"

#include <algorithm>
#include <cctype>

namespace aiflow {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

std::string StatusChangedKey(std::string_view ns, std::string_view workflow,
                             std::string_view task) {
  std::string key(kStatusChangedKeyPrefix);
  key.append(ns).append(".").append(workflow).append(".").append(task);
  return key;
}

std::string_view MatchingNamespace(std::string_view ns) {
  return ns.empty() || ns == "DEFAULT" ? kDefaultNamespace : ns;
}

std::string WireEventId(std::string_view ns, std::string_view uuid) {
  constexpr std::string_view kClient = "client_";
  if (uuid.starts_with(kClient)) {
    const std::string_view rest = uuid.substr(kClient.size());
    const size_t split = rest.find('_');
    if (split != std::string_view::npos && IsNumber(rest.substr(0, split)) &&
        IsNumber(rest.substr(split + 1))) {
      return "c/" + std::string(rest.substr(0, split)) + "/" + std::string(rest.substr(split + 1));
    }
  }
  return "w/" + std::string(MatchingNamespace(ns)) + "/" + std::string(uuid);
}

std::string RequestEventId(std::string_view request_id) {
  return "i/request/" + std::string(request_id);
}

std::string StatusReportEventId(const AttemptKey& attempt, TaskStatus status) {
  return "i/report/" + attempt.ToString() + "/" + std::string(TaskStatusName(status));
}

std::string EngineReportEventId(const AttemptKey& attempt, TaskStatus status, Offset offset) {
  return "i/engine/" + attempt.ToString() + "/" + std::string(TaskStatusName(status)) + "/" +
         std::to_string(offset);
}

std::string StatusChangedEventId(const AttemptKey& attempt, TaskStatus status) {
  return "i/changed/" + attempt.ToString() + "/" + std::string(TaskStatusName(status));
}

std::string TimerEventId(const TimerFired& timer) {
  return "i/timer/" + std::to_string(static_cast<int>(timer.kind)) + "/" +
         std::to_string(timer.owner) + "/" + std::to_string(timer.task) + "/" +
         std::to_string(timer.generation) + "/" + std::to_string(timer.due_ms);
}

std::string AnswerEventId(const EvaluationAnswer& answer) {
  return "i/answer/" + std::to_string(answer.execution_id) + "/" +
         std::to_string(answer.trigger_id) + "/" + std::to_string(answer.offset) + "/" +
         std::to_string(answer.ordinal) + "/" + std::to_string(answer.task) + "/" +
         std::to_string(answer.generation);
}

std::string HookResultEventId(const HookResult& result) {
  return "i/hook/" + std::to_string(result.outbox_id) + "/" + std::to_string(result.tries);
}

std::string ReplayEventId(const ReplayHeld& replay, Offset offset, DeadLetterId letter) {
  return "i/replay/" + std::to_string(replay.execution_id) + "/" +
         std::to_string(replay.workflow_id) + "/" + std::to_string(offset) + "/" +
         std::to_string(letter.value());
}

std::string ResentEventId(DeadLetterId letter) {
  return "i/resent/" + std::to_string(letter.value());
}

}  // namespace aiflow
