#include "cli/why_text.h"

#include <algorithm>
#include <cctype>

#include "cli/text.h"

namespace aiflow::cli {
namespace {

namespace v1 = ::aiflow::v1;
constexpr size_t kMaxValueColumns = 60;
constexpr char kSchedulingKey[] = "AIFLOW_SCHEDULING_EVENT";

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "run 3 started", "start ignored": what a record of a task says happened; of the execution itself,
// which has no runs: "started".
std::string Happening(const v1::CauseRecord& record, bool of_task) {
  if (!of_task && record.kind() == "WAITING") return "waits";
  if (!of_task) return Lower(record.kind());
  const std::string run =
      record.sequence_number() > 0 ? "run " + std::to_string(record.sequence_number()) : "a run";
  if (record.kind() == "STARTED") return run + " started";
  if (record.kind() == "QUEUED") return run + " queued";
  if (record.kind() == "STOPPED") return run + " stopped";
  if (record.kind() == "IGNORED") return "start ignored";
  if (record.kind() == "COALESCED") return "start merged into " + run;
  if (record.kind() == "DROPPED") return "start dropped";
  if (record.kind() == "REJECTED") return "report rejected";
  if (record.kind() == "RETRYING") return run + " is tried again";
  if (record.kind() == "WAITING") return run + " waits";
  if (record.kind() == "EVALUATED") return "condition answered";
  if (record.kind() == "MARKED") return run + " marked by hand";
  return Lower(record.kind());
}

// A scheduling event by its value, where the server says no more.
std::string SchedulingText(const std::string& value) {
  if (value == "START_WORKFLOW_EXECUTION") return "with the execution";
  if (value == "TASK_STATUS") return "by a task's status";
  if (value == "START_TASK_EXECUTION" || value == "RESTART_TASK_EXECUTION" ||
      value == "RERUN_TASKS" || value == "MARK_TASK") {
    return "by hand";
  }
  if (value == "TIMER_FIRED") return "by a timer";
  if (value == "BACKFILL_SCHEDULE") return "by a backfill";
  if (value == "EVALUATION_ANSWER") return "by the answer of a condition";
  if (value.starts_with("PERIODIC_RUN")) return "by its schedule";
  return "by " + Printable(value, false);
}

template <typename Records>
void AppendCauses(const Records& records, bool of_task, std::string* text) {
  size_t widest = 0;
  for (const v1::CauseRecord& record : records) {
    widest = std::max(widest, DisplayWidth(Happening(record, of_task)));
  }
  for (const v1::CauseRecord& record : records) {
    *text += "  " + (record.time() > 0 ? FormatTime(record.time()) : std::string(23, ' ')) + "  " +
             PadRight(Happening(record, of_task), widest);
    const std::string cause =
        CauseText(record.event_key(), record.event_value(), record.offset(), record.text());
    if (!cause.empty()) *text += "  " + cause;
    const std::string said = Printable(record.text(), false);
    if (!said.empty() && said != cause) *text += "  (" + said + ")";
    *text += "\n";
  }
}

void AppendTask(const v1::TaskExplanation& task, std::string* text) {
  *text += "\n" + Printable(task.task_name(), false) + "\n";
  AppendCauses(task.causes(), /*of_task=*/true, text);
  if (task.causes().empty()) *text += "  never started\n";
  if (!task.reason().empty()) {
    *text += "  " + task.status() + ": " + Printable(task.reason(), false) + "\n";
  }
  for (const std::string& missing : task.waits_for()) {
    *text += "  waits for " + Printable(missing, false) + "\n";
  }
  if (task.next_tick() > 0) *text += "  next tick " + FormatTime(task.next_tick()) + "\n";
  if (task.deadline() > 0) {
    *text +=
        "  " + FormatTime(task.deadline()) + "  " + Printable(task.deadline_text(), false) + "\n";
  }
}

void AppendEvaluations(const v1::ExplainResponse& explained, std::string* text) {
  if (explained.evaluations().empty()) return;
  *text += "\nevents that wait for an answer\n";
  for (const v1::PendingEvaluation& pending : explained.evaluations()) {
    *text += "  " + EventText(pending.event_key(), pending.event_value(), pending.offset());
    if (!pending.task_name().empty()) *text += "  for " + Printable(pending.task_name(), false);
    if (!pending.condition().empty()) {
      *text += "  (condition " + Printable(pending.condition(), false) + ")";
    }
    *text += "\n";
  }
}

}  // namespace

std::string EventText(const std::string& key, const std::string& value, int64_t offset) {
  std::string text = Printable(key, false);
  if (!key.empty() && !value.empty()) {
    text += "=" + Truncate(Printable(value, false), kMaxValueColumns);
  }
  if (offset > 0) text += (text.empty() ? "#" : " #") + std::to_string(offset);
  return text;
}

std::string CauseText(const std::string& key, const std::string& value, int64_t offset,
                      const std::string& text) {
  if (!text.empty() && (key.empty() || key == kSchedulingKey)) return Printable(text, false);
  if (key == kSchedulingKey) {
    return SchedulingText(value) + (offset > 0 ? " #" + std::to_string(offset) : "");
  }
  const std::string event = EventText(key, value, offset);
  return event.empty() ? "" : "by " + event;
}

std::string WhyText(const v1::ExplainResponse& explained) {
  const v1::WorkflowExecution& execution = explained.execution();
  std::string text = "Workflow execution " + std::to_string(execution.id()) + " of " +
                     execution.namespace_() + "." + execution.workflow_name() + ": " +
                     execution.status();
  if (!execution.reason().empty()) text += " (" + Printable(execution.reason(), false) + ")";
  text += "\n";
  if (!execution.waits_for().empty()) {
    text += "  waits for " + Printable(execution.waits_for(), false) + "\n";
  }
  AppendCauses(explained.causes(), /*of_task=*/false, &text);
  if (execution.deadline() > 0 && execution.end_time() == 0) {
    text += "  " + FormatTime(execution.deadline()) + "  execution_timeout\n";
  }
  for (const v1::TaskExplanation& task : explained.tasks()) AppendTask(task, &text);
  AppendEvaluations(explained, &text);
  return text;
}

}  // namespace aiflow::cli
