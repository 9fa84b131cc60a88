#include "storage/sqlite/inspect.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "storage/sqlite/sqlite_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

class InspectTest : public ::testing::Test {
 protected:
  InspectTest() {
    std::string pattern = (fs::temp_directory_path() / "inspect_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~InspectTest() override { fs::remove_all(dir_); }
  [[nodiscard]] fs::path path() const { return dir_ / "aiflow.db"; }

  fs::path dir_;
};

TEST_F(InspectTest, TellsVersionLogAndPositionBesideTheOneThatHasItOpen) {
  auto store = SqliteStore::Open(path());
  ASSERT_TRUE(store.has_value());
  ASSERT_TRUE((*store)->BindLog("a-log").ok());
  const auto epoch = (*store)->TakeLease("test");
  ASSERT_TRUE(epoch.has_value());
  ASSERT_TRUE((*store)->Commit({.epoch = *epoch, .from_offset = 0, .to_offset = 7}).ok());
  const auto found = InspectSqliteStore(path(), /*check=*/true);
  ASSERT_TRUE(found.has_value()) << found.error();
  EXPECT_EQ(found->version, found->current_version);
  EXPECT_EQ(found->log_id, "a-log");
  EXPECT_EQ(found->committed, 7);
  EXPECT_EQ(found->damage, "");
}

TEST_F(InspectTest, ADatabaseThatIsNotThereIsNotMade) {
  EXPECT_EQ(InspectSqliteStore(path(), true).error().code(), Code::kNotFound);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(InspectTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path()) << std::string(10'000, 'x');
  EXPECT_EQ(InspectSqliteStore(path(), true).error().code(), Code::kFailedPrecondition);
}

TEST_F(InspectTest, SomebodyElsesDatabaseIsRefused) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE x (y)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_EQ(InspectSqliteStore(path(), true).error().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace aiflow
