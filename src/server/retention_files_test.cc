#include "server/retention_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "storage/blobs/local_blob_store.h"
#include "storage/memory/memory_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LaterClock final : public Clock {
 public:
  Millis Now() const override { return SystemClock().Now() + ahead; }
  std::chrono::nanoseconds Monotonic() const override { return SystemClock().Monotonic(); }
  Millis ahead = std::chrono::hours(2);
};

/// Execution 1 is unfinished, with run 2 of task 0; execution 2 has ended; 3 and 13 are gone.
class HomeFilesTest : public ::testing::Test {
 protected:
  HomeFilesTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-retention-XXXXXX").string();
    root_ = mkdtemp(name.data());
    blobs_.emplace(Home(root_).blobs());
    bundles_.emplace(Home(root_).snapshots(), *blobs_);
    const auto execution = [](int64_t id, ExecutionStatus status) {
      return ExecutionRow{.id = ExecutionId(id), .status = status};
    };
    TaskExecutionRow run;
    run.id = TaskExecutionId(7);
    run.execution_id = ExecutionId(1);
    run.sequence = 2;
    Commit({execution(1, ExecutionStatus::kRunning), execution(2, ExecutionStatus::kSuccess), run});
  }
  ~HomeFilesTest() override { fs::remove_all(root_); }

  void Commit(std::vector<Change> changes) {
    const StoreMeta meta = *store_.Meta();
    ASSERT_TRUE(store_
                    .Commit({.epoch = meta.epoch,
                             .from_offset = meta.committed,
                             .to_offset = meta.committed,
                             .changes = std::move(changes)})
                    .ok());
  }
  void Write(const fs::path& path) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << "x";
  }
  void Sweep(bool pruned = false) {
    HomeFiles files(Home(root_), store_, *blobs_, *bundles_, clock_);
    const Status status = files.SweepExecutions([pruned](ExecutionId) { return pruned; },
                                                [this] { return stopping_; });
    EXPECT_TRUE(status.ok()) << status;
  }
  void SweepBlobs(const std::set<std::string>& named) {
    HomeFiles files(Home(root_), store_, *blobs_, *bundles_, clock_);
    const Status status = files.SweepBlobs(named);
    EXPECT_TRUE(status.ok()) << status;
  }
  [[nodiscard]] std::vector<std::string> Below(const fs::path& path) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_ / path)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path root_;
  MemoryStore store_;
  std::optional<LocalBlobStore> blobs_;
  std::optional<BundleDirectory> bundles_;
  LaterClock clock_;
  bool stopping_ = false;
};

TEST_F(HomeFilesTest, AttemptsOfExecutionsThatAreGoneAreRemoved) {
  for (const char* id : {"1", "2", "3", "13"}) Write(fs::path("attempts") / id / "0-2-1" / "log");
  Write("attempts/notes/x");
  Write("attempts/03/x");
  Sweep();
  EXPECT_THAT(Below("attempts"), ElementsAre("03", "1", "2", "notes"));
}

TEST_F(HomeFilesTest, Rule14FreshAttemptsStay) {
  Write("attempts/3/0-1-1/claim");
  clock_.ahead = Millis(0);
  Sweep();
  EXPECT_THAT(Below("attempts"), ElementsAre("3"));
}

TEST_F(HomeFilesTest, AttemptsOfRunsThatAreGoneAreRemovedWhereRunsWere) {
  for (const char* run : {"0-1-1", "0-1-2", "0-2-1", "1-2-1", "other"}) {
    Write(fs::path("attempts/1") / run / "log");
  }
  Write("attempts/2/0-1-1/log");
  fs::create_directories(root_ / "logs/default/w/1/a");
  fs::create_symlink(root_ / "attempts/1/0-1-1/log", root_ / "logs/default/w/1/a/1.log");
  fs::create_symlink(root_ / "attempts/1/0-2-1/log", root_ / "logs/default/w/1/a/2.log");
  Sweep(/*pruned=*/false);
  EXPECT_EQ(Below("attempts/1").size(), 5U);
  Sweep(/*pruned=*/true);
  EXPECT_THAT(Below("attempts/1"), ElementsAre("0-2-1", "other"));
  EXPECT_THAT(Below("attempts/2"), ElementsAre("0-1-1")) << "a finished one goes as a whole";
  EXPECT_THAT(Below("logs/default/w/1/a"), ElementsAre("2.log"));
}

