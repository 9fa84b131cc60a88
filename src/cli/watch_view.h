#pragma once

#include <aiflow/v1/orchestrator.pb.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// How `--watch` shows an execution. Pure: views and the time come in, lines go out.
namespace aiflow::cli {

struct WatchStyle {
  bool colours = false;
  size_t width = 80;
  size_t height = 24;
};

/// The execution as a tree, one line per task, each line at most `style.width` columns and all
/// together fewer than `style.height`: state, run, elapsed time, and the event that started it.
/// A task stands below the first task that its rules listen to.
std::vector<std::string> WatchTree(const ::aiflow::v1::WorkflowExecutionView& view,
                                   int64_t now_milliseconds, const WatchStyle& style);

/// What a RUNNING execution without a live task waits for, one line per task that misses something,
/// or why an execution has not begun; empty in every other state.
std::vector<std::string> WaitingLines(const ::aiflow::v1::WorkflowExecutionView& view);

/// "Workflow execution 17: SUCCESS after 12.3s"
std::string OutcomeLine(const ::aiflow::v1::WorkflowExecution& execution);

/// SUCCESS, FAILED or STOPPED.
bool IsFinished(const ::aiflow::v1::WorkflowExecution& execution);

/// Turns successive views into lines, one per change of a task's status, for output that is not a
/// terminal. One thread at a time.
class WatchLog {
 public:
  std::vector<std::string> Changes(const ::aiflow::v1::WorkflowExecutionView& view,
                                   int64_t now_milliseconds);

 private:
  using Run = std::pair<std::string, int64_t>;  // task, sequence number
  std::map<Run, std::string> shown_;            // status and try of each run
  std::vector<std::string> waiting_;
};

}  // namespace aiflow::cli
