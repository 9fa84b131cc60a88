// The commands of events.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "cli/command_line_world.h"

namespace aiflow::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class EventCommandsTest : public CommandLineTest {
 protected:
  void FailTimes(int times, const Status& status) { events_.failures->assign(times, status); }
  std::set<std::string> SentIds() const {
    std::set<std::string> ids;
    for (const v1::PublishRequest& request : *events_.published) ids.insert(request.event_id());
    return ids;
  }
};

const Status kAway(Code::kUnavailable, "no server answers at 127.0.0.1:7");

TEST_F(EventCommandsTest, SendPrintsTheStoredEvent) {
  EXPECT_EQ(Run({"event", "send", "k", "v", "--sender", "me", "--notification-server", "n:1"}),
            kExitOk);
  EXPECT_EQ(out(),
            "Successfully send event: key:k, value:v, namespace:default, sender:me, "
            "create_time:1234, offset:5, context: .\n");
  EXPECT_EQ(err(), "");
}

TEST_F(EventCommandsTest, SendConfinesToAnExecution) {
  EXPECT_EQ(Run({"event", "send", "k", "v", "--execution", "7", "--context", R"({"a":1})"}),
            kExitOk);
  EXPECT_THAT(out(), HasSubstr(R"(context: {"a":1,"workflow_execution_id":7})"));
  EXPECT_EQ(Run({"event", "send", "k", "v", "--execution", "7", "--context", "text"}), kExitUsage);
}

