#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "aiflow/event_client.h"

namespace aiflow {

/// The event that caused this run; for one begun with its execution, the event that started that.
/// Without a key when there was none.
struct TriggerEvent {
  std::string key;
  std::string value;
  std::string context;
  int64_t offset = 0;
  std::string sender;
  int64_t create_time = 0;  // epoch milliseconds
};

/// What the code of a task knows of its run. Thread-safe, except Fail and FailForGood.
class TaskContext {
 public:
  /// The exit code that says "failed, and trying again would not help".
  static constexpr int kDoNotRetry = 100;

  /// Reads the environment of docs/formats/task-environment.md. `stop` is requested by SIGTERM.
  static Result<std::unique_ptr<TaskContext>> FromEnvironment(std::stop_token stop);

  [[nodiscard]] const std::string& ns() const { return ns_; }
  [[nodiscard]] const std::string& workflow() const { return workflow_; }
  [[nodiscard]] const std::string& task() const { return task_; }
  [[nodiscard]] int64_t execution_id() const { return execution_id_; }
  [[nodiscard]] int64_t sequence_number() const { return sequence_number_; }
  [[nodiscard]] int64_t try_number() const { return try_number_; }
  /// Unique for ever: the idempotency key for side effects.
  [[nodiscard]] const std::string& attempt_key() const { return attempt_key_; }
  [[nodiscard]] const TriggerEvent& trigger() const { return trigger_; }
  /// What a periodic run, or an execution started by a schedule, stands for.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> due_time() const {
    return due_time_;
  }
  /// A parameter of the execution: a text as it is, anything else as JSON.
  [[nodiscard]] std::optional<std::string> param(const std::string& name) const;
  /// The output of the latest successful run of a task that this task's rules name.
  [[nodiscard]] std::optional<std::string> output_of(const std::string& task) const;
  /// Sets this run's own output, which counts when it succeeds: UTF-8, at most 64 KiB. Setting it
  /// again replaces it. kInvalidArgument: it is too long; kUnavailable: it cannot be written.
  Status SetOutput(const std::string& text);

  /// Shared by the tasks of the execution, kept until it is deleted.
  [[nodiscard]] const std::filesystem::path& working_dir() const { return working_dir_; }
  /// The uploaded files, read-only.
  [[nodiscard]] const std::filesystem::path& bundle_dir() const { return bundle_dir_; }

  /// Sends and receives events as this task. Connects on first use.
  EventClient& events();

  [[nodiscard]] bool stop_requested() const { return stop_.stop_requested(); }
  [[nodiscard]] std::stop_token stop_token() const { return stop_; }
  /// Waits for `time` or until the task is asked to stop; true when it is.
  bool WaitFor(std::chrono::milliseconds time) const;
  /// Waits until the task is asked to stop.
  void WaitForStop() const;

  /// `return context.Fail("reason")`: the try has failed, with the reason shown to people.
  int Fail(std::string reason);
  /// The same, and it is not tried again.
  int FailForGood(std::string reason);
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  TaskContext() = default;

  std::string ns_;
  std::string workflow_;
  std::string task_;
  int64_t execution_id_ = 0;
  int64_t sequence_number_ = 0;
  int64_t try_number_ = 1;
  std::string attempt_key_;
  TriggerEvent trigger_;
  std::optional<std::chrono::system_clock::time_point> due_time_;
  std::map<std::string, std::string> params_;
  std::map<std::string, std::string> outputs_;
  std::filesystem::path output_file_;
  std::filesystem::path working_dir_;
  std::filesystem::path bundle_dir_;
  std::string notification_uri_;
  std::string failure_;
  std::stop_token stop_;
  std::unique_ptr<EventClient> events_;
  std::mutex events_mutex_;
};

}  // namespace aiflow
