#pragma once

#include <memory>
#include <vector>

#include "model/event.h"
#include "model/workflow_spec.h"

namespace aiflow {

/// One event as filters look at it: its fields are read as JSON at most once, whatever the number
/// of rules. Not thread-safe. `event` must outlive it.
class EventFields {
 public:
  explicit EventFields(const Event& event);
  ~EventFields();
  EventFields(const EventFields&) = delete;
  EventFields& operator=(const EventFields&) = delete;

  /// Whether all `filters` are met. A field that is no JSON, or a pointer that leads nowhere, meets
  /// nothing.
  [[nodiscard]] bool Meets(const std::vector<FilterSpec>& filters) const;
  /// Whether the event was addressed in the way that `scope` takes.
  [[nodiscard]] bool IsWithin(EventScope scope) const;

 private:
  struct Parsed;
  const Event& event_;
  mutable std::unique_ptr<Parsed> parsed_;  // made when first asked for
};

}  // namespace aiflow
