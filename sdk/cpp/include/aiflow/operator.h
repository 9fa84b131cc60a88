#pragma once

namespace aiflow {

class TaskContext;

/// Work of a kind of its own, such as a job on a cluster: an OperatorTask runs it in a process of
/// its own. The program makes the object each time it starts, for whatever it is started, so a
/// constructor only keeps what it is given.
///
/// The methods return 0 for success; what else counts, and exceptions, are as for TaskFunction.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Begins the work, or does all of it.
  virtual int Start(TaskContext& context) = 0;
  /// Called after Start: returns when the work has ended.
  virtual int AwaitTermination(TaskContext& /*context*/) { return 0; }
  /// Called when the task is asked to stop, beside the two methods above and in another thread:
  /// ends the work, so that they return. `context.stop_requested()` holds by then. Once Stop has
  /// returned they have five seconds; the whole has the task's grace period.
  virtual void Stop(TaskContext& /*context*/) {}
};

}  // namespace aiflow
