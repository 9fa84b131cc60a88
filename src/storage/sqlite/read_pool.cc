#include "storage/sqlite/read_pool.h"

#include <utility>

#include "base/check.h"

namespace aiflow::sqlite {

ReadPool::ReadPool(std::filesystem::path path, size_t size, std::chrono::milliseconds busy_timeout)
    : path_(std::move(path)), busy_timeout_(busy_timeout), may_open_(size) {
  CHECK(size > 0) << "a pool without readers would wait for ever";
}

ReadPool::~ReadPool() = default;

Result<ReadPool::Turn> ReadPool::TakeTurn() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty() || may_open_ > 0; });
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return Turn(this, std::move(reader));
    }
    --may_open_;
  }
  Result<Connection> connection =
      Connection::Open(path_, Connection::Mode::kReadOnly, busy_timeout_);
  if (!connection) {
    {
      const std::lock_guard lock(mutex_);
      ++may_open_;
    }
    returned_.notify_one();
    return Error(connection.error());
  }
  return Turn(this, std::make_unique<Reader>(*std::move(connection)));
}

void ReadPool::Return(std::unique_ptr<Reader> reader) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
  }
  returned_.notify_one();
}

Result<Statement*> ReadPool::Turn::Cached(std::string_view sql) {
  auto found = reader_->statements.find(sql);
  if (found == reader_->statements.end()) {
    Result<Statement> prepared = reader_->connection.Prepare(sql);
    if (!prepared) return Error(prepared.error());
    found = reader_->statements.emplace(std::string(sql), *std::move(prepared)).first;
  }
  return &found->second;
}

}  // namespace aiflow::sqlite
