#include "cli/completion.h"

#include <gmock/gmock.h>

#include "cli/command_line_world.h"

namespace aiflow::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CompletionTest : public CommandLineTest {
 protected:
  /// The candidates without their descriptions.
  std::vector<std::string> Candidates(std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    EXPECT_EQ(Run(words), kExitOk);
    EXPECT_EQ(err(), "");
    std::vector<std::string> candidates;
    std::istringstream lines(out());
    for (std::string line; std::getline(lines, line);) {
      candidates.push_back(line.substr(0, line.find('\t')));
    }
    return candidates;
  }
};

TEST_F(CompletionTest, GroupsAndCommands) {
  EXPECT_THAT(Candidates({"workf"}),
              ElementsAre("workflow", "workflow-execution", "workflow-schedule",
                          "workflow-snapshot", "workflow-trigger"));
  EXPECT_THAT(Candidates({"namespace", "de"}), ElementsAre("delete"));
  EXPECT_THAT(out(), HasSubstr("delete\tDelete a namespace\n"));
  EXPECT_THAT(Candidates({"--home", "/x", "workflow", "up"}), ElementsAre("upload"));
  EXPECT_THAT(Candidates({"nonsense", "up"}), IsEmpty());
  EXPECT_THAT(Candidates({}), Not(IsEmpty()));
}

TEST_F(CompletionTest, Options) {
  EXPECT_THAT(Candidates({"workflow", "list", "--n"}),
              ElementsAre("--namespace", "--notification-server"));
  EXPECT_THAT(Candidates({"workflow-execution", "list", "--s"}),
              ElementsAre("--status", "--server"));
  EXPECT_THAT(Candidates({"workflow", "list", "--", "--n"}), IsEmpty());
}

TEST_F(CompletionTest, FixedValues) {
  EXPECT_THAT(Candidates({"workflow", "list", "-o", ""}),
              ElementsAre("table", "json", "yaml", "plain", "wide"));
  EXPECT_THAT(Candidates({"workflow", "list", "--output=j"}), ElementsAre("--output=json"));
  // As bash hands the same over.
  EXPECT_THAT(Candidates({"workflow", "list", "--output", "=", "j"}), ElementsAre("json"));
  EXPECT_THAT(Candidates({"workflow", "list", "--output", "="}),
              ElementsAre("table", "json", "yaml", "plain", "wide"));
  EXPECT_THAT(Candidates({"task-execution", "mark", "17", "t", "s"}), ElementsAre("success"));
  EXPECT_THAT(Candidates({"workflow-execution", "list", "--status", "failed,st"}),
              ElementsAre("failed,STOPPING", "failed,STOPPED"));
  EXPECT_THAT(Candidates({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(CompletionTest, NamesThatTheServerKnows) {
  AddWorkflow("online");
  AddWorkflow("offline");
  server_.namespaces.emplace_back().set_name("team");
  EXPECT_THAT(Candidates({"workflow", "show", "on"}), ElementsAre("online"));
  EXPECT_THAT(Candidates({"workflow-execution", "start", "-n", "team", ""}),
              ElementsAre("online", "offline"));
  EXPECT_EQ(client_->calls.back().second, "namespace: \"team\"");
  EXPECT_THAT(Candidates({"workflow", "list", "-n", "t"}), ElementsAre("team"));
  EXPECT_THAT(Candidates({"namespace", "add", ""}), IsEmpty());
  EXPECT_THAT(Candidates({"workflow", "show", "online", ""}), IsEmpty()) << "one name is enough";
  server_.refusal = Status(Code::kUnavailable, "no server answers at 127.0.0.1:50051");
  EXPECT_THAT(Candidates({"workflow", "show", "on"}), IsEmpty());
  EXPECT_THAT(Candidates({"workf"}), Not(IsEmpty()));
  EXPECT_EQ(client_, nullptr) << "the server is not asked for what is known here";
}

TEST_F(CompletionTest, Files) {
  EXPECT_THAT(Candidates({"workflow", "upload", "w"}), ElementsAre(":files"));
  EXPECT_THAT(Candidates({"workflow", "upload", "-f", ""}), ElementsAre(":files"));
  EXPECT_THAT(Candidates({"--home", ""}), ElementsAre(":files"));
}

TEST_F(CompletionTest, ScriptsNameTheProgram) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), kExitOk);
    EXPECT_THAT(out(), HasSubstr("aiflow"));
    EXPECT_THAT(out(), Not(HasSubstr("@PROGRAM@")));
  }
}

}  // namespace
}  // namespace aiflow::cli
