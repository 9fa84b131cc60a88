#include "server/env_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Values = std::map<std::string, std::string>;

Values Parsed(std::string_view text) {
  EnvFileVariables variables;
  const Status status = ParseEnvFile(text, &variables);
  EXPECT_TRUE(status.ok()) << status << " in " << text;
  return variables.values;
}

std::string Refusal(std::string_view text) {
  EnvFileVariables variables;
  const Status status = ParseEnvFile(text, &variables);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
  return status.message();
}

TEST(ParseEnvFileTest, ReadsLinesWithCommentsAndBlanks) {
  EXPECT_EQ(Parsed("\xef\xbb\xbf# head\n\n  # indented\nA=1\r\n export  B=two words  # why\n"
                   "C=a#b\nD=#x\nE= # none\nF=\n_G9=\t a=b'c\" "),
            (Values{{"A", "1"},
                    {"B", "two words"},
                    {"C", "a#b"},
                    {"D", "#x"},
                    {"E", ""},
                    {"F", ""},
                    {"_G9", "a=b'c\""}}));
  EXPECT_EQ(Parsed(""), Values{});
  EXPECT_EQ(Parsed("export=1\nexported=2"), (Values{{"export", "1"}, {"exported", "2"}}));
}

TEST(ParseEnvFileTest, SingleQuotesTakeEverythingAsItIs) {
  EXPECT_EQ(Parsed("A='a \\n $B \"#\" '\nB='two\nlines'  # why\nC=''"),
            (Values{{"A", "a \\n $B \"#\" "}, {"B", "two\nlines"}, {"C", ""}}));
}

TEST(ParseEnvFileTest, DoubleQuotesKnowEscapes) {
  EXPECT_EQ(Parsed(R"(A="a\n\t\"\\\$\`\x$B # 'c'")"
                   "\nB=\"two\nlines\"\r\n"),
            (Values{{"A", "a\n\t\"\\$`\\x$B # 'c'"}, {"B", "two\nlines"}}));
}

TEST(ParseEnvFileTest, NothingIsExpandedOutsideOfQuotes) {
  EXPECT_EQ(Parsed("A=$HOME\\n${B}"), (Values{{"A", "$HOME\\n${B}"}}));
}

TEST(ParseEnvFileTest, OfANameThatIsThereTwiceTheLaterWinsAndBothAreSecret) {
  EnvFileVariables variables;
  ASSERT_TRUE(ParseEnvFile("A=first\nA=second", &variables).ok());
  EXPECT_EQ(variables.values, (Values{{"A", "second"}}));
  EXPECT_THAT(variables.secrets, ElementsAre("first", "second"));
}

TEST(ParseEnvFileTest, MistakesAreNamedByLineAndNeverQuoted) {
  for (const char* text :
       {"A=1\n\nhunter22", "A=1\n\nA B=hunter22", "A=1\n\n9A=hunter22", "A=1\n\n=hunter22",
        "A='1\n'\nhunter22-x=1", "A=1\n\nA =hunter22", "A=1\n\nexport", "A=1\n\nA-B=hunter22"}) {
    EXPECT_THAT(Refusal(text),
                AllOf(HasSubstr("line 3: is no NAME=value"), Not(HasSubstr("hunter22"))));
  }
  EXPECT_THAT(Refusal("A=1\nB='hunter22\nC=2"), EndsWith("line 2: the quote that begins its value "
                                                         "has no end"));
  EXPECT_THAT(Refusal("B=\"hunter22\\\""), HasSubstr("line 1: the quote"));
  EXPECT_THAT(Refusal("A=1\nB='a'hunter22"), HasSubstr("line 2: has something after"));
  EXPECT_THAT(Refusal("B='a'#hunter22"), HasSubstr("line 1: has something after"));
  EXPECT_THAT(Refusal(std::string_view("A=b\0c", 5)), HasSubstr("line 1: has a NUL byte"));
  EXPECT_THAT(Refusal("\nAIFLOW_HOME=x"), HasSubstr("line 2: sets a variable whose name begins"));
}

