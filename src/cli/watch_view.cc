#include "cli/watch_view.h"

#include <algorithm>
#include <string_view>

#include "cli/text.h"
#include "cli/why_text.h"

namespace aiflow::cli {
namespace {

namespace v1 = ::aiflow::v1;

bool IsLive(std::string_view status) {
  return status == "INIT" || status == "QUEUED" || status == "RUNNING" || status == "RETRYING" ||
         status == "STOPPING";
}

const char* ColourOf(std::string_view status) {
  if (status == "SUCCESS") return "\x1b[32m";
  if (status == "FAILED") return "\x1b[31m";
  if (status == "RUNNING") return "\x1b[36m";
  if (status == "STOPPED" || status == "STOPPING" || status == "RETRYING") return "\x1b[33m";
  return "\x1b[2m";
}

std::string StartText(const v1::TaskExecution& run) {
  const v1::Cause& cause = run.cause();
  return CauseText(cause.event_key(), cause.event_value(), cause.offset(), cause.text());
}

std::string RunText(const v1::TaskExecution& run) {
  std::string text = "run " + std::to_string(run.sequence_number());
  if (run.try_number() > 1) text += " try " + std::to_string(run.try_number());
  return text;
}

std::string ElapsedText(const v1::TaskExecution& run, int64_t now) {
  if (run.begin_time() == 0) return "";
  return FormatElapsed((run.end_time() > 0 ? run.end_time() : now) - run.begin_time());
}

struct Widths {
  size_t label = 0;
  size_t run = 0;
};
struct TreeRow {
  std::string label;  // branches and name
  const v1::TaskView* task = nullptr;
};

// Where each task stands: the index of the task it stands below, or -1.
std::vector<int> Parents(const v1::WorkflowExecutionView& view) {
  std::map<std::string, int> index;
  for (int i = 0; i < view.tasks_size(); ++i) index[view.tasks(i).name()] = i;
  std::vector<int> parents(static_cast<size_t>(view.tasks_size()), -1);
  const auto is_below = [&](int task, int other) {
    for (; task >= 0; task = parents[static_cast<size_t>(task)]) {
      if (task == other) return true;
    }
    return false;
  };
  for (int i = 0; i < view.tasks_size(); ++i) {
    for (const std::string& upstream : view.tasks(i).upstream()) {
      const auto found = index.find(upstream);
      if (found == index.end() || is_below(found->second, i)) continue;
      parents[static_cast<size_t>(i)] = found->second;
      break;
    }
  }
  return parents;
}

void AppendChildren(const v1::WorkflowExecutionView& view, const std::vector<int>& parents,
                    int parent, const std::string& indent, std::vector<TreeRow>* rows) {
  std::vector<int> children;
  for (int i = 0; i < view.tasks_size(); ++i) {
    if (parents[static_cast<size_t>(i)] == parent) children.push_back(i);
  }
  for (const int child : children) {
    const bool last = child == children.back();
    rows->push_back({indent + (last ? "└─ " : "├─ ") + Printable(view.tasks(child).name(), false),
                     &view.tasks(child)});
    AppendChildren(view, parents, child, indent + (last ? "   " : "│  "), rows);
  }
}

std::string Remark(const v1::TaskView& task) {
  std::string text;
  if (task.latest_size() > 0) text = StartText(task.latest(0));
  const bool live = task.latest_size() > 0 && IsLive(task.latest(0).status());
  if (task.latest_size() > 0 && !live && !task.latest(0).reason().empty()) {
    text = Printable(task.latest(0).reason(), false);
  } else if (live && !task.latest(0).waits_for().empty()) {
    text = "waits for " + Printable(task.latest(0).waits_for(), false);
  } else if (task.latest_size() == 0 && !task.waits_for().empty()) {
    text = "waits for " + Printable(task.waits_for(), false);
  }
  if (task.pending_starts() > 0) {
    text += (text.empty() ? "+" : "  +") + std::to_string(task.pending_starts()) + " queued";
  }
  return text;
}

std::string TreeLine(const TreeRow& row, const Widths& widths, int64_t now,
                     const WatchStyle& style) {
  const v1::TaskView& task = *row.task;
  const v1::TaskExecution* run = task.latest_size() > 0 ? &task.latest(0) : nullptr;
  const std::string status = run != nullptr ? run->status() : "-";
  const std::string before = PadRight(row.label, widths.label) + "  ";
  const std::string after = PadRight(run != nullptr ? RunText(*run) : "", widths.run) + "  " +
                            PadRight(run != nullptr ? ElapsedText(*run, now) : "", 6) + "  " +
                            Remark(task);
  const std::string line = before + PadRight(status, 8) + "  " + after;
  const std::string cut = Truncate(line, style.width);
  if (!style.colours || cut.size() < before.size() + 8) return cut;
  return cut.substr(0, before.size()) + ColourOf(status) + cut.substr(before.size(), 8) +
         "\x1b[0m" + cut.substr(before.size() + 8);
}

}  // namespace

bool IsFinished(const v1::WorkflowExecution& execution) {
  return execution.status() == "SUCCESS" || execution.status() == "FAILED" ||
         execution.status() == "STOPPED";
}

std::vector<std::string> WatchTree(const v1::WorkflowExecutionView& view, int64_t now,
                                   const WatchStyle& style) {
  const v1::WorkflowExecution& execution = view.execution();
  std::vector<TreeRow> rows;
  AppendChildren(view, Parents(view), -1, "", &rows);
  Widths widths;
  for (const TreeRow& row : rows) {
    widths.label = std::max(widths.label, DisplayWidth(row.label));
    if (row.task->latest_size() > 0) {
      widths.run = std::max(widths.run, RunText(row.task->latest(0)).size());
    }
  }
  widths.label = std::min(widths.label, style.width / 2);
  for (TreeRow& row : rows) row.label = Truncate(row.label, widths.label);

  const int64_t end = execution.end_time() > 0 ? execution.end_time() : now;
  std::string title = execution.workflow_name() + "  execution " + std::to_string(execution.id()) +
                      "  " + execution.status();
  if (execution.begin_time() > 0) title += "  " + FormatElapsed(end - execution.begin_time());
  std::vector<std::string> lines = {Truncate(title, style.width)};
  const std::vector<std::string> waiting = WaitingLines(view);
  const size_t room = style.height > 3 ? style.height - 3 : 1;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == room && rows.size() > room) {
      lines.push_back("… " + std::to_string(rows.size() - room) + " more tasks");
      break;
    }
    lines.push_back(TreeLine(rows[i], widths, now, style));
  }
  for (const std::string& line : waiting) {
    if (lines.size() + 1 >= style.height) break;
    lines.push_back(Truncate(line, style.width));
  }
  return lines;
}

