#include "hosts/host_messages.h"

#include <gmock/gmock.h>

namespace aiflow::hosts {
namespace {

using ::testing::HasSubstr;

ConditionQuestion OfATask() {
  ConditionQuestion question;
  question.workflow_id = WorkflowId(1);
  question.ns = "default";
  question.workflow = "w";
  question.task = "t";
  question.rule = 2;
  question.question = 1;
  question.event.key = "k";
  question.event.value = "v";
  question.event.context = "{}";
  question.event.ns = "default";
  question.event.sender = "s";
  question.event.offset = 42;
  question.event.create_time = Millis(1'700'000'000'000);
  question.execution = ExecutionId(5);
  question.snapshot = SnapshotId(3);
  question.statuses = {{"a", TaskStatus::kSuccess}, {"b", TaskStatus::kRunning}};
  question.params_json = R"({"day":"monday"})";
  question.states.push_back({ExecutionId(5), {}, "count", std::string("\0\1", 2)});
  return question;
}

TEST(HostMessagesTest, AQuestionOfATaskIsTheProtocols) {
  EXPECT_EQ(FormatQuestion(7, OfATask(), ""),
            R"({"id":7,"ask":{"namespace":"default","workflow":"w","task":"t","rule":2,)"
            R"("question":1},"event":{"key":"k","value":"v","context":"{}","namespace":"default",)"
            R"("sender":"s","offset":42,"create_time":1700000000000},"context":{"workflow_id":1,)"
            R"("snapshot_id":3,"workflow_execution_id":5,"statuses":{"a":"SUCCESS",)"
            R"("b":"RUNNING"},"params":{"day":"monday"}},"states":{"count":"AAE="}})");
}

TEST(HostMessagesTest, AQuestionOfATriggerBringsItsRule) {
  ConditionQuestion question;
  question.workflow_id = WorkflowId(1);
  question.ns = "default";
  question.workflow = "w";
  question.trigger = TriggerId(9);
  question.snapshot = SnapshotId(3);
  EXPECT_EQ(FormatQuestion(8, question, "foo"),
            R"({"id":8,"ask":{"namespace":"default","workflow":"w","trigger":9,)"
            R"("pickled":"Zm9v","question":0},"event":{"key":"","value":"","context":"",)"
            R"("namespace":"","sender":"","offset":0,"create_time":0},)"
            R"("context":{"workflow_id":1,"snapshot_id":3},"states":{}})");
}

TEST(HostMessagesTest, AQuestionIsOneLineWhateverTheEventHolds) {
  ConditionQuestion question = OfATask();
  question.event.value = "two\nlines and a byte that is no text: \xff";
  const std::string line = FormatQuestion(7, question, "");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_THAT(line, HasSubstr(R"(two\nlines)"));
}

TEST(HostMessagesTest, AGreetingIsReadinessOrAReason) {
  EXPECT_TRUE(ReadGreeting(R"({"ready":true,"language":"python","protocol":1})").ok());
  const Status refused = ReadGreeting(R"({"error":"flow.py:3: NameError"})");
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_EQ(refused.message(), "flow.py:3: NameError");
  for (const char* line : {"", "hello", "[]", "{}", R"({"ready":false,"protocol":1})",
                           R"({"ready":true})", R"({"ready":true,"protocol":2})"}) {
    EXPECT_EQ(ReadGreeting(line).code(), Code::kInvalidArgument) << line;
  }
}

TEST(HostMessagesTest, AnAnswerIsAVerdictWithStatesOrAnError) {
  const auto met = ReadAnswer(R"({"id":7,"met":true,"states":{"count":"MQ==","old":null}})", 7);
  ASSERT_TRUE(met.has_value()) << met.error();
  EXPECT_TRUE(met->met);
  EXPECT_EQ(met->states_json, R"({"count":"MQ==","old":null})");
  const auto not_met = ReadAnswer(R"({"id":7,"met":false,"states":{}})", 7);
  EXPECT_FALSE(not_met->met);
  EXPECT_EQ(not_met->states_json, "");
  const auto error = ReadAnswer(R"({"id":7,"error":"ValueError: no","states":{"a":null}})", 7);
  EXPECT_EQ(error->error, "ValueError: no");
  EXPECT_EQ(error->states_json, "") << "no state changes with an error";
  EXPECT_NE(ReadAnswer(R"({"id":7,"error":""})", 7)->error, "");
}

TEST(HostMessagesTest, AnythingElseIsNoAnswerAndIsQuoted) {
  for (const char* line : {"", "[]", "{}", R"({"met":true})", R"({"id":8,"met":true})",
                           R"({"id":"7","met":true})", R"({"id":7})", R"({"id":7,"met":1})",
                           R"({"id":7,"met":true,"states":[]})", R"({"id":7,"error":1})"}) {
    EXPECT_FALSE(ReadAnswer(line, 7).has_value()) << line;
  }
  EXPECT_EQ(ReadAnswer("hello\x1b\xff", 7).error().message(),
            R"(its host said "hello\u001b\ufffd")");
  const auto quoted = ReadAnswer(std::string(10'000, 'x'), 7);
  EXPECT_LT(quoted.error().message().size(), 120U);
}

TEST(HostMessagesTest, AnAnswerThatNestsWithoutEndIsRefused) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const auto answer = ReadAnswer(R"({"id":7,"met":true,"states":{"a":)" + deep + "}}", 7);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message(), HasSubstr("its host said"));
}

}  // namespace
}  // namespace aiflow::hosts
