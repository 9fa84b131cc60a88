// Talks to a real condition host as a server does: docs/formats/host-protocol.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <string>

#include "model/base64.h"
#include "model/spec_json.h"
#include "program_process.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// The custom conditions of the second rule of team.asking, depth-first.
constexpr int kEveryThird = 0;
constexpr int kDescribe = 1;
constexpr int kTooLarge = 2;
constexpr int kHang = 3;

class ServeConditionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    host_ =
        Spawn("--aiflow-serve-conditions", {{"AIFLOW_HOST_FD", std::to_string(ends[1])}}, ends[1]);
    close(ends[1]);
    socket_ = ends[0];
    ready_ = Receive();
  }
  void TearDown() override {
    Hangup();
    if (host_.pid > 0) host_.Wait();
  }

  void Hangup() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  int WaitForTheEnd() {
    const int code = host_.Wait();
    host_.pid = 0;
    return code;
  }

  void Send(const std::string& text) {
    ASSERT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  Json Receive() {
    std::string line;
    for (char c = 0; read(socket_, &c, 1) == 1 && c != '\n';) line += c;
    return Json::parse(line, nullptr, /*allow_exceptions=*/false);
  }
  static Json Question(int number, Json states = Json::object()) {
    return {{"id", 7},
            {"ask",
             {{"namespace", "team"},
              {"workflow", "asking"},
              {"task", "asked"},
              {"rule", 1},
              {"question", number}}},
            {"event",
             {{"key", "k"},
              {"value", "v"},
              {"context", "c"},
              {"namespace", "n"},
              {"sender", "s"},
              {"offset", 42},
              {"create_time", 1700000000000}}},
            {"context",
             {{"workflow_execution_id", 5},
              {"snapshot_id", 2},
              {"statuses", {{"a", "FAILED"}}},
              {"params", {{"day", "monday"}, {"rows", 3}}}}},
            {"states", std::move(states)}};
  }
  Json Ask(const Json& question) {
    Send(question.dump() + "\n");
    return Receive();
  }

  Process host_;
  int socket_ = -1;
  Json ready_;
};

TEST_F(ServeConditionsTest, SaysThatItIsReady) {
  EXPECT_EQ(ready_["ready"], true);
  EXPECT_EQ(ready_["language"], "cpp");
  EXPECT_EQ(ready_["protocol"], 1);
  EXPECT_TRUE(ready_["sdk_version"].is_string());
}

TEST_F(ServeConditionsTest, Rule21StateChangesComeWithTheAnswer) {
  Json answer = Ask(Question(kEveryThird));
  EXPECT_EQ(answer, (Json{{"id", 7}, {"met", false}, {"states", {{"count", Base64Encode("1")}}}}));
  answer = Ask(Question(kEveryThird, {{"count", Base64Encode("1")}, {"kept", ""}}));
  EXPECT_EQ(answer["states"], (Json{{"count", Base64Encode("2")}}));
  answer = Ask(Question(kEveryThird, {{"count", Base64Encode("2")}}));
  EXPECT_EQ(answer, (Json{{"id", 7}, {"met", true}, {"states", {{"count", nullptr}}}}));
  EXPECT_EQ(host_.ReadLine(), "asked about k at 42");
}

TEST_F(ServeConditionsTest, AConditionSeesItsEventAndItsExecution) {
  const Json answer = Ask(Question(kDescribe, {{"kept", Base64Encode(std::string("a\0b", 3))}}));
  EXPECT_EQ(answer["error"],
            "std::runtime_error: v|c|n|s|team.asking|5|2|a failed|b never ran|monday|3|a");
  EXPECT_FALSE(answer.contains("states"));
}

TEST_F(ServeConditionsTest, AnErrorOfAConditionLeavesTheHostAlive) {
  EXPECT_THAT(Ask(Question(kTooLarge))["error"], HasSubstr("'large' has 1048577 bytes"));
  EXPECT_EQ(Ask(Question(kEveryThird))["met"], false);
}

TEST_F(ServeConditionsTest, PlacesWithoutAConditionAreErrors) {
  Json question = Question(9);
  EXPECT_THAT(
      Ask(question)["error"],
      HasSubstr("workflow 'asking', task 'asked', rule 1 has no custom condition number 9"));
  question = Question(kEveryThird);
  question["ask"]["rule"] = 0;
  EXPECT_THAT(Ask(question)["error"], HasSubstr("rule 0 has no custom condition"));
  question["ask"]["rule"] = -1;
  EXPECT_TRUE(Ask(question).contains("error"));
  question["ask"]["task"] = "nobody";
  EXPECT_THAT(Ask(question)["error"], HasSubstr("task 'nobody'"));
  question["ask"] = {{"trigger", 3}, {"workflow", "asking"}, {"pickled", ""}, {"question", 0}};
  EXPECT_THAT(Ask(question)["error"], HasSubstr("not for triggers"));
}

TEST_F(ServeConditionsTest, SeveralLinesInOnePieceAreSeveralQuestions) {
  const std::string line = Question(kEveryThird).dump() + "\n";
  Send(line + line + line.substr(0, 20));
  EXPECT_EQ(Receive()["met"], false);
  EXPECT_EQ(Receive()["met"], false);
  Send(line.substr(20));
  EXPECT_EQ(Receive()["met"], false);
}

TEST_F(ServeConditionsTest, EndsWithTheServer) {
  Hangup();
  EXPECT_EQ(WaitForTheEnd(), 0);
}

TEST_F(ServeConditionsTest, EndsWithTheServerAlsoWhileAConditionHangs) {
  Send(Question(kHang).dump() + "\n");
  Hangup();
  EXPECT_EQ(WaitForTheEnd(), 0);
}

TEST_F(ServeConditionsTest, EndsAtSigterm) {
  kill(host_.pid, SIGTERM);
  EXPECT_EQ(WaitForTheEnd(), 128 + SIGTERM);
}

TEST_F(ServeConditionsTest, EndsWhenItDoesNotUnderstand) {
  Send("{\"id\": 1}\n");
  EXPECT_EQ(WaitForTheEnd(), 1);
}

TEST(ServeConditionsByHandTest, IsRefused) {
  EXPECT_EQ(Spawn("--aiflow-serve-conditions", {}).Wait(), 2);
  EXPECT_EQ(Spawn("--aiflow-serve-conditions", {{"AIFLOW_HOST_FD", "987"}}).Wait(), 2);
  EXPECT_EQ(Spawn("--aiflow-serve-conditions", {{"AIFLOW_HOST_FD", "x"}}).Wait(), 2);
}

// What the server numbers as question 1 of a rule is what the host finds there.
TEST(ServeConditionsOrderTest, TheSpecificationHasTheLeavesInTheSameOrder) {
  const Process process = Spawn("--aiflow-compile", {});
  const Json printed = Json::parse(process.ReadAll());
  EXPECT_EQ(process.Wait(), 0);
  const auto spec = ParseWorkflowSpec(printed.at("workflows").at(1).at("spec").dump());
  ASSERT_TRUE(spec) << spec.error();
  EXPECT_EQ(spec->host.language, "cpp");
  std::vector<std::string> names;
  const std::function<void(const ConditionSpec&)> walk = [&](const ConditionSpec& condition) {
    if (condition.kind == ConditionKind::kCustom) names.push_back(condition.name);
    for (const ConditionSpec& child : condition.children) walk(child);
  };
  walk(spec->tasks.at(0).rules.at(1).condition);
  EXPECT_EQ(names, (std::vector<std::string>{"every third", "describe", "too large", "hang"}));
}

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  aiflow::program_path = argv[1];
  return RUN_ALL_TESTS();
}
