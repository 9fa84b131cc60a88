#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aiflow/event.h"
#include "model/workflow_spec.h"

namespace aiflow {

class ConditionContext;
class Task;

/// User code that decides whether an event meets a condition. It is run in a host process that has
/// loaded the workflow program, for one event at a time, and is the same object every time; what it
/// must remember belongs into the states of its context, not into itself. An exception that escapes
/// means "not met" after some attempts, and is kept with the event.
using ConditionFunction = std::function<bool(const ReceivedEvent&, ConditionContext&)>;

/// The same as a class.
class CustomCondition {
 public:
  virtual ~CustomCondition() = default;
  virtual bool IsMet(const ReceivedEvent& event, ConditionContext& context) = 0;
};

/// A condition over events. Immutable value; made by OnEvent and the functions below.
class Condition {
 public:
  /// Met by each event with this key. OnEvent takes filters as well.
  static Condition Event(std::string key);
  /// Met when `task` (of the same workflow) reaches `status`.
  static Condition Status(const Task& task, TaskStatus status);
  /// Met when a task of any workflow reaches `status`.
  static Condition Status(std::string ns, std::string workflow, std::string task,
                          TaskStatus status);
  /// Met when each child has been met since it last fired. `name` is unique within the workflow.
  static Condition AllOf(std::string name, std::vector<Condition> children);
  /// Met by an event that meets one of the children.
  static Condition AnyOf(std::vector<Condition> children);
  /// Met when every task has its status now, once for each set of their runs.
  static Condition AllStatus(const std::vector<std::pair<const Task*, TaskStatus>>& tasks);
  /// Met by an event with one of the keys to which `is_met` says yes. `name` is for people.
  static Condition Custom(std::string name, std::vector<std::string> event_keys,
                          ConditionFunction is_met);
  static Condition Custom(std::string name, std::vector<std::string> event_keys,
                          std::shared_ptr<CustomCondition> condition);

  [[nodiscard]] const ConditionSpec& spec() const { return spec_; }
  /// The code of the custom conditions in it, in the order in which a host is asked about them:
  /// depth-first.
  [[nodiscard]] const std::vector<ConditionFunction>& questions() const { return questions_; }

 protected:
  explicit Condition(ConditionSpec spec) : spec_(std::move(spec)) {}
  [[nodiscard]] ConditionSpec& mutable_spec() { return spec_; }

 private:
  static Condition Compose(ConditionSpec spec, std::vector<Condition> children);

  ConditionSpec spec_;
  std::vector<ConditionFunction> questions_;
};

/// What a filter demands of a value: made from a value (equals), or by the functions below.
class Demand {
 public:
  // Implicit, so that `.Value("x")` and `.Context("/rows", 3)` read as they are meant.
  Demand(const char* text);         // NOLINT(google-explicit-constructor)
  Demand(const std::string& text);  // NOLINT(google-explicit-constructor)
  Demand(int number);               // NOLINT(google-explicit-constructor)
  Demand(int64_t number);           // NOLINT(google-explicit-constructor)
  Demand(double number);            // NOLINT(google-explicit-constructor)
  Demand(bool value);               // NOLINT(google-explicit-constructor)

  [[nodiscard]] const FilterSpec& spec() const { return spec_; }

 private:
  friend Demand OneOf(std::initializer_list<Demand> values);
  friend Demand EqualsJson(std::string json);
  friend Demand Between(double min, double max);
  friend Demand AtLeast(double min);
  friend Demand AtMost(double max);
  Demand() = default;

  FilterSpec spec_;
};

/// One of the values.
Demand OneOf(std::initializer_list<Demand> values);
/// Any JSON value, as its text.
Demand EqualsJson(std::string json);
/// A number from `min` to `max`, both included.
Demand Between(double min, double max);
Demand AtLeast(double min);
Demand AtMost(double max);

/// Met by events with a key that are also as demanded; all demands must be met:
///
///   OnEvent("batch").Value("/rows", Between(1, 1000)).Context("/region", OneOf({"eu", "us"}))
class OnEvent : public Condition {
 public:
  explicit OnEvent(std::string key) : Condition(Condition::Event(std::move(key))) {}

  /// The whole value, as a text or a number.
  OnEvent& Value(const Demand& demand);
  /// What the JSON Pointer `pointer` leads to in the value read as JSON; "" is all of it.
  OnEvent& Value(std::string pointer, const Demand& demand);
  OnEvent& Context(const Demand& demand);
  OnEvent& Context(std::string pointer, const Demand& demand);
  OnEvent& Sender(const Demand& demand);
  /// Only events that were addressed so.
  OnEvent& Scope(EventScope scope);

 private:
  OnEvent& Add(FilterField field, const Demand& demand);
  OnEvent& Add(FilterField field, std::string pointer, const Demand& demand);
};

}  // namespace aiflow
