#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <thread>

#include "server/metrics/strict_parser.h"
#include "server/server_test_world.h"

/// What an operator sees of a whole server.
namespace aiflow::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OperateTest : public ServerTest {
 protected:
  void Restart(const std::string& config) {
    server_.reset();
    config_ = config;
    Start();
  }
  /// Once what the server found in its log is decided: a report of a task may have come meanwhile.
  Readiness ReadinessAfterRecovery() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Readiness readiness = server_->CheckReadiness();
    while (readiness.Problems().find("recovering") != std::string::npos &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
      readiness = server_->CheckReadiness();
    }
    return readiness;
  }
  grpc::Status TryToStart(const std::string& name) {
    v1::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_name(name);
    grpc::ClientContext context;
    v1::StartWorkflowExecutionResponse response;
    return stub_->StartWorkflowExecution(&context, request, &response);
  }
  grpc::Status TryToStop(int64_t execution) {
    v1::WorkflowExecutionRequest request;
    request.set_execution_id(execution);
    grpc::ClientContext context;
    v1::Empty response;
    return stub_->StopWorkflowExecution(&context, request, &response);
  }
};

TEST_F(OperateTest, MetricsTellWhatWasDoneAndWhatRuns) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "true")})).ok());
  ASSERT_TRUE(Upload(Spec("long", {Bash("a", "sleep 60")})).ok());
  WatchToEnd(StartExecution("w"));
  WatchUntil(StartExecution("long"), Runs);
  auto values = ParseMetrics(server_->MetricsText());
  EXPECT_EQ(values.at("aiflow_workflow_executions_ended_total{status=\"SUCCESS\"}"), 1);
  EXPECT_EQ(values.at("aiflow_workflow_executions{status=\"RUNNING\"}"), 1);
  EXPECT_EQ(values.at("aiflow_workflow_executions_created_total"), 2);
  EXPECT_EQ(values.at("aiflow_task_executions{status=\"RUNNING\"}"), 1);
  EXPECT_EQ(values.at("aiflow_task_executions_created_total"), 2);
  EXPECT_EQ(values.at("aiflow_runner_connected"), 1);
  EXPECT_EQ(values.at("aiflow_runner_running_attempts"), 1);
  EXPECT_EQ(values.at("aiflow_runner_starts_total"), 2);
  EXPECT_GE(values.at("aiflow_runner_start_seconds_count"), 1);
  EXPECT_EQ(values.at("aiflow_pool_used_slots{pool=\"local\"}"), 1);
  EXPECT_EQ(values.at("aiflow_engine_ready"), 1);
  EXPECT_GT(values.at("aiflow_engine_commits_total"), 0);
  EXPECT_GE(values.at("aiflow_engine_commit_seconds_count"),
            values.at("aiflow_engine_commits_total"));
  EXPECT_GT(values.at("aiflow_log_append_seconds_count"), 0);
  EXPECT_GT(values.at("aiflow_log_appended_events_total"), 0);
  EXPECT_GE(values.at("aiflow_log_head_offset"),
            values.at("aiflow_engine_committed_offset") - values.at("aiflow_engine_lag_events"));
  EXPECT_GT(values.at("aiflow_log_size_bytes"), 0);
  EXPECT_GT(values.at("aiflow_store_size_bytes{file=\"database\"}"), 0);
  EXPECT_GT(values.at("aiflow_disk_free_bytes"), 0);
  EXPECT_EQ(values.at("aiflow_disk_alarm"), 0);
  EXPECT_GT(values.at("process_resident_memory_bytes"), 0);
}

TEST_F(OperateTest, WithoutSpaceWhatIsNewIsRefusedAndWhatRunsGoesOnAndCanBeStopped) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "sleep 60")})).ok());
  const int64_t execution = StartExecution("w");
  WatchUntil(execution, Runs);

  Restart("disk_reserve: 1000000g");  // more than any disk of this test's machines has
  const Readiness readiness = ReadinessAfterRecovery();
  EXPECT_THAT(readiness.problems, ElementsAre(HasSubstr("new events, uploads and starts")));
  EXPECT_EQ(ParseMetrics(server_->MetricsText()).at("aiflow_disk_alarm"), 2);
  const grpc::Status refused = TryToStart("w");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("free some space"));
  EXPECT_EQ(Upload(Spec("other", {Bash("a", "true")})).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(TryToStop(execution).ok());
  EXPECT_EQ(WatchToEnd(execution).execution().status(), "STOPPED");

  Restart("disk_reserve: 0");
  EXPECT_THAT(ReadinessAfterRecovery().problems, IsEmpty());
  EXPECT_TRUE(TryToStart("w").ok());
}

}  // namespace
}  // namespace aiflow::server
