#include "aiflow/condition.h"

#include <nlohmann/json.hpp>

#include "aiflow/workflow.h"

namespace aiflow {
namespace {

std::string JsonText(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Condition Condition::Event(std::string key) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kEvent;
  spec.key = std::move(key);
  return Condition(std::move(spec));
}

Condition Condition::Status(const Task& task, TaskStatus status) {
  const WorkflowSpec& flow = task.workflow().spec();
  return Status(flow.ns, flow.name, task.spec().name, status);
}

Condition Condition::Status(std::string ns, std::string workflow, std::string task,
                            TaskStatus status) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kTaskStatus;
  spec.ns = std::move(ns);
  spec.workflow = std::move(workflow);
  spec.task = std::move(task);
  spec.status = status;
  return Condition(std::move(spec));
}

Condition Condition::Compose(ConditionSpec spec, std::vector<Condition> children) {
  Condition condition(std::move(spec));
  for (Condition& child : children) {
    condition.spec_.children.push_back(std::move(child.spec_));
    for (ConditionFunction& question : child.questions_) {
      condition.questions_.push_back(std::move(question));
    }
  }
  return condition;
}

Condition Condition::AllOf(std::string name, std::vector<Condition> children) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAllOf;
  spec.name = std::move(name);
  return Compose(std::move(spec), std::move(children));
}

Condition Condition::AnyOf(std::vector<Condition> children) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAnyOf;
  return Compose(std::move(spec), std::move(children));
}

Condition Condition::AllStatus(const std::vector<std::pair<const Task*, TaskStatus>>& tasks) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAllTaskStatus;
  std::vector<Condition> children;
  for (const auto& [task, status] : tasks) children.push_back(Status(*task, status));
  return Compose(std::move(spec), std::move(children));
}

Condition Condition::Custom(std::string name, std::vector<std::string> event_keys,
                            ConditionFunction is_met) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kCustom;
  spec.name = std::move(name);
  spec.event_keys = std::move(event_keys);
  Condition condition(std::move(spec));
  condition.questions_.push_back(std::move(is_met));
  return condition;
}

Condition Condition::Custom(std::string name, std::vector<std::string> event_keys,
                            std::shared_ptr<CustomCondition> condition) {
  return Custom(
      std::move(name), std::move(event_keys),
      [condition = std::move(condition)](const ReceivedEvent& event, ConditionContext& context) {
        return condition->IsMet(event, context);
      });
}

Demand::Demand(const char* text) : Demand(std::string(text)) {}
Demand::Demand(const std::string& text) { spec_.one_of.push_back(JsonText(text)); }
Demand::Demand(int number) { spec_.one_of.push_back(JsonText(number)); }
Demand::Demand(int64_t number) { spec_.one_of.push_back(JsonText(number)); }
Demand::Demand(double number) { spec_.one_of.push_back(JsonText(number)); }
Demand::Demand(bool value) { spec_.one_of.push_back(JsonText(value)); }

Demand OneOf(std::initializer_list<Demand> values) {
  Demand demand;
  for (const Demand& value : values) {
    demand.spec_.one_of.insert(demand.spec_.one_of.end(), value.spec_.one_of.begin(),
                               value.spec_.one_of.end());
  }
  return demand;
}

Demand EqualsJson(std::string json) {
  Demand demand;
  demand.spec_.one_of.push_back(std::move(json));
  return demand;
}

Demand Between(double min, double max) {
  Demand demand;
  demand.spec_.min = min;
  demand.spec_.max = max;
  return demand;
}

Demand AtLeast(double min) {
  Demand demand;
  demand.spec_.min = min;
  return demand;
}

Demand AtMost(double max) {
  Demand demand;
  demand.spec_.max = max;
  return demand;
}

OnEvent& OnEvent::Value(const Demand& demand) { return Add(FilterField::kValue, demand); }
OnEvent& OnEvent::Value(std::string pointer, const Demand& demand) {
  return Add(FilterField::kValue, std::move(pointer), demand);
}
OnEvent& OnEvent::Context(const Demand& demand) { return Add(FilterField::kContext, demand); }
OnEvent& OnEvent::Context(std::string pointer, const Demand& demand) {
  return Add(FilterField::kContext, std::move(pointer), demand);
}
OnEvent& OnEvent::Sender(const Demand& demand) { return Add(FilterField::kSender, demand); }

OnEvent& OnEvent::Scope(EventScope scope) {
  mutable_spec().scope = scope;
  return *this;
}

OnEvent& OnEvent::Add(FilterField field, const Demand& demand) {
  FilterSpec filter = demand.spec();
  filter.field = field;
  mutable_spec().filters.push_back(std::move(filter));
  return *this;
}

OnEvent& OnEvent::Add(FilterField field, std::string pointer, const Demand& demand) {
  Add(field, demand);
  mutable_spec().filters.back().pointer = std::move(pointer);
  return *this;
}

}  // namespace aiflow
