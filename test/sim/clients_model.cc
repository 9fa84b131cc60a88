#include <algorithm>
#include <vector>

#include "clients.h"
#include "model/event_keys.h"
#include "model/spec_json.h"
#include "reference.h"
#include "workload.h"

/// What people do with triggers, failed events, backfills and namespaces.
namespace aiflow::sim {
namespace {

constexpr const char* kNamespace = "n0";
constexpr Millis kMinute{60'000};

ConditionSpec Leaf(ConditionKind kind, const std::string& name) {
  ConditionSpec leaf;
  leaf.kind = kind;
  if (kind == ConditionKind::kEvent) {
    leaf.key = name;
  } else {
    leaf.name = "custom";
    leaf.event_keys = {name};
  }
  return leaf;
}

}  // namespace

std::string Clients::RandomParams() {
  switch (chaos_.random.Below(8)) {
    case 0: return R"({"n":7})";
    case 1: return R"({"n":7,"s":"text"})";
    case 2: return R"({"s":"text"})";
    case 3: return R"({"n":"no number"})";
    default: return "";
  }
}

void Clients::AddRandomTrigger() {
  SimRandom& random = chaos_.random;
  if (std::ssize(durable_.checker.model().triggers()) >= kMaxStarters / 2) return;
  if (++triggers_ > kMaxStarters - 2) return;
  ConditionSpec condition =
      Leaf(random.Percent(60) ? ConditionKind::kCustom : ConditionKind::kEvent,
           random.Percent(70) ? "e2" : "e1");
  if (condition.kind == ConditionKind::kCustom && random.Percent(30)) {
    condition.event_keys.push_back(
        StatusChangedKey("default", WorkflowName(random.Below(kWorkflows)), TaskName(0)));
  }
  if (random.Percent(30)) {
    ConditionSpec both;
    both.kind = random.Percent(50) ? ConditionKind::kAllOf : ConditionKind::kAnyOf;
    if (both.kind == ConditionKind::kAllOf) both.name = "n";
    both.children = {condition,
                     Leaf(random.Percent(50) ? ConditionKind::kCustom : ConditionKind::kEvent,
                          random.Percent(50) ? "e2" : "e0")};
    condition = both;
  }
  // Mostly of one workflow: several may be met by one event.
  const std::string name = WorkflowName(random.Percent(60) ? 0 : random.Below(kWorkflows));
  if (random.Percent(30)) {
    ++triggers_;
    condition = Leaf(ConditionKind::kCustom, "e2");
    Ask(AddTrigger{.ns = "default",
                   .name = name,
                   .condition_json = FormatCondition(Leaf(ConditionKind::kEvent, "e2"))});
  }
  Ask(AddTrigger{.ns = "default",
                 .name = name,
                 .condition_json = FormatCondition(condition),
                 .params_json = random.Percent(50) ? R"({"n":{"field":"offset"}})" : "",
                 .pickled_digest = *durable_.blobs.Put("a pickled rule"),
                 .host_json = FormatHost({"python", "flow.py", "python3", "3.11", "1.0"})});
}

/// Of ranges that overlap, so that due times are asked for again.
void Clients::Backfill() {
  SimRandom& random = chaos_.random;
  BackfillSchedule request;
  const std::vector<int64_t> schedules = durable_.checker.model().schedules();
  if (random.Percent(50) && !schedules.empty()) {
    request.schedule_id = random.Pick(schedules);
  } else {
    request.ns = "default";
    request.name = WorkflowName(random.Below(kWorkflows));
    request.expression = random.Percent(50) ? "interval@0 0 1 0" : "cron@* * * * *";
  }
  const Millis begin = Millis(1'700'000'000'000) / kMinute * kMinute - random.Below(3) * kMinute;
  request.from_ms = begin.count();
  request.to_ms = (begin + (1 + random.Below(3)) * kMinute).count();
  request.params_json = RandomParams();
  request.dry_run = random.Percent(10);
  Ask(request);
}

void Clients::TouchNamespace() {
  SimRandom& random = chaos_.random;
  WorkflowSpec spec = ReachedSpec();
  spec.ns = kNamespace;
  spec.name = "other";
  if (random.Percent(40)) {
    Ask(DeleteNamespace{.name = kNamespace, .cascade = random.Percent(80)});
    return;
  }
  Ask(AddNamespace{.name = kNamespace});
  Ask(UploadWorkflow{.ns = kNamespace, .name = spec.name, .spec_digest = PutSpec(spec)});
  if (random.Percent(50)) Ask(StartWorkflowExecution{.ns = kNamespace, .name = spec.name});
}

void Clients::EndQuarantines() {
  for (const int64_t id : durable_.checker.model().quarantined(/*droppable=*/false)) {
    Ask(RetryDeadLetter{id});
  }
}

void Clients::ActOnModel() {
  SimRandom& random = chaos_.random;
  const ModelChecker& model = durable_.checker.model();
  if (model.WantsReferenceTrigger() && random.Percent(50)) {
    // Again and again until it is there; the id makes it one.
    Item item;
    item.event = FormatRequest(
        AddTrigger{.ns = "default",
                   .name = kReachedWorkflow,
                   .condition_json = FormatCondition(ReachedCondition()),
                   .pickled_digest = *durable_.blobs.Put("a pickled rule"),
                   .host_json = FormatHost({"python", "flow.py", "python3", "3.11", "1.0"})});
    item.event.id = RequestEventId("reference trigger");
    item.request = true;
    items_.push_back(std::move(item));
    return;
  }
  std::vector<int64_t> letters = model.letters(/*of_triggers=*/random.Percent(50));
  if (letters.empty()) letters = model.letters(/*of_triggers=*/false);
  const std::vector<int64_t> triggers = model.triggers();
  switch (random.Below(14)) {
    case 12:
    case 13: {
      const bool drop = random.Percent(30);
      const std::vector<int64_t> quarantined = model.quarantined(drop);
      if (quarantined.empty()) return;
      const int64_t id = random.Pick(quarantined);
      drop ? Ask(DropDeadLetter{id}) : Ask(RetryDeadLetter{id});
      return;
    }
    case 0:
    case 1:
    case 2:
      if (!letters.empty()) Ask(RetryDeadLetter{random.Pick(letters)});
      return;
    case 3: Ask(DropDeadLetter{letters.empty() ? 1'000'000 : random.Pick(letters)}); return;
    case 4:
    case 5: Backfill(); return;
    case 6: TouchNamespace(); return;
    case 7:
      if (random.Percent(50)) {
        Ask(DeleteSnapshots{.ns = "default", .name = WorkflowName(random.Below(kWorkflows))});
      } else if (const std::vector<int64_t> known = model.snapshots(); !known.empty()) {
        Ask(DeleteSnapshot{.snapshot_id = random.Pick(known)});
      }
      return;
    case 8:
      if (!triggers.empty()) Ask(DeleteTrigger{random.Pick(triggers)});
      return;
    case 9:
      if (!triggers.empty()) Ask(SetTriggerPaused{random.Pick(triggers), random.Percent(30)});
      return;
    case 10:
      for (const ExecutionId id : model.gone()) {
        if (random.Percent(20)) Ask(RerunTasks{.execution_id = id.value()});
      }
      return;
    default: AddRandomTrigger(); return;
  }
}

}  // namespace aiflow::sim
