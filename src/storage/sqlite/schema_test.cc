#include "storage/sqlite/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <string>

namespace aiflow::sqlite {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr Migration kFirst{1, "CREATE TABLE lease (id INTEGER PRIMARY KEY, epoch INTEGER)"};
constexpr Migration kSecond{2, "ALTER TABLE lease ADD COLUMN note TEXT NOT NULL DEFAULT 'new'"};
constexpr Migration kBroken{2, "CREATE TABLE half (id INTEGER); CREATE TABLE lease (id INTEGER)"};

class SchemaTest : public testing::Test {
 protected:
  ~SchemaTest() override { fs::remove_all(dir_); }

  static fs::path MakeDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-schema-XXXXXX";
    return mkdtemp(pattern.data());
  }
  Connection Open() {
    return *Connection::Open(dir_ / "db", Connection::Mode::kReadWrite,
                             std::chrono::milliseconds(100));
  }
  static std::string Text(const Connection& connection, std::string_view sql) {
    Result<Statement> select = connection.Prepare(sql);
    EXPECT_TRUE(select) << select.error();
    std::string text;
    EXPECT_TRUE(*select->Step());
    EXPECT_TRUE(select->Read(text).ok());
    select->Reset();
    return text;
  }

  const fs::path dir_ = MakeDir();
};

TEST_F(SchemaTest, MigrationsAreNumberedFromOneWithoutGaps) {
  int expected = 1;
  for (const Migration& migration : Migrations()) EXPECT_EQ(migration.version, expected++);
  EXPECT_EQ(CurrentSchemaVersion(), expected - 1);
}

TEST_F(SchemaTest, AnEmptyDatabaseIsVersionZero) { EXPECT_EQ(*ReadSchemaVersion(Open()), 0); }

TEST_F(SchemaTest, AnOlderDatabaseGetsTheMissingMigrationsAndKeepsItsRows) {
  const std::array all = {kFirst, kSecond};
  {
    const Connection connection = Open();
    ASSERT_TRUE(ApplyMigrations(connection, std::span(all).first(1)).ok());
    ASSERT_TRUE(connection.Execute("INSERT INTO lease VALUES (1, 41)").ok());
  }
  const Connection connection = Open();
  EXPECT_EQ(*ReadSchemaVersion(connection), 1);
  const std::string secret = Text(connection, "SELECT value FROM meta WHERE key = 'secret'");
  ASSERT_TRUE(ApplyMigrations(connection, all).ok());
  EXPECT_EQ(*ReadSchemaVersion(connection), 2);
  EXPECT_EQ(Text(connection, "SELECT epoch || note FROM lease"), "41new");
  EXPECT_EQ(Text(connection, "SELECT value FROM meta WHERE key = 'secret'"), secret);
  ASSERT_TRUE(ApplyMigrations(connection, all).ok());  // nothing to do
}

TEST_F(SchemaTest, AMigrationThatFailsLeavesTheVersionBefore) {
  const Connection connection = Open();
  const std::array broken = {kFirst, kBroken};
  const Status status = ApplyMigrations(connection, broken);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("migration 2"));
  EXPECT_EQ(*ReadSchemaVersion(connection), 1);
  EXPECT_EQ(Text(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), "0");
}

TEST_F(SchemaTest, TwoDatabasesHaveDifferentSecrets) {
  const Connection one = Open();
  ASSERT_TRUE(ApplyMigrations(one, Migrations()).ok());
  const Connection two =
      *Connection::Open(dir_ / "db2", Connection::Mode::kReadWrite, std::chrono::milliseconds(100));
  ASSERT_TRUE(ApplyMigrations(two, Migrations()).ok());
  constexpr const char* kSecret = "SELECT value FROM meta WHERE key = 'secret'";
  EXPECT_THAT(Text(one, kSecret), testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_NE(Text(one, kSecret), Text(two, kSecret));
}

TEST_F(SchemaTest, TablesOfAnotherProgramAreRefused) {
  const Connection connection = Open();
  ASSERT_TRUE(connection.Execute("CREATE TABLE alembic_version (version_num TEXT)").ok());
  EXPECT_EQ(ReadSchemaVersion(connection).error().code(), Code::kFailedPrecondition);
  EXPECT_FALSE(ApplyMigrations(connection, Migrations()).ok());
}

// A full disk, as SQLite reports it.
TEST_F(SchemaTest, AFullDatabaseIsResourceExhaustedAndChangesNothing) {
  const Connection connection = Open();
  ASSERT_TRUE(connection.Execute("CREATE TABLE t (x); PRAGMA max_page_count = 4").ok());
  const Status status = connection.Execute("INSERT INTO t VALUES (zeroblob(100000))");
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status;
  EXPECT_THAT(status.message(), HasSubstr("full"));
  EXPECT_EQ(Text(connection, "SELECT count(*) FROM t"), "0");
}

}  // namespace
}  // namespace aiflow::sqlite
