#include <string>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/grpc/v1_convert.h"
#include "api/waits_for.h"
#include "model/spec_json.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kFailedEvents = "failed_events";

/// The names behind a task's rule; they stay empty when its execution is gone meanwhile.
void FillRule(Backend& backend, const DeadLetterRow& row, v1::FailedEvent* proto) {
  const auto found = FindExecution(backend.queries, row.execution_id);
  if (!found.has_value()) return;
  const auto spec = SpecOf(backend.queries, backend.specs, found->execution);
  if (!spec.has_value()) return;
  if (row.task < 0 || static_cast<size_t>(row.task) >= (*spec)->tasks.size()) return;
  const TaskSpec& task = (*spec)->tasks[static_cast<size_t>(row.task)];
  proto->set_task_name(task.name);
  if (row.rule < 0 || static_cast<size_t>(row.rule) >= task.rules.size()) return;
  proto->set_condition(
      QuestionName(task.rules[static_cast<size_t>(row.rule)].condition, row.question));
}

void FillCondition(const Queries& queries, const DeadLetterRow& row, v1::FailedEvent* proto) {
  const auto trigger = queries.GetTrigger(row.trigger_id);
  if (!trigger.has_value() || !trigger->has_value()) return;
  const auto condition = ParseCondition((*trigger)->condition_json);
  if (condition.has_value()) proto->set_condition(QuestionName(*condition, row.question));
}

Status ToProto(Backend& backend, const DeadLetterRow& row, v1::FailedEvent* proto) {
  proto->set_id(row.id.value());
  proto->set_execution_id(row.execution_id.value());
  proto->set_trigger_id(row.trigger_id.value());
  proto->set_workflow_id(row.workflow_id.value());
  const auto workflow = backend.queries.GetWorkflow(row.workflow_id);
  if (!workflow.has_value()) return workflow.error();
  if (workflow->has_value()) {
    proto->set_namespace_((*workflow)->ns);
    proto->set_workflow_name((*workflow)->name);
  }
  if (row.execution_id.valid()) {
    FillRule(backend, row, proto);
  } else {
    FillCondition(backend.queries, row, proto);
  }
  proto->set_event_offset(row.event.offset);
  proto->set_event_key(row.event.key);
  proto->set_event_value(ShortenValue(row.event.value));
  proto->set_time(row.time.count());
  proto->set_error(row.error);
  return Status::Ok();
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListFailedEvents(
    Context* context, const v1::ListFailedEventsRequest* request,
    v1::ListFailedEventsResponse* response) {
  return FinishNow(context,
                   FillPage(
                       kFailedEvents, *request, response,
                       [this](const Page& page) { return backend_.queries.ListDeadLetters(page); },
                       [](const DeadLetterRow& row) { return row.id.value(); },
                       [this, response](const DeadLetterRow& row) {
                         return ToProto(backend_, row, response->add_failed_events());
                       }));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::RetryFailedEvent(
    Context* context, const v1::FailedEventRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, RetryDeadLetter{request->failed_event_id()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DropFailedEvent(
    Context* context, const v1::FailedEventRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, DropDeadLetter{request->failed_event_id()},
                         request->request_id(), nullptr);
}

}  // namespace aiflow::api
