#include "cli/why_text.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "cli/text.h"

namespace aiflow::cli {
namespace {

TEST(WhyText, TellsCausesInOrderAndWhatIsMissing) {
  ::aiflow::v1::ExplainResponse explained;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(execution { id: 17 namespace: "default" workflow_name: "online" status: "RUNNING" }
         tasks {
           task_name: "train"
           causes { kind: "STARTED" sequence_number: 1 offset: 40 time: 1000
                    event_key: "hour_complete" event_value: "3" }
           causes { kind: "IGNORED" offset: 41 time: 2000 event_key: "hour_complete"
                    text: "run 1 is alive" }
           causes { kind: "STOPPED" sequence_number: 1 offset: 43 time: 3000
                    event_key: "AIFLOW_SCHEDULING_EVENT" event_value: "TASK_STATUS"
                    text: "STOP by rule 2: task 'a' SUCCESS (run 1) at offset 43" }
         }
         tasks { task_name: "deploy" waits_for: "event model_validated" })",
      &explained));
  EXPECT_EQ(WhyText(explained),
            "Workflow execution 17 of default.online: RUNNING\n"
            "\ntrain\n"
            "  " +
                FormatTime(1000) +
                "  run 1 started  by hour_complete=3 #40\n"
                "  " +
                FormatTime(2000) +
                "  start ignored  by hour_complete #41  (run 1 is alive)\n"
                "  " +
                FormatTime(3000) +
                "  run 1 stopped  STOP by rule 2: task 'a' SUCCESS (run 1) at offset 43\n"
                "\ndeploy\n"
                "  never started\n"
                "  waits for event model_validated\n");
}

TEST(WhyText, TellsWhyTheLatestRunEnded) {
  v1::ExplainResponse explained;
  v1::TaskExplanation& task = *explained.add_tasks();
  task.set_task_name("t");
  task.set_status("FAILED");
  task.set_reason("exit code 7");
  EXPECT_NE(WhyText(explained).find("\nt\n  never started\n  FAILED: exit code 7\n"),
            std::string::npos)
      << WhyText(explained);
}

TEST(WhyText, SchedulingEventsAreSaidInWords) {
  EXPECT_EQ(CauseText("AIFLOW_SCHEDULING_EVENT", "START_WORKFLOW_EXECUTION", 4, ""),
            "with the execution #4");
  EXPECT_EQ(CauseText("AIFLOW_SCHEDULING_EVENT", "TASK_STATUS", 7, ""), "by a task's status #7");
  EXPECT_EQ(CauseText("AIFLOW_SCHEDULING_EVENT", "TASK_STATUS", 7, "said"), "said");
  EXPECT_EQ(CauseText("go", "42", 13, "said"), "by go=42 #13");
}

TEST(WhyText, EventsAreShortAndHarmless) {
  EXPECT_EQ(EventText("k", "", 0), "k");
  EXPECT_EQ(EventText("", "", 7), "#7");
  EXPECT_EQ(EventText("k", "a\x1b\nb", 7), "k=a\\x1b\\nb #7");
  EXPECT_LT(DisplayWidth(EventText("k", std::string(1 << 20, 'x'), 7)), 80u);
}

TEST(CauseText, NamesWhatPeopleAndTheServerDo) {
  const auto by = [](const std::string& value) {
    return CauseText("AIFLOW_SCHEDULING_EVENT", value, 7, "");
  };
  EXPECT_EQ(by("RERUN_TASKS"), "by hand #7");
  EXPECT_EQ(by("MARK_TASK"), "by hand #7");
  EXPECT_EQ(by("TIMER_FIRED"), "by a timer #7");
  EXPECT_EQ(by("BACKFILL_SCHEDULE"), "by a backfill #7");
}

TEST(WhyText, TellsOfTheExecutionItselfAndOfWhatIsToCome) {
  ::aiflow::v1::ExplainResponse explained;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(execution { id: 17 namespace: "default" workflow_name: "w" status: "RUNNING"
                     deadline: 9000 }
         causes { kind: "STARTED" offset: 3 time: 500 text: "by hand at offset 3" }
         causes { kind: "REOPENED" offset: 50 time: 1000 text: "rerun of a" }
         tasks {
           task_name: "a"
           causes { kind: "RETRYING" sequence_number: 2 offset: 51 time: 2000
                    text: "try 1 of 3: exit code 1" }
           waits_for: "its next try at 2026-01-31T08:15:00.000Z"
           next_tick: 6000 deadline: 5000 deadline_text: "the next try"
         }
         evaluations { offset: 52 task_name: "a" condition: "fresh" event_key: "hour"
                       event_value: "3" })",
      &explained));
  EXPECT_EQ(WhyText(explained),
            "Workflow execution 17 of default.w: RUNNING\n"
            "  " +
                FormatTime(500) + "  started   by hand at offset 3\n" +  //
                "  " + FormatTime(1000) + "  reopened  rerun of a\n" +   //
                "  " + FormatTime(9000) +
                "  execution_timeout\n"
                "\na\n"
                "  " +
                FormatTime(2000) +
                "  run 2 is tried again  try 1 of 3: exit code 1\n"
                "  waits for its next try at 2026-01-31T08:15:00.000Z\n"
                "  next tick " +
                FormatTime(6000) + "\n" +  //
                "  " + FormatTime(5000) +
                "  the next try\n"
                "\nevents that wait for an answer\n"
                "  hour=3 #52  for a  (condition fresh)\n");
}

}  // namespace
}  // namespace aiflow::cli
