#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory/memory_store.h"
#include "storage/sqlite/sqlite_store.h"
#include "store_contract_rows.h"

/// The stores that keep the contract, and the language its tests are written in.
namespace aiflow {

namespace fs = std::filesystem;

/// A store in a place of its own that can be closed and opened again.
class SqliteWorld {
 public:
  SqliteWorld() {
    std::string pattern = fs::temp_directory_path() / "aiflow-store-XXXXXX";
    dir_ = mkdtemp(pattern.data());
    Reopen();
  }
  ~SqliteWorld() {
    store_.reset();
    fs::remove_all(dir_);
  }
  void Reopen() {
    store_.reset();
    auto opened = SqliteStore::Open(dir_ / "metadata.db");
    ASSERT_TRUE(opened) << opened.error();
    store_ = *std::move(opened);
  }
  SqliteStore& store() { return *store_; }

 private:
  fs::path dir_;
  std::unique_ptr<SqliteStore> store_;
};

class MemoryWorld {
 public:
  /// What a process would find after a crash: a copy.
  void Reopen() { store_ = std::make_unique<MemoryStore>(*store_); }
  MemoryStore& store() { return *store_; }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

template <typename World>
class StoreContract : public testing::Test {
 protected:
  StoreContract() { epoch_ = *store().TakeLease("server-a"); }

  auto& store() { return world_.store(); }
  Status Commit(std::vector<Change> changes) {
    const Status status = store().Commit({.epoch = epoch_,
                                          .from_offset = committed_,
                                          .to_offset = committed_ + 1,
                                          .changes = std::move(changes)});
    if (status.ok()) ++committed_;
    return status;
  }
  void MustCommit(std::vector<Change> changes) {
    const Status status = Commit(std::move(changes));
    ASSERT_TRUE(status.ok()) << status;
  }
  LoadedRows Loaded() {
    const auto changes = store().Load();
    EXPECT_TRUE(changes) << changes.error();
    return LoadedRows(*changes);
  }

  static ExecutionRow Execution(int64_t id, ExecutionStatus status, int64_t workflow = 1) {
    return {.id = ExecutionId(id),
            .workflow_id = WorkflowId(workflow),
            .snapshot_id = SnapshotId(1),
            .status = status};
  }
  static TaskExecutionRow Run(int64_t id, int64_t execution, TaskIndex task, int64_t sequence) {
    return {.id = TaskExecutionId(id),
            .execution_id = ExecutionId(execution),
            .task = task,
            .task_name = "train",
            .sequence = sequence};
  }
  static WorkflowRow Workflow(int64_t id, std::string ns, std::string name) {
    return {.id = WorkflowId(id), .ns = std::move(ns), .name = std::move(name)};
  }

  /// The ids of rows, in their order.
  template <typename Row>
  static std::vector<int64_t> Ids(const Result<std::vector<Row>>& rows) {
    EXPECT_TRUE(rows) << rows.error();
    std::vector<int64_t> ids;
    for (const Row& row : *rows) ids.push_back(row.id.value());
    return ids;
  }

  World world_;
  Epoch epoch_ = 0;
  Offset committed_ = 0;
};

using StoreWorlds = testing::Types<SqliteWorld, MemoryWorld>;

}  // namespace aiflow
