#pragma once

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/ids.h"
#include "base/status.h"
#include "storage/sqlite/row_blobs.h"

/// The private SQLite door of this folder: connections and prepared statements that return Status.
namespace aiflow::sqlite {

/// Translates an SQLite result code: full disk -> kResourceExhausted, locked or I/O ->
/// kUnavailable, damage -> kDataLoss, broken constraints and misuse (bugs) -> kInternal.
Code CodeOf(int sqlite_code);

/// A prepared statement. Same thread rules as its connection.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept { *this = std::move(other); }
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  /// Binds all parameters in order. Text must live until the statement is reset.
  template <typename... T>
  void Bind(const T&... values) {
    int index = 0;
    (BindOne(++index, values), ...);
  }
  template <typename Tuple>
  void BindTuple(const Tuple& tuple) {
    std::apply([this](const auto&... values) { Bind(values...); }, tuple);
  }

  /// Runs to the end and resets.
  Status Run();
  /// True: there is a row to Read. False: done (and reset). An error resets as well.
  Result<bool> Step();
  void Reset();

  /// Reads all columns of the current row in order. kDataLoss when a packed column is damaged.
  template <typename... T>
  Status Read(T&... values) {
    int index = 0;
    bool ok = true;
    ((ok = ReadOne(index++, values) && ok), ...);
    return ok ? Status::Ok() : Damaged();
  }
  template <typename Tuple>
  Status ReadTuple(const Tuple& tuple) {
    return std::apply([this](auto&... values) { return Read(values...); }, tuple);
  }

 private:
  friend class Connection;
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}

  Status Damaged() const;
  void Note(int code) {
    if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
  }

  template <std::integral T>
  void BindOne(int index, T value) {
    Note(sqlite3_bind_int64(statement_, index, static_cast<int64_t>(value)));
  }
  template <typename T>
  requires std::is_enum_v<T>
  void BindOne(int index, T value) { BindOne(index, static_cast<int64_t>(value)); }
  template <typename Tag>
  void BindOne(int index, StrongId<Tag> id) {
    BindOne(index, id.value());
  }
  void BindOne(int index, std::chrono::milliseconds time) { BindOne(index, time.count()); }
  void BindOne(int index, std::string_view text) {
    Note(sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(),
                             text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  template <Packable T>
  void BindOne(int index, const T& value) {
    const std::string bytes = Pack(value);
    Note(bytes.empty() ? sqlite3_bind_null(statement_, index)
                       : sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(),
                                             SQLITE_TRANSIENT));
  }

  template <typename T>
  requires(std::integral<T> || std::is_enum_v<T>) bool ReadOne(int index, T& value) {
    value = static_cast<T>(sqlite3_column_int64(statement_, index));
    return true;
  }
  template <typename Tag>
  bool ReadOne(int index, StrongId<Tag>& id) {
    id = StrongId<Tag>(sqlite3_column_int64(statement_, index));
    return true;
  }
  bool ReadOne(int index, std::chrono::milliseconds& time) {
    time = std::chrono::milliseconds(sqlite3_column_int64(statement_, index));
    return true;
  }
  bool ReadOne(int index, std::string& text) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
    const int size = sqlite3_column_bytes(statement_, index);
    text.assign(bytes == nullptr ? "" : bytes, static_cast<size_t>(size));
    return true;
  }
  template <Packable T>
  bool ReadOne(int index, T& value) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, index));
    const int size = sqlite3_column_bytes(statement_, index);
    return Unpack(
        bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<size_t>(size)),
        &value);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int bind_error_ = SQLITE_OK;
};

/// One connection. Used by one thread at a time.
class Connection {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  static Result<Connection> Open(const std::filesystem::path& path, Mode mode,
                                 std::chrono::milliseconds busy_timeout);
  Connection(Connection&& other) noexcept { *this = std::move(other); }
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  /// Runs statements separated by semicolons, without parameters; results are dropped.
  Status Execute(std::string_view sql) const;
  [[nodiscard]] Result<Statement> Prepare(std::string_view sql) const;
  /// Rows changed by the last statement that changes rows.
  [[nodiscard]] int64_t changes() const { return sqlite3_changes64(db_); }
  /// Ends an open transaction without effect; also after an error that ended it already.
  void Rollback() const;

 private:
  explicit Connection(sqlite3* db) : db_(db) {}

  sqlite3* db_ = nullptr;
};

}  // namespace aiflow::sqlite
