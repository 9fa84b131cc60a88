#include "engine/reporter.h"

#include <utility>

#include "base/check.h"
#include "model/event_keys.h"
#include "model/requests.h"

namespace aiflow {
namespace {

constexpr size_t kMaxReasonBytes = 4096;
/// Who old clients see as the sender of a report.
constexpr std::string_view kSender = "task_manager";

/// At most kMaxReasonBytes of `reason`, never ending within a UTF-8 character.
std::string Shorten(const std::string& reason) {
  if (reason.size() <= kMaxReasonBytes) return reason;
  size_t end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) --end;
  return reason.substr(0, end);
}

}  // namespace

void Reporter::Expect(const AttemptKey& attempt, const std::string& ns,
                      const std::string& task_name) {
  const std::lock_guard lock(mutex_);
  expected_.insert_or_assign(attempt, Label{ns, task_name});
}

void Reporter::Forget(const AttemptKey& attempt) {
  const std::lock_guard lock(mutex_);
  expected_.erase(attempt);
}

void Reporter::Report(const AttemptReport& report) {
  CHECK(report.status == TaskStatus::kRunning || IsFinished(report.status))
      << "attempt " << report.key.ToString() << ": an executor cannot report "
      << TaskStatusName(report.status);
  if (!tokens_.Check(report.key, report.token)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Label label;
  {
    const std::lock_guard lock(mutex_);
    const auto found = expected_.find(report.key);
    if (found == expected_.end()) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    label = found->second;
  }
  TaskStatusReport request;
  request.attempt = report.key;
  request.task_name = std::move(label.task_name);
  request.status = report.status;
  request.pid = report.pid;
  request.reason = Shorten(report.reason);
  request.output = report.output;
  request.non_retriable = report.final_failure;
  Event event = FormatRequest(request);
  event.ns = std::move(label.ns);
  event.sender = kSender;
  event.id = StatusReportEventId(report.key, report.status);
  appender_.Append(std::move(event), nullptr);
}

}  // namespace aiflow
