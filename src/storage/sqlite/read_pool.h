#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/row_tables.h"

namespace aiflow::sqlite {

/// Up to `size` read connections, opened when first needed. Thread-safe: a reader beyond them waits
/// for its turn. Every query is one statement, so it sees one committed state.
class ReadPool {
 public:
  ReadPool(std::filesystem::path path, size_t size, std::chrono::milliseconds busy_timeout);
  ~ReadPool();

  /// All rows of a SELECT whose columns are those of `Row`.
  template <typename Row, typename... Args>
  Result<std::vector<Row>> All(std::string_view sql, const Args&... args) {
    std::vector<Row> rows;
    Status status = Each<Row>(
        sql, [&](Row&& row) { return rows.push_back(std::move(row)), true; }, args...);
    if (!status.ok()) return Error(std::move(status));
    return rows;
  }

  template <typename Row, typename... Args>
  Result<std::optional<Row>> One(std::string_view sql, const Args&... args) {
    std::optional<Row> found;
    Status status = Each<Row>(
        sql, [&](Row&& row) { return found = std::move(row), false; }, args...);
    if (!status.ok()) return Error(std::move(status));
    return found;
  }

  /// Calls `on_row` with each row until it answers false.
  template <typename Row, typename F, typename... Args>
  Status Each(std::string_view sql, const F& on_row, const Args&... args) {
    Result<Turn> turn = TakeTurn();
    if (!turn) return turn.error();
    Result<Statement*> statement = turn->Cached(sql);
    if (!statement) return statement.error();
    (*statement)->Bind(args...);
    for (;;) {
      const Result<bool> more = (*statement)->Step();
      if (!more) return more.error();
      if (!*more) return Status::Ok();
      Row row;
      Status status = (*statement)->ReadTuple(Table<Row>::Tie(row));
      if (!status.ok() || !on_row(std::move(row))) {
        (*statement)->Reset();  // ends the read transaction
        return status;
      }
    }
  }

 private:
  struct Reader {
    explicit Reader(Connection c) : connection(std::move(c)) {}
    Connection connection;
    std::map<std::string, Statement, std::less<>> statements;
  };
  /// A reader for one query; goes back to the pool when destroyed.
  class Turn {
   public:
    Turn(ReadPool* pool, std::unique_ptr<Reader> reader)
        : pool_(pool), reader_(std::move(reader)) {}
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (reader_ != nullptr) pool_->Return(std::move(reader_));
    }
    Result<Statement*> Cached(std::string_view sql);

   private:
    ReadPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  Result<Turn> TakeTurn();
  void Return(std::unique_ptr<Reader> reader);

  const std::filesystem::path path_;
  const std::chrono::milliseconds busy_timeout_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Reader>> idle_;
  size_t may_open_;
};

}  // namespace aiflow::sqlite
