#include "hosts/host_messages.h"

#include <nlohmann/json.hpp>

#include "model/base64.h"
#include "model/json_depth.h"
#include "model/limits.h"

namespace aiflow::hosts {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr int kProtocol = 1;
/// Of what a host said, in messages.
constexpr size_t kQuotedBytes = 80;

OrderedJson AskOf(const ConditionQuestion& question, std::string_view pickled) {
  OrderedJson ask;
  ask["namespace"] = question.ns;
  ask["workflow"] = question.workflow;
  if (question.trigger.valid()) {
    ask["trigger"] = question.trigger.value();
    ask["pickled"] = Base64Encode(pickled);
  } else {
    ask["task"] = question.task;
    ask["rule"] = question.rule;
  }
  ask["question"] = question.question;
  return ask;
}

OrderedJson EventOf(const Event& event) {
  OrderedJson json;
  json["key"] = event.key;
  json["value"] = event.value;
  json["context"] = event.context;
  json["namespace"] = event.ns;
  json["sender"] = event.sender;
  json["offset"] = event.offset;
  json["create_time"] = event.create_time.count();
  return json;
}

OrderedJson ContextOf(const ConditionQuestion& question) {
  OrderedJson context;
  context["workflow_id"] = question.workflow_id.value();
  context["snapshot_id"] = question.snapshot.value();
  if (!question.execution.valid()) return context;
  context["workflow_execution_id"] = question.execution.value();
  OrderedJson statuses = OrderedJson::object();
  for (const auto& [task, status] : question.statuses) statuses[task] = TaskStatusName(status);
  context["statuses"] = std::move(statuses);
  OrderedJson params = OrderedJson::parse(question.params_json, nullptr, false);
  context["params"] = params.is_object() ? std::move(params) : OrderedJson::object();
  return context;
}

std::string Quoted(std::string_view line) {
  const bool is_long = line.size() > kQuotedBytes;
  const std::string text = Json(std::string(line.substr(0, kQuotedBytes)))
                               .dump(-1, ' ', true, Json::error_handler_t::replace);
  return text + (is_long ? "..." : "");
}

tl::unexpected<Status> Nonsense(std::string_view line) {
  return Error(Code::kInvalidArgument, "its host said " + Quoted(line));
}

}  // namespace

std::string FormatQuestion(int64_t id, const ConditionQuestion& question,
                           std::string_view pickled) {
  OrderedJson json;
  json["id"] = id;
  json["ask"] = AskOf(question, pickled);
  json["event"] = EventOf(question.event);
  json["context"] = ContextOf(question);
  OrderedJson states = OrderedJson::object();
  for (const StateRow& state : question.states) states[state.name] = Base64Encode(state.value);
  json["states"] = std::move(states);
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Status ReadGreeting(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Nonsense(line).value();
  if (const auto error = json.find("error"); error != json.end() && error->is_string()) {
    return {Code::kFailedPrecondition, error->get<std::string>()};
  }
  const auto ready = json.find("ready");
  if (ready == json.end() || *ready != true) return Nonsense(line).value();
  const auto protocol = json.find("protocol");
  if (protocol == json.end() || *protocol != kProtocol) {
    return {Code::kInvalidArgument, "its host speaks another version of the protocol than " +
                                        std::to_string(kProtocol) +
                                        "; upload the workflow again with the SDK of this server"};
  }
  return Status::Ok();
}

Result<ConditionAnswer> ReadAnswer(std::string_view line, int64_t id) {
  // Its states are written again, which recurses.
  if (IsDeeperJson(line, limits::kMaxJsonDepth)) return Nonsense(line);
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Nonsense(line);
  const auto of = json.find("id");
  if (of == json.end() || *of != id) return Nonsense(line);
  ConditionAnswer answer;
  if (const auto error = json.find("error"); error != json.end()) {
    if (!error->is_string()) return Nonsense(line);
    answer.error = error->get<std::string>();
    if (answer.error.empty()) answer.error = "an error without a text";
    return answer;
  }
  const auto met = json.find("met");
  if (met == json.end() || !met->is_boolean()) return Nonsense(line);
  answer.met = met->get<bool>();
  const auto states = json.find("states");
  if (states == json.end() || states->is_null()) return answer;
  if (!states->is_object()) return Nonsense(line);
  if (!states->empty()) answer.states_json = states->dump();
  return answer;
}

}  // namespace aiflow::hosts