TEST_F(HomeFilesTest, LogsAndWorkingDirectoriesGoWithTheirExecution) {
  for (const char* id : {"1", "2", "3"}) {
    Write(fs::path("logs/default/größe") / id / "a" / "1.log");
    Write(fs::path("working_dir/default/größe") / id / "data");
  }
  fs::create_directories(root_ / "working_dir/default/größe/3/locked/deep");
  fs::permissions(root_ / "working_dir/default/größe/3/locked", fs::perms::owner_read);
  Write("logs/aiflow_server-1.log");
  Sweep();
  EXPECT_THAT(Below("logs/default/größe"), ElementsAre("1", "2"));
  EXPECT_THAT(Below("working_dir/default/größe"), ElementsAre("1", "2"));
  EXPECT_TRUE(fs::exists(root_ / "logs/aiflow_server-1.log"));
}

TEST_F(HomeFilesTest, LinksAreRemovedAndNotFollowed) {
  Write("outside/precious");
  Write("working_dir/default/w/3/x");
  fs::create_directory_symlink(root_ / "outside", root_ / "working_dir/default/w/3/link");
  fs::create_directory_symlink(root_ / "outside", root_ / "working_dir/default/w/13");
  fs::create_directories(root_ / "attempts");
  fs::create_directory_symlink(root_ / "outside", root_ / "attempts/3");
  Sweep();
  EXPECT_TRUE(fs::exists(root_ / "outside/precious"));
  EXPECT_THAT(Below("working_dir/default/w"), ElementsAre("13")) << "not one of ours";
}

TEST_F(HomeFilesTest, LogsOfHooksGoWithTheirExecution) {
  Write("logs/hooks/1.5.log");
  Write("logs/hooks/3.6.log");
  Write("logs/hooks/3.txt");
  Write("logs/hooks/3.flow/2/x");  // a workflow of a namespace of that name
  Sweep();
  EXPECT_THAT(Below("logs/hooks"), ElementsAre("1.5.log", "3.flow", "3.txt"));
}

TEST_F(HomeFilesTest, AStopEndsASweep) {
  Write("attempts/3/0-1-1/log");
  stopping_ = true;
  Sweep();
  EXPECT_THAT(Below("attempts"), ElementsAre("3"));
}

TEST_F(HomeFilesTest, AnEmptyHomeHasNothingToSweep) {
  Sweep(true);
  SweepBlobs({});
}

TEST_F(HomeFilesTest, BlobsThatNothingNamesGoAndTheirBundlesAfterThem) {
  const std::string kept = *blobs_->Put("kept");
  const std::string gone = *blobs_->Put("gone");
  fs::create_directories(root_ / "snapshots" / kept);
  fs::create_directories(root_ / "snapshots" / gone);
  fs::create_directories(root_ / "snapshots" / "other");
  SweepBlobs({kept});
  EXPECT_FALSE(*blobs_->Has(gone));
  EXPECT_TRUE(*blobs_->Has(kept));
  EXPECT_THAT(Below("snapshots"), ::testing::UnorderedElementsAre(kept, "other"));
}

TEST_F(HomeFilesTest, FreshBlobsStayWithTheirBundles) {
  const std::string fresh = *blobs_->Put("fresh");
  fs::create_directories(root_ / "snapshots" / fresh);
  clock_.ahead = Millis(0);
  SweepBlobs({});
  EXPECT_TRUE(*blobs_->Has(fresh));
  EXPECT_THAT(Below("snapshots"), ElementsAre(fresh));
}

}  // namespace
}  // namespace aiflow::server
