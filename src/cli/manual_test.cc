// The manual of the program's own tree, and what help and usage errors say.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/command_line_world.h"
#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ManualTest : public CommandLineTest {};

TEST_F(ManualTest, APageTellsWhatACommandTakes) {
  EXPECT_EQ(Run({"man", "workflow", "upload"}), kExitOk);
  EXPECT_THAT(out(),
              AllOf(StartsWith(".TH AIFLOW\\-WORKFLOW\\-UPLOAD 1 "),
                    HasSubstr(".SH SYNOPSIS\n\\fBaiflow workflow upload\\fR [OPTION]... FILE\n"),
                    HasSubstr("\\fB\\-f, \\-\\-files\\fR \\fITEXT,...\\fR\n"),
                    HasSubstr(".SH GLOBAL OPTIONS\n"), HasSubstr("\\fB\\-\\-server\\fR"),
                    HasSubstr(".SH EXIT STATUS\n.TP\n\\fB0\\fR\n"),
                    HasSubstr(".BR aiflow\\-workflow (1)\n")));
  EXPECT_EQ(Run({"man", "workflow", "lits"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: 'aiflow workflow' has no command 'lits'. Did you mean 'list'?\n");
}

TEST_F(ManualTest, PagesOfGroupsListTheirCommands) {
  EXPECT_EQ(Run({"man", "namespace"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr(".SH COMMANDS\n.TP\n\\fBadd\\fR\nCreate a namespace.\n"));
  EXPECT_EQ(Run({"man"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(".TH AIFLOW 1 "));
}

TEST_F(ManualTest, AllPagesAreWritten) {
  const TempDirForTest dir;
  EXPECT_EQ(Run({"man", "--all", dir.path().string()}), kExitOk);
  for (const char* page : {"aiflow.1", "aiflow-workflow.1", "aiflow-event-failed-list.1"}) {
    EXPECT_TRUE(std::filesystem::exists(dir.path() / page)) << page;
  }
  EXPECT_EQ(Run({"man", "--all", "/proc/nowhere"}), kExitError);
  EXPECT_EQ(Run({"man", "--all", dir.path().string(), "--markdown"}), kExitUsage);
}

TEST_F(ManualTest, TheReferenceHasEveryCommand) {
  EXPECT_EQ(Run({"man", "--markdown"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("\n### aiflow workflow upload\n"),
                           HasSubstr("| `-o, --output table\\|json\\|yaml\\|plain\\|wide` | How to "
                                     "print. Default: table. |"),
                           HasSubstr("\n## aiflow event failed\n")));
}

TEST_F(ManualTest, HelpIsOfOneStyle) {
  EXPECT_EQ(Run({"workflow", "list", "--help"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("List the workflows of a namespace\n"
                                "Usage: aiflow workflow list [OPTIONS]\n"));
  EXPECT_THAT(out(), AllOf(HasSubstr("  -n, --namespace TEXT            The namespace [default]\n"),
                           HasSubstr("  -o, --output table|json|yaml|plain|wide\n")));
  EXPECT_EQ(Run({"completion", "--help"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("  SHELL "), HasSubstr("(bash|zsh|fish)"),
                           Not(HasSubstr("REQUIRED"))));
}

TEST_F(ManualTest, OptionsAndValuesSuggestTheNearest) {
  EXPECT_EQ(Run({"workflow", "list", "--namspace", "x"}), kExitUsage);
  EXPECT_EQ(err(),
            "aiflow: 'aiflow workflow list' has no option '--namspace'. Did you mean "
            "'--namespace'? See 'aiflow workflow list --help'.\n");
  EXPECT_EQ(Run({"workflow", "list", "-o", "jsno"}), kExitUsage);
  EXPECT_EQ(err(),
            "aiflow: --output: 'jsno' is none of table, json, yaml, plain, wide. Did you mean "
            "'json'? See 'aiflow workflow list --help'.\n");
  EXPECT_EQ(Run({"workflow-execution", "list", "--status", "FAILD"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("Did you mean 'FAILED'?"));
  EXPECT_EQ(Run({"workflow", "list", "-x"}), kExitUsage);
  EXPECT_THAT(err(), StartsWith("aiflow: 'aiflow workflow list' has no option '-x'."));
}

TEST_F(ManualTest, GroupsThatAreNoMoreNameTheirSuccessors) {
  EXPECT_EQ(Run({"webserver", "start", "-d"}), kExitUsage);
  EXPECT_EQ(err(),
            "aiflow: 'aiflow' has no command 'webserver'. REST is part of the "
            "server: 'aiflow standalone' or 'aiflow server start', at --http-port. See 'aiflow "
            "--help'.\n");
  EXPECT_EQ(Run({"taskmanager", "run", "w", "1", "t", "1", "s", "n:1", "s:1"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("'aiflow task-execution start' starts one by hand."));
}

}  // namespace
}  // namespace aiflow::cli
