#pragma once

#include <string>

#include "base/status.h"
#include "model/execution_status.h"
#include "model/ids.h"

namespace aiflow {

/// What one hook of a workflow is told about an execution that has ended, and where. Everything
/// that is needed to deliver it, so that it is told as it was, whatever happens to the execution
/// and its snapshot meanwhile. Plain value.
struct HookCall {
  ExecutionId execution_id;
  WorkflowId workflow_id;
  std::string ns;
  std::string workflow;
  ExecutionStatus status = ExecutionStatus::kFailed;
  std::string reason;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  std::string command;  // run by bash; or
  std::string url;      // gets a POST of Message()
  friend bool operator==(const HookCall&, const HookCall&) = default;

  /// What the world is told, as a JSON object: all of it but where it goes.
  [[nodiscard]] std::string Message() const;
};

/// As it is kept in the outbox, a JSON object.
std::string FormatHookCall(const HookCall& call);
/// kInvalidArgument when it is not of FormatHookCall.
Result<HookCall> ParseHookCall(const std::string& text);

}  // namespace aiflow
