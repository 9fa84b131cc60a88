#include "clients.h"

#include <algorithm>
#include <utility>

#include "model/event_keys.h"
#include "model/spec_json.h"
#include "reference.h"
#include "workload.h"

namespace aiflow::sim {
namespace {

constexpr int64_t kMaxExecutions = 12;

}  // namespace

std::string Clients::PutSpec(const WorkflowSpec& spec) {
  return *durable_.blobs.Put(FormatWorkflowSpec(spec));
}

void Clients::Ask(const Request& request) {
  Item item;
  item.event = FormatRequest(request);
  item.event.id = RequestEventId("r" + std::to_string(++next_id_));
  item.request = true;
  items_.push_back(std::move(item));
}

void Clients::Begin() {
  Ask(UploadWorkflow{
      .ns = "default", .name = kReferenceWorkflow, .spec_digest = PutSpec(ReferenceSpec())});
  Ask(UploadWorkflow{
      .ns = "default", .name = kReachedWorkflow, .spec_digest = PutSpec(ReachedSpec())});
  for (int i = 0; i < kWorkflows; ++i) {
    Ask(UploadWorkflow{.ns = "default",
                       .name = WorkflowName(i),
                       .spec_digest = PutSpec(RandomWorkflow(chaos_.random, i, kWorkflows))});
  }
  Ask(SetPool{
      .name = kFarm, .slots = 1 + chaos_.random.Below(3), .executor = kFarm, .of_executor = true});
  if (chaos_.random.Percent(50)) {
    Ask(SetPool{.name = kExecutorPool,
                .slots = 1 + chaos_.random.Below(4),
                .executor = chaos_.random.Percent(80) ? kLocalExecutor : kFarm,
                .of_executor = true});
  }
  Ask(SetPool{.name = kPool, .slots = chaos_.random.Below(4)});
  Ask(StartWorkflowExecution{.ns = "default", .name = kReferenceWorkflow});
  Ask(StartWorkflowExecution{.ns = "default", .name = kReferenceWorkflow});
}

ExecutionId Clients::AnyExecution() {
  // Also some that do not exist, but never one of the reference workflow.
  const ExecutionId id(1 + chaos_.random.Below(durable_.checker.model().last_execution() + 3));
  const WorkflowSpec* spec = durable_.checker.SpecOf(id);
  if (spec != nullptr && spec->name == kReferenceWorkflow) return ExecutionId(1'000'000);
  return id;
}

void Clients::Upload() {
  const int index = static_cast<int>(chaos_.random.Below(kWorkflows));
  UploadWorkflow upload{.ns = "default", .name = WorkflowName(index)};
  switch (chaos_.random.Below(8)) {
    case 0: upload.spec_digest = std::string(64, 'f'); break;  // no such blob
    case 1: upload.spec_digest = *durable_.blobs.Put("{not a specification"); break;
    case 2: upload.must_be_new = true; [[fallthrough]];
    default: upload.spec_digest = PutSpec(RandomWorkflow(chaos_.random, index, kWorkflows));
  }
  Ask(upload);
}

/// Pools, schedules and triggers come, pause and go.
void Clients::Operate() {
  SimRandom& random = chaos_.random;
  const std::string name = WorkflowName(random.Below(kWorkflows));
  switch (random.Below(9)) {
    case 0:
      Ask(AddSchedule{.ns = "default",
                      .name = name,
                      .expression = "interval@0 0 1 0",
                      .catchup = random.Percent(50) ? CatchUp::kOne : CatchUp::kNone,
                      .skip_if_active = random.Percent(30)});
      return;
    case 1: Ask(SetSchedulePaused{1 + random.Below(5), random.Percent(50)}); return;
    case 2: Ask(DeleteSchedule{1 + random.Below(5)}); return;
    case 3:
    case 4:
    case 5: AddRandomTrigger(); return;
    case 6: Ask(DeletePool{kPool}); return;
    default:
      Ask(SetPool{.name = kPool,
                  .slots = random.Below(4),
                  .executor = random.Percent(30) ? kFarm : "",
                  .keep_executor = random.Percent(30)});
      return;
  }
}

void Clients::Act() {
  SimRandom& random = chaos_.random;
  const std::string task = TaskName(random.Below(6));
  switch (random.Below(36)) {
    case 0: Upload(); return;
    case 1:
    case 2:
    case 3:
    case 4:
      if (chaos_.counts.executions < kMaxExecutions) {
        Ask(StartWorkflowExecution{.ns = "default",
                                   .name = WorkflowName(random.Below(kWorkflows)),
                                   .params_json = RandomParams()});
      }
      return;
    case 5: Ask(StopWorkflowExecution{.execution_id = AnyExecution().value()}); return;
    case 6: Ask(StartTaskExecution{.execution_id = AnyExecution().value(), .task = task}); return;
    case 7: Ask(RestartTaskExecution{.execution_id = AnyExecution().value(), .task = task}); return;
    case 8: Ask(StopTaskExecution{.execution_id = AnyExecution().value(), .task = task}); return;
    case 9:
      Ask(SetWorkflowEnabled{.ns = "default",
                             .name = WorkflowName(random.Below(kWorkflows)),
                             .enabled = random.Percent(70)});
      return;
    case 10: Ask(DeleteWorkflowExecution{.execution_id = AnyExecution().value()}); return;
    case 11:
      Ask(StopWorkflowExecutions{.ns = "default", .name = WorkflowName(random.Below(kWorkflows))});
      return;
    case 12:
      if (random.Percent(10)) {
        Ask(DeleteWorkflow{.ns = "default", .name = WorkflowName(random.Below(kWorkflows))});
      } else {
        Ask(AddNamespace{.name = "n" + std::to_string(random.Below(2))});
      }
      return;
    case 24: Ask(RerunTasks{.execution_id = AnyExecution().value()}); return;
    case 25:
      Ask(MarkTask{.execution_id = AnyExecution().value(),
                   .task = task,
                   .status = random.Percent(70) ? TaskStatus::kSuccess : TaskStatus::kFailed,
                   .note = "by hand"});
      return;
    case 26: Operate(); return;
    case 27:
    case 28:
    case 29:
    case 30:
    case 31:
    case 32: ActOnModel(); return;
    case 13: {  // a request as old clients send it through the notification service, or garbage
      Item item;
      item.event =
          FormatRequest(StartTaskExecution{.execution_id = AnyExecution().value(), .task = task});
      item.event.kind = EventKind::kScheduling;
      if (random.Percent(30)) item.event.context = "{\"workflow_execution_id\": [";
      item.event.id = WireEventId("default", "s" + std::to_string(++next_id_));
      items_.push_back(std::move(item));
      return;
    }
    default: {
      Item item;
      item.event = RandomEvent(random, durable_.checker.running());
      if (random.Percent(80)) {
        item.event.id = WireEventId(item.event.ns, "u" + std::to_string(++next_id_));
      }
      items_.push_back(std::move(item));
      return;
    }
  }
}

void Clients::PauseStarters() {
  // Also those that are not there yet: their request may be on its way.
  for (int64_t id = 1; id <= kMaxStarters; ++id) {
    Ask(SetSchedulePaused{id, true});
    const std::vector<int64_t> triggers = durable_.checker.model().triggers();
    if (std::ranges::find(triggers, id) != triggers.end()) Ask(SetTriggerPaused{id, true});
  }
}

void Clients::StopOpen(bool all) {
  for (const ExecutionId id : durable_.checker.running()) {
    const WorkflowSpec* spec = durable_.checker.SpecOf(id);
    if (!all && spec != nullptr && spec->name == kReferenceWorkflow) continue;
    Ask(StopWorkflowExecution{.execution_id = id.value()});
  }
}

bool Clients::Send(SimServer& server) {
  bool any = false;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].sent) continue;
    any = true;
    SendItem(server, i);
  }
  return any;
}

