#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>

#include "cli/command_line_world.h"
#include "cli/watch.h"

namespace aiflow::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(CommandLineTest, UnknownCommandsSuggestTheNearest) {
  EXPECT_EQ(Run({"worklfow", "list"}), kExitUsage);
  EXPECT_EQ(err(),
            "aiflow: 'aiflow' has no command 'worklfow'. Did you mean 'workflow'? "
            "See 'aiflow --help'.\n");
  EXPECT_EQ(Run({"--home", "/x", "workflow", "lsit"}), kExitUsage);
  EXPECT_EQ(err(),
            "aiflow: 'aiflow workflow' has no command 'lsit'. Did you mean 'list'? "
            "See 'aiflow workflow --help'.\n");
}

TEST_F(CommandLineTest, WhatIsMissingOrTooMuchIsNamed) {
  EXPECT_EQ(Run({"workflow", "show"}), kExitUsage);
  EXPECT_EQ(err(), "aiflow: NAME is required. See 'aiflow workflow show --help'.\n");
  EXPECT_EQ(Run({"workflow", "list", "--nonsense"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--nonsense"));
  EXPECT_EQ(Run({"workflow", "list", "-o", "xml"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("xml"));
  EXPECT_EQ(Run({"workflow-execution", "show", "seven"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("seven"));
}

TEST_F(CommandLineTest, AGroupAloneShowsItsCommands) {
  EXPECT_EQ(Run({"workflow"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("upload"));
  EXPECT_THAT(out(), IsEmpty());
  EXPECT_EQ(Run({}), kExitUsage);
}

TEST_F(CommandLineTest, HelpIsOfTheNamedCommandAndOnStdout) {
  EXPECT_EQ(Run({"workflow", "upload", "--help"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("--files"));
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("workflow-execution"));
}

TEST_F(CommandLineTest, GlobalOptionsMayStandAnywhere) {
  EXPECT_EQ(Run({"--server", "a:1", "namespace", "list"}), kExitOk);
  EXPECT_EQ(Run({"namespace", "list", "--server", "a:1"}), kExitOk);
}

TEST_F(CommandLineTest, AServerThatIsDownSaysHowToStartOne) {
  server_.refusal = Status(Code::kUnavailable, "no server answers at 127.0.0.1:50051");
  EXPECT_EQ(Run({"workflow", "list"}), kExitUnavailable);
  EXPECT_THAT(err(), HasSubstr("aiflow standalone"));
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(CommandLineTest, ListsOfANamespaceThatIsNotThereSuggestTheNearest) {
  server_.namespaces.emplace_back().set_name("prod");
  EXPECT_EQ(Run({"workflow", "list", "-n", "prd"}), kExitNotFound);
  EXPECT_THAT(err(), HasSubstr("Did you mean 'prod'?"));
  EXPECT_EQ(Run({"workflow", "list", "-n", "prod"}), kExitOk);
}

TEST_F(CommandLineTest, AWordThatIsNoNumberIsSaid) {
  EXPECT_EQ(Run({"workflow-execution", "show", "abc"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("aiflow: ID: 'abc' is no number."));
}

TEST_F(CommandLineTest, UnknownWorkflowsSuggestTheNearest) {
  AddWorkflow("online_learning");
  EXPECT_EQ(Run({"workflow", "show", "online_lerning"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such workflow. Did you mean 'online_learning'?\n");
  EXPECT_EQ(Run({"workflow-execution", "start", "online_lerning"}), kExitNotFound);
  EXPECT_EQ(err(),
            "aiflow: workflow default.online_lerning does not exist. Did you mean "
            "'online_learning'?\n");
}

TEST_F(CommandLineTest, ErrorsOfTheServerAreOneParagraph) {
  server_.refusal = Status(Code::kFailedPrecondition, "workflow default.a is disabled");
  EXPECT_EQ(Run({"workflow-execution", "start", "a"}), kExitError);
  EXPECT_EQ(err(), "aiflow: workflow default.a is disabled\n");
}

TEST_F(CommandLineTest, NamespacesPrintTheForerunnersTexts) {
  EXPECT_EQ(Run({"namespace", "add", "n", "--properties", R"({"a": "b"})"}), kExitOk);
  EXPECT_EQ(out(), "Namespace: n, created.\n");
  EXPECT_EQ(Run({"namespace", "delete", "n"}), kExitOk);
  EXPECT_EQ(out(), "Namespace: n, deleted.\n");
  EXPECT_EQ(Run({"namespace", "add", "n", "--properties", "[]"}), kExitUsage);
  server_.refusal = Status(Code::kAlreadyExists, "x");
  EXPECT_EQ(Run({"namespace", "add", "n"}), kExitError);
  EXPECT_EQ(err(), "aiflow: Namespace: n already exists\n");
}

TEST_F(CommandLineTest, NamespacesAreSortedByName) {
  server_.namespaces.emplace_back().set_name("zoo");
  server_.namespaces.emplace_back().set_name("default");
  EXPECT_EQ(Run({"namespace", "list", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(), "name     properties\ndefault  {}\nzoo      {}\n");
}

TEST_F(CommandLineTest, WorkflowsPrintTheForerunnersColumnsAndTexts) {
  v1::Workflow& workflow = server_.workflows.emplace_back();
  workflow.set_id(3);
  workflow.set_name("w");
  workflow.set_namespace_("default");
  workflow.set_enabled(true);
  workflow.set_event_offset(-1);
  EXPECT_EQ(Run({"workflow", "list", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(R"([{"id": "3", "workflow_name": "w", "namespace": "default", )"
                                R"("create_time": null, "update_time": null, )"
                                R"("is_enabled": "True", "event_offset": "-1")"));
  EXPECT_EQ(Run({"workflow", "disable", "w"}), kExitOk);
  EXPECT_EQ(out(), "Workflow: default.w disabled.\n");
  EXPECT_EQ(Run({"workflow", "enable", "w", "-n", "other"}), kExitOk);
  EXPECT_EQ(out(), "Workflow: other.w enabled.\n");
  EXPECT_EQ(Run({"workflow", "delete", "w"}), kExitOk);
  EXPECT_EQ(out(), "Workflow: default.w deleted.\n");
}

TEST_F(CommandLineTest, ShowTellsTasksAndRules) {
  AddWorkflow("w");
  server_.workflows[0].set_spec_json(
      R"({"config": {"a": 1}, "tasks": [{"name": "t", "operator": "bash", "rules": [)"
      R"({"action": "START", "condition": {"type": "any_of", "conditions": [)"
      R"({"type": "event", "key": "k"}, {"type": "task_status", "task": "s", )"
      R"("status": "SUCCESS"}]}}]}]})");
  EXPECT_EQ(Run({"workflow", "show", "w", "-o", "yaml"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("rules: 't: START on any of (event k, task s being SUCCESS)'"));
  EXPECT_THAT(out(), HasSubstr("tasks: 't (bash)'"));
}

TEST_F(CommandLineTest, ExecutionsPrintTheForerunnersTexts) {
  AddWorkflow("w");
  EXPECT_EQ(Run({"workflow-execution", "start", "w"}), kExitOk);
  EXPECT_EQ(out(), "Workflow execution: 17 submitted.\n");
  EXPECT_EQ(Run({"workflow-execution", "stop", "17"}), kExitOk);
  EXPECT_EQ(out(), "Stopping workflow execution: 17\n");
  EXPECT_EQ(Run({"workflow-execution", "stop-all", "w"}), kExitOk);
  EXPECT_EQ(out(), "Stopping all workflow executions of workflow: default.w\n");
  EXPECT_EQ(Run({"workflow-execution", "delete", "17"}), kExitOk);
  EXPECT_EQ(out(), "Workflow execution: 17 deleted.\n");
  EXPECT_EQ(Run({"workflow-execution", "show", "18"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such workflow execution.\n");
  EXPECT_EQ(Run({"workflow-execution", "list", "w"}), kExitOk);
  EXPECT_EQ(out(), "No data found\n");
}

TEST_F(CommandLineTest, TaskExecutionsPrintTheForerunnersTexts) {
  EXPECT_EQ(Run({"task-execution", "start", "17", "train"}), kExitOk);
  EXPECT_EQ(out(), "Task execution: 17_train_3 submitted.\n");
  EXPECT_EQ(Run({"task-execution", "stop", "17", "train"}), kExitOk);
  EXPECT_EQ(out(), "Stopping execution of task: train of workflow execution: 17.\n");
  EXPECT_EQ(Run({"task-execution", "show", "9"}), kExitNotFound);
}

TEST_F(CommandLineTest, DeletesAskAPersonUnlessYes) {
  person_ = true;
  in_.str("n\n");
  EXPECT_EQ(Run({"workflow", "delete", "w"}), kExitError);
  EXPECT_EQ(out(), "Delete the workflow default.w? (y/n) ");
  EXPECT_EQ(client_, nullptr);
  EXPECT_EQ(Run({"workflow", "delete", "w", "-y"}), kExitOk);
  EXPECT_EQ(out(), "Workflow: default.w deleted.\n");
}

TEST_F(CommandLineTest, RequestIdsAreFreshUuids) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(Session::NewId());
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_THAT(*ids.begin(),
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                    "[0-9a-f]{12}"));
}

v1::WorkflowExecutionView View(const std::string& status) {
  v1::WorkflowExecutionView view;
  view.mutable_execution()->set_id(17);
  view.mutable_execution()->set_status(status);
  v1::TaskView& task = *view.add_tasks();
  task.set_name("t");
  v1::TaskExecution& run = *task.add_latest();
  run.set_sequence_number(1);
  run.set_try_number(1);
  run.set_status(status);
  return view;
}

TEST_F(CommandLineTest, TheExitCodeOfWatchIsTheOutcome) {
  AddWorkflow("w");
  const std::map<std::string, int> outcomes = {
      {"SUCCESS", kExitOk}, {"FAILED", kExitExecutionFailed}, {"STOPPED", kExitExecutionStopped}};
  for (const auto& [status, code] : outcomes) {
    server_.watches = {{{View("RUNNING"), View(status)}, Status::Ok()}};
    EXPECT_EQ(Run({"workflow-execution", "start", "w", "--watch"}), code);
    EXPECT_THAT(out(), HasSubstr("t  RUNNING   run 1"));
    EXPECT_THAT(out(), HasSubstr("Workflow execution 17: " + status));
  }
}

TEST_F(CommandLineTest, WatchGoesOnAfterARestartOfTheServer) {
  AddWorkflow("w");
  server_.watches = {{{View("RUNNING")}, Status(Code::kUnavailable, "gone")},
                     {{View("RUNNING"), View("SUCCESS")}, Status::Ok()}};
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--watch"}), kExitOk);
  EXPECT_THAT(err(), HasSubstr("The server is back."));
}

TEST_F(CommandLineTest, CtrlCEndsTheWatchingAndNothingElse) {
  AddWorkflow("w");
  server_.watches.resize(1000, {{View("RUNNING")}, Status(Code::kUnavailable, "gone")});
  {
    const Interrupts interrupts;
    raise(SIGINT);
    EXPECT_EQ(Run({"workflow-execution", "start", "w", "--watch"}), kExitInterrupted);
  }
  EXPECT_THAT(err(), HasSubstr("workflow execution 17 runs on"));
}

TEST_F(CommandLineTest, WaitSaysOnlyHowItEnded) {
  server_.executions.emplace_back().set_id(17);
  server_.watches = {{{View("RUNNING")}, Status(Code::kUnavailable, "gone")},
                     {{View("RUNNING"), View("FAILED")}, Status::Ok()}};
  EXPECT_EQ(Run({"workflow-execution", "wait", "17"}), kExitExecutionFailed);
  EXPECT_THAT(out(), testing::StartsWith("Workflow execution 17: FAILED"));
  EXPECT_EQ(Run({"workflow-execution", "wait", "99"}), kExitNotFound);
}

TEST_F(CommandLineTest, WaitEndsWithItsTimeAndTheExecutionRunsOn) {
  server_.executions.emplace_back().set_id(17);
  server_.watches.resize(1000, {{View("RUNNING")}, Status(Code::kUnavailable, "gone")});
  EXPECT_EQ(Run({"workflow-execution", "wait", "17", "--timeout", "0.05"}), kExitTimedOut);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("was not finished in time; it runs on"));
}

TEST_F(CommandLineTest, WatchOfAnExecutionThatIsDeletedIsAnError) {
  AddWorkflow("w");
  server_.watches = {{{View("RUNNING")}, Status(Code::kNotFound, "execution 17 does not exist")}};
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--watch"}), kExitNotFound);
}

TEST_F(CommandLineTest, LogsAreCopiedByteForByte) {
  server_.log = std::string("a\0\xff\n", 4);
  EXPECT_EQ(Run({"logs", "17", "t", "--sequence", "2"}), kExitOk);
  EXPECT_EQ(out(), server_.log);
}

TEST_F(CommandLineTest, VersionIsPrinted) {
  EXPECT_EQ(Run({"version"}), kExitOk);
  EXPECT_THAT(out(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(Run({"--version"}), kExitOk);
}

TEST_F(CommandLineTest, ValidateSaysWhatIsWrongWithAFileWithoutAServer) {
  EXPECT_EQ(Run({"workflow", "validate", "/nowhere/w.py"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: /nowhere/w.py: there is no such file\n");
  EXPECT_EQ(client_, nullptr);
}

}  // namespace
}  // namespace aiflow::cli
