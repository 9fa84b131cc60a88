#include "server/host_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "bundle/pack.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class HostPlannerTest : public testing::Test {
 protected:
  HostPlannerTest() {
    std::string pattern = (fs::temp_directory_path() / "host_planner_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    bundles_ = std::make_unique<BundleDirectory>(root_ / "snapshots", blobs_);
    question_.host = {"python", "flow.py", "/opt/python", "3.11", "1.0"};
  }
  ~HostPlannerTest() override {
    // Unpacked bundles are read-only.
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (entry.is_directory()) fs::permissions(entry, fs::perms::owner_all);
    }
    fs::remove_all(root_);
  }

  void Bundle(const std::string& file) {
    const fs::path directory = root_ / "flow";
    fs::create_directories(directory);
    std::ofstream(directory / file) << "content";
    const auto archive = PackBundle(directory / file, {});
    ASSERT_TRUE(archive.has_value()) << archive.error();
    question_.bundle_digest = *blobs_.Put(archive->bytes);
    question_.bundle_name = archive->top_directory;
  }
  LocalHostPlanner Planner() {
    const auto version_of = [](const std::string& interpreter) -> Result<std::string> {
      if (interpreter == "/opt/python") return std::string("3.11");
      return Error(Code::kNotFound, interpreter + ": missing");
    };
    return LocalHostPlanner(Home(root_), {"127.0.0.1:2", "127.0.0.1:1"}, *bundles_, blobs_,
                            PythonInterpreter("python3", version_of), {{"LANG", "C"}});
  }
  Result<hosts::HostCommand> Plan() { return Planner().Plan(question_); }
  std::string Refusal() {
    const auto command = Plan();
    return command.has_value() ? "" : command.error().message();
  }

  fs::path root_;
  MemoryBlobStore blobs_;
  std::unique_ptr<BundleDirectory> bundles_;
  ConditionQuestion question_;
};

TEST_F(HostPlannerTest, APythonHostServesTheFileOfTheBundle) {
  Bundle("flow.py");
  const auto command = Plan();
  ASSERT_TRUE(command.has_value()) << command.error();
  const std::string dir =
      (root_ / "snapshots" / question_.bundle_digest / question_.bundle_name).string();
  EXPECT_THAT(command->argv, ElementsAre("/opt/python", "-m", "ai_flow.host", "serve-conditions",
                                         dir + "/flow.py"));
  EXPECT_EQ(command->dir, dir);
  EXPECT_EQ(command->log, (root_ / "logs" / "hosts").string() + "/" +
                              question_.bundle_digest.substr(0, 16) + ".log");
  EXPECT_EQ(command->env.at("LANG"), "C");
  EXPECT_EQ(command->env.at("AIFLOW_BUNDLE_DIR"), dir);
  EXPECT_EQ(command->env.at("AIFLOW_NOTIFICATION_URI"), "127.0.0.1:2");
}

TEST_F(HostPlannerTest, ACppHostIsTheProgramItself) {
  Bundle("flow");
  question_.host = {"cpp", "flow", "", "", "1.0"};
  const auto command = Plan();
  ASSERT_TRUE(command.has_value()) << command.error();
  EXPECT_THAT(command->argv, ElementsAre(HasSubstr("/flow/flow"), "--aiflow-serve-conditions"));
}

TEST_F(HostPlannerTest, RulesOfTriggersAloneNeedNoFile) {
  question_.host.file.clear();
  const auto command = Plan();
  ASSERT_TRUE(command.has_value()) << command.error();
  EXPECT_THAT(command->argv, ElementsAre("/opt/python", "-m", "ai_flow.host", "serve-conditions"));
  EXPECT_EQ(command->dir, root_.string());
}

TEST_F(HostPlannerTest, WhatCannotRunIsRefusedWithTheReason) {
  EXPECT_EQ(Refusal(), "its bundle has no file flow.py");
  question_.host.file.clear();
  question_.host.version = "3.7";
  EXPECT_THAT(Refusal(), HasSubstr("the workflow was uploaded with Python 3.7"));
  question_.host.language = "java";
  EXPECT_EQ(Refusal(), "no host for the language java");
  question_.host = {};
  EXPECT_EQ(Refusal(), "the specification names no host");
}

TEST_F(HostPlannerTest, RulesAreReadByTheirDigest) {
  LocalHostPlanner planner = Planner();
  EXPECT_EQ(*planner.ReadPickled(*blobs_.Put("a rule")), "a rule");
  EXPECT_FALSE(planner.ReadPickled(Sha256Hex("another")).has_value());
}

}  // namespace
}  // namespace aiflow::server
