#include "condition_question.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <typeinfo>

#include "aiflow/condition_context.h"
#include "condition_states.h"
#include "model/base64.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxErrorBytes = 2000;

/// Members that have another type than they should, or are not there, read as empty.
std::string Text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t Number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

/// Part of `object`, so that its members may be walked.
const Json& Object(const Json& object, const char* name) {
  static const Json& none = *new Json(Json::object());
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : none;
}

ReceivedEvent ToEvent(const Json& message) {
  ReceivedEvent event;
  event.offset = Number(message, "offset");
  event.create_time = Number(message, "create_time");
  event.key = Text(message, "key");
  event.value = Text(message, "value");
  event.context = Text(message, "context");
  event.ns = Text(message, "namespace");
  event.sender = Text(message, "sender");
  return event;
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text.size() > kMaxErrorBytes ? text.substr(0, kMaxErrorBytes) + "..." : text;
}

std::string TypeName(const std::exception& error) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status), std::free);
  return status == 0 && name != nullptr ? name.get() : "exception";
}

/// What the code says, or, in `error`, why it says nothing.
bool Ask(const ConditionFunction& is_met, const ReceivedEvent& event, ConditionContext& context,
         std::string& error) {
  try {
    return is_met(event, context);
  } catch (const std::exception& thrown) {
    error = TypeName(thrown) + ": " + thrown.what();
  } catch (...) {
    error = "exception of an unknown type";
  }
  return false;
}

std::string Place(const Json& ask) {
  return "workflow '" + Text(ask, "workflow") + "', task '" + Text(ask, "task") + "', rule " +
         std::to_string(Number(ask, "rule"));
}

}  // namespace

bool ConditionQuestion::IsUnderstood(const Json& message) {
  return message.is_object() && message.contains("id") && message.contains("ask") &&
         message["ask"].is_object() && message.contains("event") && message["event"].is_object();
}

const ConditionFunction* ConditionQuestion::Find(const Json& ask, std::string& error) const {
  if (ask.contains("trigger")) {
    error = "a C++ program answers for the rules of its tasks only, not for triggers";
    return nullptr;
  }
  const int64_t rule = Number(ask, "rule");
  const int64_t number = Number(ask, "question");
  for (const Workflow* flow : workflows_) {
    if (flow->spec().name != Text(ask, "workflow") || flow->spec().ns != Text(ask, "namespace")) {
      continue;
    }
    const ConditionFunction* found =
        rule < 0 || number < 0 ? nullptr
                               : flow->question(Text(ask, "task"), static_cast<size_t>(rule),
                                                static_cast<size_t>(number));
    if (found != nullptr && *found) return found;
    break;
  }
  error = Place(ask) + " has no custom condition number " + std::to_string(number) +
          "; does the program declare other rules here than where it was uploaded?";
  return nullptr;
}

Json ConditionQuestion::Answer(const Json& message) const {
  Json answer = {{"id", message["id"]}};
  const Json& ask = message["ask"];
  std::string error;
  const ConditionFunction* is_met = Find(ask, error);
  ConditionStates::Values values;
  for (const auto& [name, value] : Object(message, "states").items()) {
    if (auto bytes = Base64Decode(value.is_string() ? value.get<std::string>() : "")) {
      values[name] = *std::move(bytes);
    }
  }
  bool met = false;
  ConditionContext context;
  context.states_ = std::make_unique<ConditionStates>(std::move(values));
  if (is_met != nullptr) {
    context.ns_ = Text(ask, "namespace");
    context.workflow_ = Text(ask, "workflow");
    const Json& known = Object(message, "context");
    context.execution_id_ = Number(known, "workflow_execution_id");
    context.snapshot_id_ = Number(known, "snapshot_id");
    for (const auto& [task, status] : Object(known, "statuses").items()) {
      const auto parsed = ParseTaskStatus(status.is_string() ? status.get<std::string>() : "");
      if (parsed.has_value()) context.statuses_[task] = *parsed;
    }
    for (const auto& [name, value] : Object(known, "params").items()) {
      context.params_[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    met = Ask(*is_met, ToEvent(message["event"]), context, error);
    if (error.empty()) error = context.states_->error();
  }
  if (!error.empty()) {
    error = OneLine(std::move(error));
    std::cerr << "condition failed: " << error << std::endl;
    answer["error"] = error;
    return answer;
  }
  answer["met"] = met;
  answer["states"] = Json::object();
  for (const auto& [name, value] : context.states_->Changes()) {
    answer["states"][name] = value.has_value() ? Json(Base64Encode(*value)) : Json();
  }
  return answer;
}

}  // namespace aiflow
