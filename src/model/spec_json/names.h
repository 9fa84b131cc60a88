#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "model/task_status.h"
#include "model/workflow_spec.h"

/// The words that enums have in the JSON form of a specification.
namespace aiflow::spec_json {

template <typename T, size_t N>
using Names = std::array<std::pair<std::string_view, T>, N>;

inline constexpr Names<OperatorKind, 3> kOperators = {{{"bash", OperatorKind::kBash},
                                                       {"host", OperatorKind::kHost},
                                                       {"empty", OperatorKind::kEmpty}}};
inline constexpr Names<Overlap, 3> kOverlaps = {
    {{"restart", Overlap::kRestart}, {"skip", Overlap::kSkip}, {"queue", Overlap::kQueue}}};
inline constexpr Names<CatchUp, 3> kCatchUps = {
    {{"none", CatchUp::kNone}, {"one", CatchUp::kOne}, {"all", CatchUp::kAll}}};
inline constexpr Names<ParamType, 5> kParamTypes = {{{"string", ParamType::kString},
                                                     {"integer", ParamType::kInteger},
                                                     {"number", ParamType::kNumber},
                                                     {"boolean", ParamType::kBoolean},
                                                     {"json", ParamType::kJson}}};
inline constexpr Names<FilterField, 3> kFilterFields = {{{"value", FilterField::kValue},
                                                         {"context", FilterField::kContext},
                                                         {"sender", FilterField::kSender}}};
inline constexpr Names<EventScope, 3> kScopes = {{{"any", EventScope::kAny},
                                                  {"execution", EventScope::kExecution},
                                                  {"namespace", EventScope::kNamespace}}};
inline constexpr Names<OnAlive, 3> kOnAlive = {
    {{"ignore", OnAlive::kIgnore}, {"queue", OnAlive::kQueue}, {"restart", OnAlive::kRestart}}};
inline constexpr Names<TaskAction, 3> kActions = {{{"START", TaskAction::kStart},
                                                   {"STOP", TaskAction::kStop},
                                                   {"RESTART", TaskAction::kRestart}}};
inline constexpr Names<ConditionKind, 6> kConditions = {
    {{"event", ConditionKind::kEvent},
     {"all_of", ConditionKind::kAllOf},
     {"any_of", ConditionKind::kAnyOf},
     {"task_status", ConditionKind::kTaskStatus},
     {"all_task_status", ConditionKind::kAllTaskStatus},
     {"custom", ConditionKind::kCustom}}};
inline constexpr Names<TaskStatus, 8> kStatuses = {{{"INIT", TaskStatus::kInit},
                                                    {"QUEUED", TaskStatus::kQueued},
                                                    {"RUNNING", TaskStatus::kRunning},
                                                    {"SUCCESS", TaskStatus::kSuccess},
                                                    {"FAILED", TaskStatus::kFailed},
                                                    {"STOPPING", TaskStatus::kStopping},
                                                    {"STOPPED", TaskStatus::kStopped},
                                                    {"RETRYING", TaskStatus::kRetrying}}};

template <typename T, size_t N>
std::string_view NameOf(const Names<T, N>& names, T value) {
  return std::find_if(names.begin(), names.end(),
                      [value](const auto& n) { return n.second == value; })
      ->first;
}

}  // namespace aiflow::spec_json
