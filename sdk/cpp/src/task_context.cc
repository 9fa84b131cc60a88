#include "aiflow/task_context.h"

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace aiflow {
namespace {

// A task outlives a restart of its server: its calls wait so long for one.
constexpr std::chrono::minutes kSendTimeout{10};

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int64_t EnvNumber(const char* name, int64_t otherwise) {
  const std::string text = Env(name);
  if (text.empty()) return otherwise;
  char* end = nullptr;
  const int64_t number = std::strtoll(text.c_str(), &end, 10);
  return *end == '\0' ? number : otherwise;
}

std::string ReadFile(const std::string& path) {
  if (path.empty()) return "";
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace

Result<std::unique_ptr<TaskContext>> TaskContext::FromEnvironment(std::stop_token stop) {
  std::unique_ptr<TaskContext> context(new TaskContext);
  context->task_ = Env("AIFLOW_TASK");
  context->attempt_key_ = Env("AIFLOW_ATTEMPT_KEY");
  if (context->task_.empty() || context->attempt_key_.empty()) {
    return Error(
        Code::kFailedPrecondition,
        "AIFLOW_TASK and AIFLOW_ATTEMPT_KEY are not set: only the AIFlow server starts tasks "
        "this way");
  }
  context->ns_ = Env("AIFLOW_NAMESPACE");
  context->workflow_ = Env("AIFLOW_WORKFLOW");
  context->execution_id_ = EnvNumber("AIFLOW_WORKFLOW_EXECUTION_ID", 0);
  context->sequence_number_ = EnvNumber("AIFLOW_SEQUENCE_NUMBER", 0);
  context->try_number_ = EnvNumber("AIFLOW_TRY_NUMBER", 1);
  context->trigger_.key = Env("AIFLOW_EVENT_KEY");
  context->trigger_.offset = EnvNumber("AIFLOW_EVENT_OFFSET", 0);
  context->trigger_.value = Env("AIFLOW_EVENT_VALUE");
  if (const std::string file = Env("AIFLOW_EVENT_VALUE_FILE"); !file.empty()) {
    context->trigger_.value = ReadFile(file);
  }
  context->trigger_.context = ReadFile(Env("AIFLOW_EVENT_CONTEXT_FILE"));
  context->working_dir_ = Env("AIFLOW_WORKING_DIR");
  context->bundle_dir_ = Env("AIFLOW_BUNDLE_DIR");
  context->notification_uri_ = Env("AIFLOW_NOTIFICATION_URI");
  context->stop_ = std::move(stop);
  return context;
}

EventClient& TaskContext::events() {
  const std::lock_guard lock(events_mutex_);
  if (events_ == nullptr) {
    EventClientOptions options;
    options.ns = ns_;
    options.send_timeout = kSendTimeout;
    options.sender =
        std::to_string(execution_id_) + "_" + task_ + "_" + std::to_string(sequence_number_);
    events_ = std::make_unique<EventClient>(notification_uri_, std::move(options));
  }
  return *events_;
}

bool TaskContext::WaitFor(std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop_, time, [] { return false; });
  return stop_.stop_requested();
}

void TaskContext::WaitForStop() const {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop_, [] { return false; });
}

int TaskContext::Fail(std::string reason) {
  failure_ = std::move(reason);
  return 1;
}

}  // namespace aiflow
