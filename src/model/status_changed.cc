#include "model/status_changed.h"

#include <nlohmann/json.hpp>
#include <string>

#include "model/event_keys.h"

namespace aiflow {

Event StatusChangedEvent(std::string_view ns, std::string_view workflow, std::string_view task,
                         const AttemptKey& attempt, TaskStatus status) {
  nlohmann::ordered_json context;
  context["namespace"] = ns;
  context["workflow_execution_id"] = attempt.execution.value();
  context["workflow_name"] = workflow;
  context["task_name"] = task;
  context["task_status"] = TaskStatusName(status);
  context["sequence_number"] = attempt.sequence;
  context["try_number"] = attempt.try_number;
  Event event;
  event.kind = EventKind::kStatusChanged;
  event.key = StatusChangedKey(ns, workflow, task);
  event.value = kStatusChangedValue;
  event.context = context.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  event.ns = ns;
  // As old listeners know it: a task manager reports what a task did, the executor that it stopped
  // one.
  event.sender = status == TaskStatus::kStopped ? "task_executor" : "task_manager";
  event.id = StatusChangedEventId(attempt, status);
  return event;
}

std::optional<TaskStatus> StatusOf(const Event& status_changed) {
  const auto json = nlohmann::json::parse(status_changed.context, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto member = json.find("task_status");
  if (member == json.end() || !member->is_string()) return std::nullopt;
  return ParseTaskStatus(member->get_ref<const std::string&>());
}

}  // namespace aiflow
