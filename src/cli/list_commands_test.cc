// Lists that come in pages, their filters, and what is read beside them.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/command_line_world.h"
#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ListCommandsTest : public CommandLineTest {
 protected:
  std::string Asked() const { return client_ == nullptr ? "" : client_->calls.back().second; }
  void AddExecutions(int count) {
    for (int i = 1; i <= count; ++i) {
      v1::WorkflowExecution& execution = server_.executions.emplace_back();
      execution.set_id(i);
      execution.set_workflow_name("w");
      execution.set_namespace_("default");
      execution.set_status("SUCCESS");
      execution.set_run_type("MANUAL");
    }
  }
};

TEST_F(ListCommandsTest, ExecutionsHaveTheForerunnersColumns) {
  AddExecutions(1);
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("id  workflow_id  begin_date  end_date  status   run_type  "
                                "snapshot_id  event_offset\n1   0 "));
  EXPECT_EQ(Run({"workflow-execution", "show", "1", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("id  workflow_id  begin_date  end_date  status   run_type  "
                                "snapshot_id  event_offset\n"));
}

TEST_F(ListCommandsTest, TaskExecutionsHaveTheForerunnersColumns) {
  server_.task_executions.emplace_back().set_id(4);
  const char* columns =
      "id  workflow_execution_id  task_name  sequence_number  try_number  begin_date  end_date  "
      "status\n4   0 ";
  EXPECT_EQ(Run({"task-execution", "list", "1", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(columns));
  EXPECT_EQ(Run({"task-execution", "show", "4", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(columns));
  EXPECT_EQ(Run({"task-execution", "show", "5"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such task execution.\n");
}

TEST_F(ListCommandsTest, OnATerminalARowFitsOneLine) {
  AddExecutions(1);
  server_.executions.front().set_begin_time(1'700'000'000'000);
  server_.executions.front().set_end_time(1'700'000'063'000);
  server_.task_executions.emplace_back().set_id(4);
  terminal_ = true;
  EXPECT_EQ(Run({"workflow-execution", "list", "w"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("id | workflow_id | begin_date              | took      | status"));
  EXPECT_THAT(out(), HasSubstr("| 1 min 3 s | SUCCESS | MANUAL"));
  EXPECT_EQ(Run({"task-execution", "list", "1"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("id | task_name | run | try | begin_date | took | status\n"));
  // Whoever reads it by a program has every column.
  terminal_ = false;
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("\"end_date\""), HasSubstr("\"snapshot_id\""),
                           Not(HasSubstr("\"took\""))));
}

TEST_F(ListCommandsTest, ExecutionsOfAllWorkflowsNameThem) {
  AddExecutions(1);
  EXPECT_EQ(Run({"workflow-execution", "list", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("event_offset  namespace  workflow_name\n"));
  EXPECT_EQ(Asked(), "namespace: \"default\"");
  EXPECT_EQ(Run({"workflow-execution", "list", "-A"}), kExitOk);
  EXPECT_EQ(Asked(), "");
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-A"}), kExitUsage);
}

TEST_F(ListCommandsTest, FiltersAreTheServersWork) {
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "--status", "failed,STOPPED", "--run-type",
                 "event", "--desc", "--limit", "7"}),
            kExitOk);
  EXPECT_EQ(Asked(),
            "namespace: \"default\" name: \"w\" page_size: 7 order_by: \"id desc\" statuses: "
            "\"FAILED\" statuses: \"STOPPED\" run_types: \"EVENT\"");
  EXPECT_EQ(Run({"task-execution", "list", "17", "t", "--status", "RETRYING"}), kExitOk);
  EXPECT_EQ(Asked(), "execution_id: 17 task_name: \"t\" statuses: \"RETRYING\"");
  EXPECT_EQ(Run({"workflow", "list", "--contains", "learn", "--desc"}), kExitOk);
  EXPECT_EQ(Asked(), "namespace: \"default\" order_by: \"id desc\" name_contains: \"learn\"");
  EXPECT_EQ(Run({"workflow-execution", "list", "--limit", "-1"}), kExitUsage);
}

TEST_F(ListCommandsTest, PagesMakeOneTable) {
  AddExecutions(5);
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-o", "plain"}), kExitOk);
  EXPECT_EQ(std::ranges::count(out(), '\n'), 6) << out();
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-o", "plain", "--limit", "3"}), kExitOk);
  EXPECT_EQ(std::ranges::count(out(), '\n'), 4) << out();
  server_.items_per_page = 1;
  EXPECT_EQ(Run({"workflow-execution", "list", "w", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), testing::EndsWith("}]\n"));
}

TEST_F(ListCommandsTest, NamespacesAreShownAndUpdated) {
  v1::Namespace& ns = server_.namespaces.emplace_back();
  ns.set_name("team");
  (*ns.mutable_properties())["a"] = "b";
  EXPECT_EQ(Run({"namespace", "show", "team", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(), "name  properties\nteam  {\"a\":\"b\"}\n");
  EXPECT_EQ(Run({"namespace", "show", "taem"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such namespace. Did you mean 'team'?\n");
  EXPECT_EQ(Run({"namespace", "update", "team", "--properties", R"({"c": "d"})"}), kExitOk);
  EXPECT_EQ(out(), "Namespace: team, updated.\n");
  EXPECT_EQ(Run({"namespace", "update", "team"}), kExitUsage);
  EXPECT_EQ(Run({"namespace", "update", "team", "--properties", "x"}), kExitUsage);
}

TEST_F(ListCommandsTest, ArtifactsAreListed) {
  v1::Artifact& artifact = server_.artifacts.emplace_back();
  artifact.set_path("model/weights.bin");
  artifact.set_size(12);
  EXPECT_EQ(Run({"artifact", "list", "7", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(), "path               size  update_time\nmodel/weights.bin  12    None\n");
  EXPECT_EQ(Asked(), "execution_id: 7");
}

std::string Contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST_F(ListCommandsTest, ArtifactsAreReadByteForByteAcrossARestart) {
  server_.artifact = std::string("a\0\xff\n", 4);
  EXPECT_EQ(Run({"artifact", "get", "7", "a.bin"}), kExitOk);
  EXPECT_EQ(out(), server_.artifact);
  const TempDirForTest dir;
  const std::filesystem::path file = dir.path() / "got";
  server_.artifact_breaks_at = 2;
  EXPECT_EQ(Run({"artifact", "get", "7", "a.bin", "-o", file.string()}), kExitOk);
  EXPECT_EQ(out(), "Artifact: a.bin, 4 bytes, written to " + file.string() + ".\n");
  EXPECT_EQ(Contents(file), server_.artifact);
}

TEST_F(ListCommandsTest, AnArtifactThatCannotBeReadLeavesNoFile) {
  const TempDirForTest dir;
  const std::string file = (dir.path() / "got").string();
  server_.refusal = Status(Code::kNotFound, "execution 7 has no file a.bin");
  EXPECT_EQ(Run({"artifact", "get", "7", "a.bin", "-o", file}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: execution 7 has no file a.bin\n");
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  server_.refusal = Status::Ok();
  EXPECT_EQ(Run({"artifact", "get", "7", "a.bin", "-o", "/nowhere/got"}), kExitError);
  EXPECT_THAT(err(), StartsWith("aiflow: cannot write /nowhere/got.part: "));
}

TEST_F(ListCommandsTest, FollowedLogsGoOnAfterARestartOfTheServer) {
  server_.log = "first\nsecond\n";
  server_.log_breaks_at = 6;
  EXPECT_EQ(Run({"logs", "17", "t", "--follow"}), kExitOk);
  EXPECT_EQ(out(), server_.log);
  EXPECT_THAT(err(), HasSubstr("The server is back."));
  EXPECT_EQ(Run({"logs", "17", "t"}), kExitUnavailable) << "only --follow waits";
}

}  // namespace
}  // namespace aiflow::cli