TEST(ParseEnvFileTest, TooManyVariablesAreRefused) {
  std::string text;
  for (size_t i = 0; i <= kMaxEnvFileVariables; ++i) text += "A=1\n";
  EXPECT_THAT(Refusal(text), HasSubstr("line 1001: more than 1000 variables"));
}

class EnvFilesTest : public testing::Test {
 protected:
  EnvFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "env_file_test.XXXXXX").string();
    home_ = mkdtemp(pattern.data());
  }
  ~EnvFilesTest() override { fs::remove_all(home_); }

  fs::path Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    fs::create_directories((home_ / name).parent_path());
    std::ofstream(home_ / name) << text;
    chmod((home_ / name).c_str(), mode);
    return home_ / name;
  }
  std::string RefusalOf(std::vector<std::string> files) {
    const auto variables = ReadEnvFiles(files, home_);
    EXPECT_FALSE(variables.has_value());
    return variables.has_value() ? "" : variables.error().message();
  }

  fs::path home_;
};

TEST_F(EnvFilesTest, LaterFilesWinAndPathsBeginAtTheHome) {
  Write("a.env", "A=from a\nB=from a\n");
  Write("sub/b.env", "B=from b\n");
  const fs::path c = Write("c.env", "C=from c\n");
  const auto variables = ReadEnvFiles({"a.env", "{AIFLOW_HOME}/sub/b.env", c.string()}, home_);
  ASSERT_TRUE(variables.has_value()) << variables.error();
  EXPECT_EQ(variables->values, (Values{{"A", "from a"}, {"B", "from b"}, {"C", "from c"}}));
  EXPECT_THAT(variables->secrets, ElementsAre("from a", "from b", "from c"));
  EXPECT_TRUE(ReadEnvFiles({}, home_)->values.empty());
}

TEST_F(EnvFilesTest, ATildeIsTheHomeOfTheUser) {
  Write("user/x.env", "A=1\n");
  const char* before = getenv("HOME");
  const std::string kept = before == nullptr ? "" : before;
  setenv("HOME", (home_ / "user").c_str(), 1);
  EXPECT_TRUE(ReadEnvFiles({"~/x.env"}, home_).has_value());
  setenv("HOME", kept.c_str(), 1);
}

TEST_F(EnvFilesTest, FilesThatOthersMayUseAreRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610}) {
    Write("a.env", "A=hunter22\n", mode);
    EXPECT_THAT(RefusalOf({"a.env"}),
                AllOf(HasSubstr("a.env"), HasSubstr("chmod 600"), Not(HasSubstr("hunter22"))));
  }
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const fs::path foreign = Write("b.env", "A=hunter22\n");
  ASSERT_EQ(chown(foreign.c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_THAT(RefusalOf({"b.env"}), HasSubstr("belongs to user 12345"));
}

TEST_F(EnvFilesTest, WhatIsNoFileIsRefusedAtOnce) {
  EXPECT_THAT(RefusalOf({"missing.env"}), HasSubstr("missing.env: No such file"));
  ASSERT_EQ(mkfifo((home_ / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(RefusalOf({"fifo"}), HasSubstr("is no regular file"));
  EXPECT_THAT(RefusalOf({"."}), HasSubstr("is no regular file"));
}

TEST_F(EnvFilesTest, MistakesNameFileAndLine) {
  Write("a.env", "A=1\n");
  Write("b.env", "A=1\nhunter22\n");
  EXPECT_THAT(RefusalOf({"a.env", "b.env"}),
              AllOf(testing::StartsWith("env_file: "), HasSubstr("/b.env, line 2: is no NAME"),
                    Not(HasSubstr("hunter22"))));
}

TEST_F(EnvFilesTest, SizesAreBounded) {
  Write("a.env", "A=" + std::string(kMaxEnvFileBytes, 'x'));
  EXPECT_THAT(RefusalOf({"a.env"}), HasSubstr("is larger than 65536 bytes"));
  std::vector<std::string> files;
  for (const char* name : {"1", "2", "3", "4", "5"}) {
    Write(name, "A=" + std::string(60'000, 'x'));
    files.emplace_back(name);
  }
  EXPECT_THAT(RefusalOf(files), HasSubstr("/5 and the files before it are together larger than "));
}

}  // namespace
}  // namespace aiflow::server
