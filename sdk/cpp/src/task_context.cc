#include "aiflow/task_context.h"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/limits.h"

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

/// The members of the JSON object in a file, which may be none: texts as they are, the rest as
/// JSON.
std::map<std::string, std::string> ReadObject(const std::string& path) {
  std::map<std::string, std::string> members;
  const auto json = nlohmann::json::parse(ReadFile(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return members;
  for (const auto& [name, value] : json.items()) {
    members[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return members;
}

/// "2024-03-31T01:30:00Z"; nothing for another text.
std::optional<std::chrono::system_clock::time_point> ReadTime(const std::string& text) {
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  int y = 0;
  unsigned mo = 0;
  unsigned d = 0;
  int h = 0;
  int mi = 0;
  int s = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%uT%d:%d:%d", &y, &mo, &d, &h, &mi, &s) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(year{y}, month{mo}, day{d});
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(h) + std::chrono::minutes(mi) +
         std::chrono::seconds(s);
}

std::optional<std::string> Find(const std::map<std::string, std::string>& members,
                                const std::string& name) {
  const auto found = members.find(name);
  if (found == members.end()) return std::nullopt;
  return found->second;
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
  context->trigger_.sender = Env("AIFLOW_EVENT_SENDER");
  context->trigger_.create_time = EnvNumber("AIFLOW_EVENT_CREATE_TIME", 0);
  context->trigger_.value = Env("AIFLOW_EVENT_VALUE");
  if (const std::string file = Env("AIFLOW_EVENT_VALUE_FILE"); !file.empty()) {
    context->trigger_.value = ReadFile(file);
  }
  context->trigger_.context = ReadFile(Env("AIFLOW_EVENT_CONTEXT_FILE"));
  context->due_time_ = ReadTime(Env("AIFLOW_DUE_TIME"));
  context->params_ = ReadObject(Env("AIFLOW_PARAMS_FILE"));
  context->outputs_ = ReadObject(Env("AIFLOW_OUTPUTS_FILE"));
  context->output_file_ = Env("AIFLOW_OUTPUT");
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

int TaskContext::FailForGood(std::string reason) {
  failure_ = std::move(reason);
  return kDoNotRetry;
}

std::optional<std::string> TaskContext::param(const std::string& name) const {
  return Find(params_, name);
}

std::optional<std::string> TaskContext::output_of(const std::string& task) const {
  return Find(outputs_, task);
}

Status TaskContext::SetOutput(const std::string& text) {
  if (text.size() > limits::kMaxOutputBytes) {
    return {Code::kInvalidArgument, "the output has " + std::to_string(text.size()) +
                                        " bytes, the limit is " +
                                        std::to_string(limits::kMaxOutputBytes)};
  }
  if (output_file_.empty()) {
    return {Code::kUnavailable, "the output cannot be written: AIFLOW_OUTPUT is not set"};
  }
  // In one step, so that a task that is killed leaves the old one or the new one.
  const std::string temporary = output_file_.string() + ".tmp";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  std::error_code failed;
  if (file) std::filesystem::rename(temporary, output_file_, failed);
  if (!file || failed) {
    return {Code::kUnavailable, "the output cannot be written to '" + output_file_.string() + "'"};
  }
  return Status::Ok();
}

}  // namespace aiflow
