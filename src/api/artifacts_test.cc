#include "api/artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class ArtifactsTest : public testing::Test {
 protected:
  ArtifactsTest() {
    std::string pattern = (fs::temp_directory_path() / "artifacts_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    directory_ = root_ / "work";
    fs::create_directories(directory_ / "a" / "deep");
    Write("b.txt");
    Write("a/deep/x");
    Write("a/y");
    Write("../secret");
  }
  ~ArtifactsTest() override { fs::remove_all(root_); }

  void Write(const std::string& path) { std::ofstream(directory_ / path) << path; }
  std::vector<std::string> List(const std::string& after = "", size_t limit = 100) {
    const auto artifacts = ListArtifacts(directory_, after, limit);
    EXPECT_TRUE(artifacts.has_value());
    std::vector<std::string> paths;
    for (const Artifact& artifact : *artifacts) paths.push_back(artifact.path);
    return paths;
  }

  fs::path root_;
  fs::path directory_;
};

TEST_F(ArtifactsTest, FilesAreListedByPathWithTheirSize) {
  EXPECT_THAT(List(), ElementsAre("a/deep/x", "a/y", "b.txt"));
  EXPECT_EQ((*ListArtifacts(directory_, "", 1))[0].size, 8);
  EXPECT_GT((*ListArtifacts(directory_, "", 1))[0].update_time.count(), 0);
}

TEST_F(ArtifactsTest, PagesFollowEachOther) {
  EXPECT_THAT(List("", 2), ElementsAre("a/deep/x", "a/y"));
  EXPECT_THAT(List("a/y", 2), ElementsAre("b.txt"));
  EXPECT_THAT(List("b.txt", 2), IsEmpty());
}

TEST_F(ArtifactsTest, ADirectoryThatIsNotThereHasNone) {
  const auto none = ListArtifacts(directory_ / "nothing", "", 10);
  ASSERT_TRUE(none.has_value());
  EXPECT_THAT(*none, IsEmpty());
}

TEST_F(ArtifactsTest, LinksAndPipesAreNeitherListedNorOpened) {
  fs::create_symlink(root_ / "secret", directory_ / "link");
  fs::create_directory_symlink(root_, directory_ / "out");
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(List(), ElementsAre("a/deep/x", "a/y", "b.txt"));
  for (const char* path : {"link", "out/secret", "pipe", "a", "nothing"}) {
    const auto opened = OpenArtifact(directory_, path);
    ASSERT_FALSE(opened.has_value()) << path;
    EXPECT_EQ(opened.error().code(), Code::kNotFound) << path;
  }
}

TEST_F(ArtifactsTest, APathThatLeadsOutIsRefused) {
  for (const char* path :
       {"../secret", "a/../../secret", "/etc/passwd", "", "a//y", "./b.txt", "a/"}) {
    const auto opened = OpenArtifact(directory_, path);
    ASSERT_FALSE(opened.has_value()) << path;
    EXPECT_EQ(opened.error().code(), Code::kInvalidArgument) << path;
  }
}

TEST_F(ArtifactsTest, AFileIsOpenedForReading) {
  const auto opened = OpenArtifact(directory_, "a/deep/x");
  ASSERT_TRUE(opened.has_value()) << opened.error();
  char text[16] = {};
  EXPECT_EQ(read(*opened, text, sizeof(text)), 8);
  EXPECT_STREQ(text, "a/deep/x");
  close(*opened);
}

}  // namespace
}  // namespace aiflow::api
