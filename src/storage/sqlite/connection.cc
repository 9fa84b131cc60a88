#include "storage/sqlite/connection.h"

#include <cerrno>
#include <cstring>

namespace aiflow::sqlite {
namespace {

Status ErrorOf(sqlite3* db, int code) {
  const char* file = sqlite3_db_filename(db, "main");
  std::string message = "metadata database ";
  message.append(file == nullptr ? "" : file).append(": ").append(sqlite3_errmsg(db));
  message.append(" (").append(sqlite3_errstr(code & 0xff));
  message.append(", code ").append(std::to_string(code)).append(")");
  const int system = sqlite3_system_errno(db);
  const int primary = code & 0xff;
  if (system != 0 &&
      (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL)) {
    message.append(": ").append(std::strerror(system));
  }
  return {CodeOf(code), std::move(message)};
}

}  // namespace

Code CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return Code::kOk;
    case SQLITE_FULL:
    case SQLITE_NOMEM: return Code::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT: return Code::kUnavailable;
    case SQLITE_CORRUPT: return Code::kDataLoss;
    case SQLITE_NOTADB: return Code::kFailedPrecondition;
    case SQLITE_PERM:
    case SQLITE_AUTH: return Code::kPermissionDenied;
    case SQLITE_TOOBIG: return Code::kInvalidArgument;
    default: return Code::kInternal;
  }
}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    db_ = std::exchange(other.db_, nullptr);
    statement_ = std::exchange(other.statement_, nullptr);
    bind_error_ = other.bind_error_;
  }
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::Reset() {
  sqlite3_reset(statement_);
  bind_error_ = SQLITE_OK;
}

Result<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) {
    Status status(CodeOf(bind_error_), std::string("metadata database: cannot bind a value: ") +
                                           sqlite3_errstr(bind_error_));
    Reset();
    return Error(std::move(status));
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  Status status = ErrorOf(db_, code);
  Reset();
  return Error(std::move(status));
}

Status Statement::Run() {
  for (;;) {
    const Result<bool> row = Step();
    if (!row) return row.error();
    if (!*row) return Status::Ok();
  }
}

Status Statement::Damaged() const {
  return {Code::kDataLoss, std::string("metadata database: a packed column cannot be read: ") +
                               sqlite3_sql(statement_)};
}

Result<Connection> Connection::Open(const std::filesystem::path& path, Mode mode,
                                    std::chrono::milliseconds busy_timeout) {
  const int flags = (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  if (db == nullptr) return Error(Code::kResourceExhausted, "metadata database: out of memory");
  Connection connection(db);
  if (code != SQLITE_OK) {
    return Error(CodeOf(code),
                 "cannot open the metadata database " + path.string() + ": " + sqlite3_errmsg(db));
  }
  sqlite3_busy_timeout(db, static_cast<int>(busy_timeout.count()));
  return connection;
}

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this != &other) {
    sqlite3_close_v2(db_);
    db_ = std::exchange(other.db_, nullptr);
  }
  return *this;
}

Connection::~Connection() { sqlite3_close_v2(db_); }

Status Connection::Execute(std::string_view sql) const {
  const int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : ErrorOf(db_, code);
}

Result<Statement> Connection::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Error(ErrorOf(db_, code));
  return Statement(db_, statement);
}

void Connection::Rollback() const {
  if (sqlite3_get_autocommit(db_) == 0) {
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace aiflow::sqlite
