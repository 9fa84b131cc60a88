#include "api/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"
#include "model/spec_json.h"
#include "storage/memory/memory_store.h"

namespace aiflow::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CheckUploadTest : public testing::Test {
 protected:
  CheckUploadTest() {
    spec_.ns = "default";
    spec_.name = "w";
    Commit({NamespaceRow{.name = "default"}, PoolRow{.name = "gpu", .slots = 1}});
  }
  void Commit(std::vector<Change> changes) {
    const StoreMeta meta = *store_.Meta();
    ASSERT_TRUE(store_
                    .Commit({.epoch = meta.epoch,
                             .from_offset = meta.committed,
                             .to_offset = meta.committed,
                             .changes = std::move(changes)})
                    .ok());
  }
  void AddTask(const std::string& name, const std::string& pool) {
    TaskSpec& task = spec_.tasks.emplace_back();
    task.name = name;
    task.command = "true";
    task.pool = pool;
  }
  std::vector<std::string> Warnings() {
    Upload upload;
    upload.workflows.emplace_back().spec_json = FormatWorkflowSpec(spec_);
    const Status status = CheckUpload(store_, "", &upload);
    EXPECT_TRUE(status.ok()) << status;
    return upload.workflows[0].warnings;
  }

  WorkflowSpec spec_;
  MemoryStore store_;
};

TEST_F(CheckUploadTest, WarnsOnceOfAPoolThatDoesNotExist) {
  AddTask("a", "");
  AddTask("b", "gpu");
  EXPECT_THAT(Warnings(), IsEmpty());
  AddTask("d", "gup");
  AddTask("e", "gup");
  EXPECT_THAT(Warnings(), ElementsAre("task 'd': there is no pool 'gup'; its tasks wait until "
                                      "somebody makes it: aiflow pool set 'gup' SLOTS"));
}

TEST_F(CheckUploadTest, TheUrisLengthIsLimited) {
  AddTask("a", "");
  Upload upload;
  upload.workflows.emplace_back().spec_json = FormatWorkflowSpec(spec_);
  upload.bundle_uri = std::string(limits::kMaxUrlBytes, 'u');
  EXPECT_TRUE(CheckUpload(store_, "", &upload).ok());
  upload.bundle_uri += 'u';
  const Status status = CheckUpload(store_, "", &upload);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("bundle_uri has 2049 bytes, more than kMaxUrlBytes"));
}

}  // namespace
}  // namespace aiflow::api
