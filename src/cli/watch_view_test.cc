#include "cli/watch_view.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "cli/text.h"

namespace aiflow::cli {
namespace {

using ::aiflow::v1::WorkflowExecutionView;
constexpr int64_t kNow = 100'000;

WorkflowExecutionView View(const std::string& text) {
  WorkflowExecutionView view;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &view));
  return view;
}

// Four tasks: a stream, a training behind an event, a validation behind the training, and one that
// never ran.
WorkflowExecutionView Online() {
  return View(R"(
    execution { id: 17 workflow_name: "online" status: "RUNNING" begin_time: 88000 }
    tasks { name: "stream" runs: 1
            latest { sequence_number: 1 try_number: 1 status: "RUNNING" begin_time: 88000
                     cause { text: "begun with the execution" } } }
    tasks { name: "train" runs: 3 pending_starts: 2 upstream: "hour_complete"
            latest { sequence_number: 3 try_number: 2 status: "RUNNING" begin_time: 99500
                     cause { offset: 42 event_key: "hour_complete" event_value: "3" } } }
    tasks { name: "validate" runs: 1 upstream: "train"
            latest { sequence_number: 1 try_number: 1 status: "FAILED" begin_time: 90000
                     end_time: 90400 reason: "exit code 3" } }
    tasks { name: "deploy" upstream: "model_validated" upstream: "validate"
            waits_for: "event model_validated" })");
}

TEST(WatchTree, ShowsStateRunTimeAndCause) {
  EXPECT_EQ(WatchTree(Online(), kNow, {.colours = false, .width = 100, .height = 24}),
            (std::vector<std::string>{
                "online  execution 17  RUNNING  12.0s",
                "├─ stream        RUNNING   run 1        12.0s   begun with the execution",
                "└─ train         RUNNING   run 3 try 2  0.5s    by hour_complete=3 #42  +2 queued",
                "   └─ validate   FAILED    run 1        0.4s    exit code 3",
                "      └─ deploy  -                              waits for event model_validated",
            }));
}

TEST(WatchTree, FitsTheTerminal) {
  for (const std::string& line : WatchTree(Online(), kNow, {.width = 30, .height = 24})) {
    EXPECT_LE(DisplayWidth(line), 30u) << line;
  }
  const auto lines = WatchTree(Online(), kNow, {.width = 100, .height = 6});
  EXPECT_LT(lines.size(), 6u);
  EXPECT_EQ(lines.back(), "… 1 more tasks");
}

TEST(WatchTree, ColoursOnlyTheState) {
  const auto lines = WatchTree(Online(), kNow, {.colours = true, .width = 100, .height = 24});
  EXPECT_NE(lines[3].find("\x1b[31mFAILED  \x1b[0m"), std::string::npos) << lines[3];
}

TEST(WatchTree, TasksThatListenToEachOtherStillAppearOnce) {
  const auto lines = WatchTree(View(R"(execution { id: 1 status: "RUNNING" }
                                       tasks { name: "a" upstream: "b" }
                                       tasks { name: "b" upstream: "a" }
                                       tasks { name: "c" upstream: "c" })"),
                               kNow, {.width = 100, .height = 24});
  EXPECT_EQ(lines.size(), 4u);
}

TEST(WatchTree, AnExecutionWithoutALiveTaskTellsWhatItWaitsFor) {
  WorkflowExecutionView view = Online();
  EXPECT_TRUE(WaitingLines(view).empty());
  view.mutable_tasks(0)->mutable_latest(0)->set_status("SUCCESS");
  view.mutable_tasks(1)->mutable_latest(0)->set_status("SUCCESS");
  const std::string expected = "waiting: deploy waits for event model_validated";
  EXPECT_EQ(WaitingLines(view), (std::vector<std::string>{expected}));
  EXPECT_EQ(WatchTree(view, kNow, {.width = 100, .height = 24}).back(), expected);
  view.mutable_execution()->set_status("SUCCESS");
  EXPECT_TRUE(WaitingLines(view).empty());
}

TEST(WatchTree, ALiveRunThatDoesNotRunTellsWhy) {
  const auto lines = WatchTree(View(R"(
    execution { id: 1 status: "RUNNING" }
    tasks { name: "t" latest { sequence_number: 1 try_number: 1 status: "QUEUED"
                               waits_for: "a slot of pool gpu" } })"),
                               kNow, {.width = 100, .height = 24});
  EXPECT_NE(lines[1].find("waits for a slot of pool gpu"), std::string::npos) << lines[1];
}

TEST(WatchTree, AnExecutionThatHasNotBegunTellsWhy) {
  const WorkflowExecutionView view = View(R"(
    execution { id: 1 status: "INIT" waits_for: "the end of execution 7" } tasks { name: "t" })");
  EXPECT_EQ(WaitingLines(view),
            (std::vector<std::string>{"waiting: the execution waits for the end of execution 7"}));
}

TEST(WatchLog, PrintsEachChangeOnce) {
  WatchLog log;
  WorkflowExecutionView view = Online();
  EXPECT_EQ(log.Changes(view, kNow).size(), 3u);
  EXPECT_TRUE(log.Changes(view, kNow + 1000).empty());
  auto* run = view.mutable_tasks(1)->mutable_latest(0);
  run->set_status("SUCCESS");
  run->set_end_time(kNow);
  EXPECT_EQ(log.Changes(view, kNow),
            (std::vector<std::string>{FormatTime(kNow).substr(11) +
                                      "  train     SUCCESS   run 3 try 2  0.5s"}));
}

TEST(WatchLog, ShowsEveryRunOldestFirst) {
  WatchLog log;
  const auto lines = log.Changes(View(R"(
    execution { id: 1 status: "RUNNING" }
    tasks { name: "t" latest { sequence_number: 2 try_number: 1 status: "RUNNING" }
                      latest { sequence_number: 1 try_number: 1 status: "SUCCESS" } })"),
                                 kNow);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("SUCCESS   run 1"), std::string::npos);
  EXPECT_NE(lines[1].find("RUNNING   run 2"), std::string::npos);
}

TEST(WatchLog, SaysOnceWhatAnIdleExecutionWaitsFor) {
  WatchLog log;
  const WorkflowExecutionView view = View(R"(execution { id: 1 status: "RUNNING" }
                                             tasks { name: "t" waits_for: "event go" })");
  EXPECT_EQ(log.Changes(view, kNow), (std::vector<std::string>{FormatTime(kNow).substr(11) +
                                                               "  waiting: t waits for event go"}));
  EXPECT_TRUE(log.Changes(view, kNow).empty());
}

TEST(OutcomeLine, NamesStatusTimeAndReason) {
  const auto view = View(R"(execution { id: 7 status: "FAILED" begin_time: 1000 end_time: 3500
                                        reason: "task a failed" })");
  EXPECT_EQ(OutcomeLine(view.execution()),
            "Workflow execution 7: FAILED after 2.5s (task a failed)");
}

}  // namespace
}  // namespace aiflow::cli