void Clients::SendAgain(SimServer& server) {
  if (items_.empty()) return;
  const auto index = static_cast<size_t>(chaos_.random.Below(static_cast<int64_t>(items_.size())));
  if (items_[index].sent && !items_[index].event.id.empty()) SendItem(server, index);
}

void Clients::SendItem(SimServer& server, size_t index) {
  items_[index].sent = true;
  durable_.log.Append(
      items_[index].event,
      [this, &server, index](const Result<AppendResult>& result) {
        Acknowledged(server, index, result);
      },
      server.pulse());
}

void Clients::Acknowledged(SimServer& server, size_t index, const Result<AppendResult>& result) {
  Item& item = items_[index];
  if (!result.has_value()) {
    if (result.error().code() == Code::kAlreadyExists) {
      chaos_.Fail("the same event is refused as another: " + item.event.id);
    }
    if (item.offset == 0) item.sent = false;
    return;
  }
  if (item.offset != 0 && item.offset != result->offset) {
    chaos_.Fail("event " + item.event.id + " is at offset " + std::to_string(item.offset) +
                " and at " + std::to_string(result->offset));
  }
  item.offset = result->offset;
  if (!item.request) return;
  server.engine().OnCommitted(result->offset,
                              [this, index](const ReplyRow& reply) { Answered(index, reply); });
}

void Clients::Answered(size_t index, const ReplyRow& reply) {
  Item& item = items_[index];
  // Replies go with their events.
  if (item.offset < durable_.log.first()) return;
  // Read your writes: whoever has the answer finds the effect in the store.
  const auto stored = durable_.store.GetReply(item.offset);
  if (!stored.has_value() || !stored->has_value()) {
    chaos_.Fail("request " + std::to_string(item.offset) + " is answered before its commit");
    return;
  }
  ReplyRow answer = reply;
  if (reply.code == static_cast<int>(Code::kNotFound) && reply.message.empty()) answer = **stored;
  if (answer != **stored || (item.reply.has_value() && *item.reply != answer)) {
    chaos_.Fail("request " + std::to_string(item.offset) + " gets two answers");
  }
  item.reply = answer;
}

void Clients::Lost() {
  for (Item& item : items_) {
    // Without an id nobody dares to send it again.
    if (item.offset == 0 && !item.event.id.empty()) item.sent = false;
  }
}

void Clients::CheckEnd() const {
  const std::vector<Event>& events = durable_.log.events();
  for (const Item& item : items_) {
    if (item.event.id.empty() && item.offset == 0) continue;  // lost with a crash
    if (item.offset == 0 || item.offset > durable_.log.head()) {
      chaos_.Fail("an acknowledged event is lost: " + item.event.id);
      continue;
    }
    const Event& stored = events[static_cast<size_t>(item.offset - 1)];
    if (stored.id != item.event.id || stored.value != item.event.value) {
      chaos_.Fail("another event is at the offset of " + item.event.id);
    }
  }
}

}  // namespace aiflow::sim
