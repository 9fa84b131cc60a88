#include "model/hook_call.h"

#include <nlohmann/json.hpp>

namespace aiflow {
namespace {

using Json = nlohmann::json;

Json MessageOf(const HookCall& call) {
  return Json{{"workflow_execution_id", call.execution_id.value()},
              {"workflow_id", call.workflow_id.value()},
              {"namespace", call.ns},
              {"workflow", call.workflow},
              {"status", ExecutionStatusName(call.status)},
              {"reason", call.reason},
              {"begin_ms", call.begin_ms},
              {"end_ms", call.end_ms}};
}

// Bytes that are no UTF-8 (a reason from a task) are replaced, never thrown at.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& json, const char* name) {
  const auto member = json.find(name);
  return member != json.end() && member->is_string() ? member->get<std::string>() : "";
}
int64_t NumberOf(const Json& json, const char* name) {
  const auto member = json.find(name);
  return member != json.end() && member->is_number_integer() ? member->get<int64_t>() : 0;
}

}  // namespace

std::string HookCall::Message() const { return Dump(MessageOf(*this)); }

std::string FormatHookCall(const HookCall& call) {
  Json json = MessageOf(call);
  json["command"] = call.command;
  json["url"] = call.url;
  return Dump(json);
}

Result<HookCall> ParseHookCall(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Error(Code::kInvalidArgument, "hook call: it is no JSON object");
  HookCall call;
  call.execution_id = ExecutionId(NumberOf(json, "workflow_execution_id"));
  call.workflow_id = WorkflowId(NumberOf(json, "workflow_id"));
  call.ns = TextOf(json, "namespace");
  call.workflow = TextOf(json, "workflow");
  call.reason = TextOf(json, "reason");
  call.begin_ms = NumberOf(json, "begin_ms");
  call.end_ms = NumberOf(json, "end_ms");
  call.command = TextOf(json, "command");
  call.url = TextOf(json, "url");
  const std::string status = TextOf(json, "status");
  for (const ExecutionStatus known :
       {ExecutionStatus::kSuccess, ExecutionStatus::kFailed, ExecutionStatus::kStopped}) {
    if (status == ExecutionStatusName(known)) {
      call.status = known;
      return call;
    }
  }
  return Error(Code::kInvalidArgument, "hook call: its status is '" + status + "'");
}

}  // namespace aiflow
