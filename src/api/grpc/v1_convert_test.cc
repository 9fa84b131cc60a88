#include "api/grpc/v1_convert.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "base/clock.h"
#include "eventlog/log_service.h"
#include "model/requests.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

class CauseTest : public testing::Test {
 protected:
  Offset Append(Event event) {
    std::promise<Offset> offset;
    service_.AppendAsync(std::move(event), Admission::kInternal, [&](Result<AppendResult> result) {
      offset.set_value(result.has_value() ? result->offset : -1);
    });
    return offset.get_future().get();
  }

  v1::Cause CauseOfRun(Offset offset) {
    TaskExecutionRow row;
    row.cause_offset = offset;
    CauseReader causes(service_);
    v1::TaskExecution run;
    ToProto(row, &causes, &run);
    return run.cause();
  }

  MemoryLog log_{SystemClock(), "log"};
  LogService service_{log_, {}};
};

TEST_F(CauseTest, NamesTheTaskAndStatusOfAReport) {
  TaskStatusReport report;
  report.attempt.execution = ExecutionId(17);
  report.attempt.sequence = 1;
  report.task_name = "prepare";
  report.status = TaskStatus::kSuccess;
  Event event = FormatRequest(report);
  event.id = "report";
  const Offset offset = Append(event);
  EXPECT_EQ(CauseOfRun(offset).text(), "by prepare SUCCESS #" + std::to_string(offset));
}

TEST_F(CauseTest, SaysNothingMoreOfAnEventOfUsers) {
  Event event;
  event.key = "go";
  event.value = "42";
  event.id = "go";
  const v1::Cause cause = CauseOfRun(Append(event));
  EXPECT_EQ(cause.event_key(), "go");
  EXPECT_EQ(cause.event_value(), "42");
  EXPECT_EQ(cause.text(), "");
}

}  // namespace
}  // namespace aiflow::api
