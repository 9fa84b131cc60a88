#include "plugin/plugin_messages.h"

#include <array>
#include <charconv>
#include <utility>

#include "executor/attempt_store.h"
#include "model/limits.h"
#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/masker.h"

namespace aiflow::plugin {
namespace {

size_t PayloadSize(const AttemptSpec& spec) {
  size_t size = 0;
  for (const std::string& word : spec.argv) size += word.size() + 8;
  for (const auto& [name, value] : spec.env) size += name.size() + value.size() + 8;
  for (const auto& [name, contents] : spec.files) size += name.size() + contents.size() + 8;
  for (const std::string& secret : spec.secrets) size += secret.size() + 8;
  return size;
}

/// What of the command is no UTF-8, for people; empty when all of it is.
std::string NoUtf8(const AttemptSpec& spec) {
  for (const std::string& word : spec.argv) {
    if (!IsUtf8(word)) return "its command";
  }
  for (const auto& [name, value] : spec.env) {
    if (!IsUtf8(name) || !IsUtf8(value)) return "the variable " + name;
  }
  for (const std::string& secret : spec.secrets) {
    if (!IsUtf8(secret)) return "a secret";
  }
  return {};
}

std::string RefusalOf(const AttemptSpec& spec, const AttemptPlace& place) {
  if (!spec.refusal.empty()) return spec.refusal;
  if (!place.masks_secrets && !runner::SecretSet(spec.secrets).empty()) {
    return "executor " + place.executor +
           " masks no secrets, and this attempt has some: run it on another one, or without its "
           "env_file";
  }
  if (const size_t size = PayloadSize(spec); size > kMaxPayloadBytes) {
    return "its command, environment and files take " + std::to_string(size) +
           " bytes, and executor " + place.executor + " is given no more than " +
           std::to_string(kMaxPayloadBytes);
  }
  if (const std::string what = NoUtf8(spec); !what.empty()) {
    return what + " is no UTF-8, which executor " + place.executor + " cannot be given";
  }
  return {};
}

TaskStatus StatusOf(pb::AttemptStatus status) {
  switch (status) {
    case pb::ATTEMPT_STATUS_SUCCESS: return TaskStatus::kSuccess;
    case pb::ATTEMPT_STATUS_FAILED: return TaskStatus::kFailed;
    case pb::ATTEMPT_STATUS_STOPPED: return TaskStatus::kStopped;
    default: return TaskStatus::kRunning;
  }
}

}  // namespace

std::optional<AttemptKey> ParseAttemptKey(std::string_view text) {
  std::array<int64_t, 4> numbers{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '-')) return std::nullopt;
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc() || numbers[i] < 0) return std::nullopt;
    at = next;
  }
  AttemptKey key{.execution = ExecutionId(numbers[0]),
                 .task = static_cast<TaskIndex>(numbers[1]),
                 .sequence = numbers[2],
                 .try_number = numbers[3]};
  if (key.ToString() != text) return std::nullopt;
  return key;
}

Result<PluginReport> ReadReport(pb::Report report) {
  const std::optional<AttemptKey> key = ParseAttemptKey(report.key());
  if (!key.has_value()) {
    return Error(Code::kInvalidArgument, "a report names the attempt '" +
                                             runner::CleanLine(report.key(), 80) +
                                             "', which is no key of an attempt");
  }
  PluginReport read;
  read.key = *key;
  read.token = std::move(*report.mutable_token());
  switch (report.status()) {
    case pb::ATTEMPT_STATUS_ACCEPTED: return read;
    case pb::ATTEMPT_STATUS_RUNNING: read.stage = Stage::kRunning; break;
    case pb::ATTEMPT_STATUS_SUCCESS:
    case pb::ATTEMPT_STATUS_FAILED:
    case pb::ATTEMPT_STATUS_STOPPED: read.stage = Stage::kEnded; break;
    default:
      return Error(Code::kInvalidArgument,
                   "a report of attempt " + report.key() + " has the status " +
                       std::to_string(report.status()) + ", which there is not");
  }
  AttemptReport& result = read.report;
  result.key = *key;
  result.token = read.token;
  result.status = StatusOf(report.status());
  result.pid = report.pid();
  result.exit_code = report.exit_code();
  result.reason = runner::CleanLine(report.reason(), kMaxReasonBytes);
  result.final_failure = result.status == TaskStatus::kFailed && report.final_failure();
  if (result.status == TaskStatus::kSuccess) {
    result.output =
        CheckedOutput(std::move(*report.mutable_output()), limits::kMaxOutputBytes, result.reason);
  }
  if (result.status == TaskStatus::kFailed && result.reason.empty()) {
    result.reason = result.exit_code != 0 ? "exit code " + std::to_string(result.exit_code)
                                          : "its executor gives no reason";
  }
  return read;
}

pb::Attempt WriteAttempt(const AttemptSpec& spec, const AttemptPlace& place) {
  pb::Attempt attempt;
  attempt.set_key(spec.key.ToString());
  attempt.set_token(spec.token);
  attempt.set_workflow_namespace(spec.ns);
  attempt.set_workflow(spec.workflow);
  attempt.set_task(spec.task);
  const std::string dir = AttemptDirectory(place.attempts_dir, spec.key);
  attempt.set_attempt_dir(dir);
  attempt.set_log_path(runner::LogPath(dir));
  attempt.set_log_max_bytes(place.log_max_bytes);
  attempt.set_stop_grace_ms(spec.stop_grace.count());
  attempt.set_signal_group(spec.signal_group);
  if (std::string refusal = RefusalOf(spec, place); !refusal.empty()) {
    attempt.set_refusal(runner::CleanLine(refusal, kMaxReasonBytes));
    return attempt;
  }
  for (const std::string& word : spec.argv) attempt.add_argv(word);
  for (const auto& [name, value] : spec.env) (*attempt.mutable_env())[name] = value;
  for (const auto& [name, contents] : spec.files) (*attempt.mutable_files())[name] = contents;
  for (const std::string& secret : spec.secrets) {
    // The rest is what nothing masks: "1", "true".
    if (!runner::SecretSet({secret}).empty()) attempt.add_secrets(secret);
  }
  attempt.set_working_dir(spec.working_dir);
  attempt.set_bundle_dir(spec.bundle_dir);
  return attempt;
}

}  // namespace aiflow::plugin