TEST_F(EventCommandsTest, SendWaitsForAServerThatRestarts) {
  FailTimes(6, kAway);
  EXPECT_EQ(Run({"event", "send", "k", "v"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("Successfully send event: key:k"));
  EXPECT_EQ(events_.published->size(), 7U);
  EXPECT_EQ(SentIds().size(), 1U) << "a repetition must have the id of the first attempt";
  EXPECT_EQ(sleeps_, 6);
  EXPECT_EQ(err(),
            "no server answers at 127.0.0.1:7; trying again for up to 60 seconds (--timeout).\n");
}

TEST_F(EventCommandsTest, SendRepeatsWhatAnotherAttemptMayMend) {
  *events_.failures = {Status(Code::kDeadlineExceeded, "late"), Status(Code::kCancelled, "ends"),
                       Status(Code::kResourceExhausted, "busy"), Status(Code::kAborted, "moved")};
  EXPECT_EQ(Run({"event", "send", "k", "v", "--id", "mine"}), kExitOk);
  EXPECT_THAT(SentIds(), testing::ElementsAre("mine"));
}

TEST_F(EventCommandsTest, SendGivesUpAfterItsTimeAndSaysWhatToDo) {
  FailTimes(100'000, kAway);
  const auto begin = hand_clock_.Monotonic();
  EXPECT_EQ(Run({"event", "send", "k", "v", "--id", "mine", "--timeout", "5"}), kExitUnavailable);
  EXPECT_THAT(err(),
              AllOf(HasSubstr("aiflow: no server answers at 127.0.0.1:7 (tried for 5 seconds, "
                              "--timeout waits longer); send the event again with --id mine"),
                    HasSubstr("'aiflow standalone'")));
  EXPECT_LE(hand_clock_.Monotonic() - begin, std::chrono::seconds(5));
  EXPECT_GE(hand_clock_.Monotonic() - begin, std::chrono::seconds(2));
  EXPECT_EQ(out(), "");
}

TEST_F(EventCommandsTest, SendWithoutTimeTriesOnce) {
  FailTimes(2, kAway);
  EXPECT_EQ(Run({"event", "send", "k", "v", "--timeout", "0"}), kExitUnavailable);
  EXPECT_EQ(events_.published->size(), 1U);
  EXPECT_EQ(Run({"event", "send", "k", "v", "--timeout", "-1"}), kExitUsage);
}

TEST_F(EventCommandsTest, SendDoesNotRepeatWhatIsRefused) {
  FailTimes(1, Status(Code::kInvalidArgument, "the key is empty"));
  EXPECT_EQ(Run({"event", "send", "k", "v"}), kExitError);
  EXPECT_EQ(events_.published->size(), 1U);
  EXPECT_EQ(err(), "aiflow: the key is empty\n");
}

TEST_F(EventCommandsTest, SendWarnsOfAnExecutionThatCannotHear) {
  v1::WorkflowExecution& running = server_.executions.emplace_back();
  running.set_id(7);
  v1::WorkflowExecution& ended = server_.executions.emplace_back();
  ended.set_id(8);
  ended.set_status("SUCCESS");
  ended.set_end_time(1);
  EXPECT_EQ(Run({"event", "send", "k", "v", "--execution", "7"}), kExitOk);
  EXPECT_EQ(err(), "");
  EXPECT_EQ(Run({"event", "send", "k", "v", "--execution", "8"}), kExitOk);
  EXPECT_THAT(err(), HasSubstr("workflow execution 8 has ended (SUCCESS)"));
  EXPECT_EQ(Run({"event", "send", "k", "v", "--execution", "9"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("Successfully"));
  EXPECT_THAT(err(), HasSubstr("Warning: there is no workflow execution 9"));
}

TEST_F(EventCommandsTest, SendWarnsOfANamespaceThatDoesNotExist) {
  server_.namespaces.emplace_back().set_name("default");
  server_.namespaces.emplace_back().set_name("mine");
  EXPECT_EQ(Run({"event", "send", "k", "v", "-n", "mine"}), kExitOk);
  EXPECT_EQ(err(), "");
  EXPECT_EQ(Run({"event", "send", "k", "v", "-n", "mien"}), kExitOk);
  EXPECT_THAT(err(), HasSubstr("Warning: there is no namespace 'mien'"));
  // The scheduler of another notification server is not known.
  EXPECT_EQ(Run({"event", "send", "k", "v", "-n", "mien", "--notification-server", "n:1"}),
            kExitOk);
  EXPECT_EQ(err(), "");
}

TEST_F(EventCommandsTest, SendSaysNothingOfWhatTheSchedulerDoesNotTell) {
  server_.refusal = Status(Code::kUnavailable, "gone");
  EXPECT_EQ(Run({"event", "send", "k", "v", "-n", "mien", "--server", "s:1"}), kExitOk);
  EXPECT_EQ(err(), "");
}

TEST_F(EventCommandsTest, ListPrintsTheForerunnersColumns) {
  v1::EventRecord& event = events_.events.emplace_back();
  event.set_key("k");
  event.set_namespace_("default");
  event.set_offset(3);
  EXPECT_EQ(Run({"event", "list", "k", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(R"([{"namespace": "default", "key": "k", "value": "", )"
                                R"("sender": null, "create_time": )"));
}

TEST_F(EventCommandsTest, ListTakesOneLinePerEventOnATerminal) {
  v1::EventRecord& event = events_.events.emplace_back();
  event.set_key("hour_complete");
  event.set_value(std::string(200, 'v'));
  event.set_namespace_("default");
  event.set_sender("5_assemble_training_data_1");
  event.set_context(R"({"workflow_execution_id": 5})");
  event.set_create_time(1);
  event.set_offset(1234567);
  const auto lines = [this] { return std::ranges::count(out(), '\n'); };
  terminal_ = true;
  EXPECT_EQ(Run({"event", "list"}), kExitOk);
  EXPECT_EQ(lines(), 3) << out();
  EXPECT_THAT(out(), AllOf(HasSubstr("hour_complete"), HasSubstr(" 1234567"), HasSubstr(":00.001 "),
                           Not(HasSubstr("default")), Not(HasSubstr("execution_id"))));
  for (const char* all : {"plain", "wide"}) {
    EXPECT_EQ(Run({"event", "list", "-o", all}), kExitOk);
    EXPECT_THAT(out(),
                AllOf(HasSubstr(event.value()), HasSubstr(event.context()), HasSubstr("default")));
  }
  EXPECT_EQ(Run({"event", "list", "-A"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("default"));
  // Programs get the forerunner's table.
  terminal_ = false;
  EXPECT_EQ(Run({"event", "list"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("context"));
}

v1::EventRecord& AddEvent(FakeEventClient& events, const std::string& key, int64_t offset) {
  v1::EventRecord& event = events.events.emplace_back();
  event.set_key(key);
  event.set_namespace_("default");
  event.set_offset(offset);
  return event;
}

TEST_F(EventCommandsTest, ListAsksForWhatTheFiltersSay) {
  EXPECT_EQ(Run({"event", "list", "k", "--sender", "me", "--kind", "user,task_status",
                 "--begin-offset", "5", "--end-offset", "9", "--desc", "--limit", "3"}),
            kExitOk);
  const v1::ListEventsRequest request = events_.listed->back();
  EXPECT_EQ(request.ShortDebugString(),
            "page_size: 3 order_by: \"offset desc\" after_offset: 5 until_offset: 9 key: \"k\" "
            "namespace: \"default\" sender: \"me\" kinds: \"USER\" kinds: \"TASK_STATUS\"");
  EXPECT_EQ(Run({"event", "list", "*", "-A", "--begin-time", "1970-01-01T00:00:01Z"}), kExitOk);
  EXPECT_EQ(events_.listed->back().ShortDebugString(), "begin_time: 1000");
  EXPECT_EQ(Run({"event", "list", "--kind", "usr"}), kExitUsage);
  EXPECT_EQ(Run({"event", "list", "--begin-time", "noon"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--begin-time: "));
}

TEST_F(EventCommandsTest, ListEndsWithItsLimit) {
  for (int i = 1; i < 10; ++i) AddEvent(events_, "k" + std::to_string(i), i);
  EXPECT_EQ(Run({"event", "list", "--limit", "2", "-o", "plain"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("k2"), Not(HasSubstr("k3"))));
}

TEST_F(EventCommandsTest, ListenGoesOnWhereTheStreamBroke) {
  AddEvent(events_, "a", 8);
  AddEvent(events_, "b", 9);
  *events_.ends = {Status(Code::kUnavailable, "gone"), Status(Code::kUnavailable, "gone")};
  EXPECT_EQ(Run({"event", "listen", "--begin-offset", "7"}), kExitError);
  ASSERT_EQ(events_.subscribed->size(), 3U);
  EXPECT_EQ((*events_.subscribed)[0].after_offset(), 7);
  EXPECT_EQ((*events_.subscribed)[2].after_offset(), 9);
  EXPECT_EQ(std::ranges::count(out(), '\n'), 2) << "nothing twice: " << out();
  EXPECT_THAT(out(), StartsWith("key:a, value:, namespace:default, sender:, create_time:0, "));
  EXPECT_THAT(err(), StartsWith("The notification server is not reachable; waiting for it.\n"));
}

TEST_F(EventCommandsTest, ListenGivesUpOnAServerThatStaysAway) {
  events_.ends->assign(100'000, kAway);
  EXPECT_EQ(Run({"event", "listen"}), kExitUnavailable);
  EXPECT_THAT(err(), HasSubstr("no server answers at 127.0.0.1:7"));
  EXPECT_GT(sleeps_, 100);
}

TEST_F(EventCommandsTest, ListenBeginsNowOrAtATimeAndEndsWithItsLimit) {
  events_.offset_at = 42;
  AddEvent(events_, "old", 42);
  AddEvent(events_, "new", 43);
  AddEvent(events_, "newer", 44);
  for (const std::vector<std::string>& begin :
       {std::vector<std::string>{}, {"--begin-time", "2026-01-31"}}) {
    std::vector<std::string> words = {"event", "listen", "--limit", "1"};
    words.insert(words.end(), begin.begin(), begin.end());
    EXPECT_EQ(Run(words), kExitOk);
    EXPECT_THAT(out(), AllOf(StartsWith("key:new,"), Not(HasSubstr("newer"))));
    EXPECT_EQ(events_.subscribed->back().after_offset(), 42);
  }
  EXPECT_EQ(Run({"event", "watch", "--limit", "1"}), kExitOk) << "the name it had before";
}

}  // namespace
}  // namespace aiflow::cli
