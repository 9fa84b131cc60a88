#include <string>
#include <vector>

#include "api/execution_snapshot.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/grpc/v1_convert.h"
#include "api/waits_for.h"

namespace aiflow::api {
namespace {

// `why` shows the last ones of a task that never ends.
constexpr int64_t kMaxCauses = 10'000;

void FillTask(const ExecutionSnapshot& snapshot, TaskIndex index,
              const std::vector<CauseRow>& causes, CauseReader* reader,
              v1::TaskExplanation* explanation) {
  const ExecutionSnapshot::Task& task = snapshot.tasks[static_cast<size_t>(index)];
  explanation->set_task_name(snapshot.spec->tasks[static_cast<size_t>(index)].name);
  for (const std::string& line : task.waits_for) explanation->add_waits_for(line);
  for (const CauseRow& row : causes) {
    if (row.task == index) ToProto(row, reader, explanation->add_causes());
  }
  if (task.row.has_value()) explanation->set_next_tick(task.row->next_tick.count());
  if (task.latest.empty()) return;
  explanation->set_status(std::string(TaskStatusName(task.latest.front().status)));
  explanation->set_reason(task.latest.front().reason);
  std::string text = DeadlineText(task.latest.front());
  if (text.empty()) return;
  explanation->set_deadline(task.latest.front().deadline.count());
  explanation->set_deadline_text(std::move(text));
}

void FillEvaluation(const WorkflowSpec& spec, const EvaluationRow& row,
                    v1::PendingEvaluation* pending) {
  pending->set_offset(row.offset);
  if (row.task >= 0 && static_cast<size_t>(row.task) < spec.tasks.size()) {
    pending->set_task_name(spec.tasks[static_cast<size_t>(row.task)].name);
  }
  pending->set_condition(ConditionsAbout(spec, row.task, row.event.key));
  pending->set_event_key(row.event.key);
  pending->set_event_value(ShortenValue(row.event.value));
}

Status FillExplanation(Backend& backend, const v1::ExplainRequest& request,
                       v1::ExplainResponse* response) {
  const Result<ExecutionSnapshot> snapshot =
      ReadExecution(backend.queries, backend.specs, ExecutionId(request.execution_id()), 1);
  if (!snapshot.has_value()) return snapshot.error();
  TaskIndex only = -1;
  if (!request.task_name().empty()) {
    const Result<TaskIndex> task = FindTask(*snapshot->spec, request.task_name());
    if (!task.has_value()) return task.error();
    only = *task;
  }
  Page page;
  page.limit = kMaxCauses;
  const auto rows = backend.queries.ListCauses(snapshot->execution.id, only, page);
  if (!rows.has_value()) return rows.error();

  ToProto(snapshot->execution, snapshot->workflow, response->mutable_execution());
  CauseReader causes(backend.log);
  for (const CauseRow& row : *rows) {
    if (row.task < 0) ToProto(row, &causes, response->add_causes());
  }
  for (const EvaluationRow& row : snapshot->evaluations) {
    if (only < 0 || row.task == only) {
      FillEvaluation(*snapshot->spec, row, response->add_evaluations());
    }
  }
  for (size_t i = 0; i < snapshot->tasks.size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    if (only < 0 || task == only) {
      FillTask(*snapshot, task, *rows, &causes, response->add_tasks());
    }
  }
  return Status::Ok();
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::Explain(Context* context,
                                                              const v1::ExplainRequest* request,
                                                              v1::ExplainResponse* response) {
  return FinishNow(context, FillExplanation(backend_, *request, response));
}

}  // namespace aiflow::api