std::vector<std::string> WaitingLines(const v1::WorkflowExecutionView& view) {
  std::vector<std::string> lines;
  if (!view.execution().waits_for().empty()) {
    return {"waiting: the execution waits for " + Printable(view.execution().waits_for(), false)};
  }
  if (view.execution().status() != "RUNNING") return lines;
  for (const v1::TaskView& task : view.tasks()) {
    for (const v1::TaskExecution& run : task.latest()) {
      if (IsLive(run.status())) return {};
    }
    if (task.waits_for().empty()) continue;
    lines.push_back("waiting: " + Printable(task.name(), false) + " waits for " +
                    Printable(task.waits_for(), false));
  }
  return lines;
}

std::string OutcomeLine(const v1::WorkflowExecution& execution) {
  std::string line =
      "Workflow execution " + std::to_string(execution.id()) + ": " + execution.status();
  if (execution.begin_time() > 0 && execution.end_time() > 0) {
    line += " after " + FormatElapsed(execution.end_time() - execution.begin_time());
  }
  if (!execution.reason().empty()) line += " (" + Printable(execution.reason(), false) + ")";
  return line;
}

std::vector<std::string> WatchLog::Changes(const v1::WorkflowExecutionView& view, int64_t now) {
  std::vector<std::string> lines;
  const std::string time = FormatTime(now).substr(11);
  size_t name_width = 0;
  for (const v1::TaskView& task : view.tasks()) {
    name_width = std::max(name_width, DisplayWidth(task.name()));
  }
  for (const v1::TaskView& task : view.tasks()) {
    for (int i = task.latest_size() - 1; i >= 0; --i) {  // the oldest run first
      const v1::TaskExecution& run = task.latest(i);
      std::string& shown = shown_[{task.name(), run.sequence_number()}];
      const std::string status = run.status() + " " + std::to_string(run.try_number());
      if (shown == status) continue;
      shown = status;
      std::string line = time + "  " + PadRight(Printable(task.name(), false), name_width) + "  " +
                         PadRight(run.status(), 8) + "  " + RunText(run);
      if (run.end_time() > 0) line += "  " + ElapsedText(run, now);
      if (!run.reason().empty()) {
        line += "  " + Printable(run.reason(), false);
      } else if (run.end_time() == 0 && !StartText(run).empty()) {
        line += "  " + StartText(run);
      }
      lines.push_back(line);
    }
  }
  std::vector<std::string> waiting = WaitingLines(view);
  if (waiting != waiting_) {
    for (const std::string& line : waiting) lines.push_back(time + "  " + line);
    waiting_ = std::move(waiting);
  }
  return lines;
}

}  // namespace aiflow::cli
