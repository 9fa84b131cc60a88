#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/byte_range.h"
#include "api/grpc/log_piece.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/turn_stream.h"

namespace aiflow::api {
namespace {

constexpr int kMaxFollowers = 256;

/// A share of the followers there may be.
class FollowerSlot {
 public:
  /// False when all are taken.
  bool Take(std::atomic<int>* count) {
    if (count->fetch_add(1) >= kMaxFollowers) {
      count->fetch_sub(1);
      return false;
    }
    count_ = count;
    return true;
  }
  ~FollowerSlot() {
    if (count_ != nullptr) count_->fetch_sub(1);
  }

 private:
  std::atomic<int>* count_ = nullptr;
};

/// Sends a log in chunks; a follower goes on when the file grows, until the run has ended. All
/// reading is done on the observers' thread, one chunk a turn.
class TaskLogReader final : public TurnStream<v1::LogChunk> {
 public:
  TaskLogReader(Backend& backend, std::atomic<int>* followers,
                const v1::ReadTaskLogRequest& request)
      : TurnStream(backend.observers), backend_(backend), followers_(followers), request_(request) {
    next_byte_ = std::max<int64_t>(0, request.begin_byte());
  }
  ~TaskLogReader() override {
    if (fd_ >= 0) close(fd_);
  }

  void Begin() {
    Hold();
    if (const Status range = CheckByteRange(request_.begin_byte(), request_.end_byte());
        !range.ok()) {
      return Refuse(range);
    }
    if (request_.follow()) {
      if (!slot_.Take(followers_)) {
        return Refuse({Code::kUnavailable, "too many logs are being followed (" +
                                               std::to_string(kMaxFollowers) +
                                               "); try again later"});
      }
      execution_watch_ = backend_.engine.Watch(ExecutionId(request_.execution_id()), Waker());
    }
    Wake();
  }

 private:
  void Unwatch() override {
    if (execution_watch_ != 0) backend_.engine.Unwatch(execution_watch_);
    if (file_watch_ != 0) backend_.observers.UnwatchFile(file_watch_);
  }

  Result<Turn> MakeMessage(v1::LogChunk* chunk) override {
    // The order matters: first whether it has ended, then the rest of the file.
    const Result<bool> over = FindRun();
    if (!over.has_value()) return Error(over.error());
    const Result<bool> more = ReadChunk(chunk);
    if (!more.has_value()) return Error(more.error());
    if (*more) return Turn::kWrite;
    const bool at_end = request_.end_byte() > 0 && next_byte_ >= request_.end_byte();
    return *over || !request_.follow() || at_end ? Turn::kEnd : Turn::kWait;
  }

  /// Finds the run that is asked for and whether it has ended. A run, once found, stays the one.
  Result<bool> FindRun() {
    if (run_.id.valid()) {
      if (IsFinished(run_.status)) return true;
      auto again = backend_.queries.GetTaskExecution(run_.id);
      if (!again.has_value()) return Error(again.error());
      if (!again->has_value()) return true;
      run_ = **std::move(again);
      return IsFinished(run_.status);
    }
    auto found = FindExecution(backend_.queries, ExecutionId(request_.execution_id()));
    if (!found.has_value()) return Error(found.error());
    workflow_ = std::move(found->workflow);
    auto spec = SpecOf(backend_.queries, backend_.specs, found->execution);
    if (!spec.has_value()) return Error(spec.error());
    Result<TaskIndex> task = FindTask(**spec, request_.task_name());
    if (!task.has_value()) return Error(task.error());
    auto runs = backend_.queries.LatestTaskExecutions(found->execution.id, *task, 1);
    if (!runs.has_value()) return Error(runs.error());
    const std::string subject = "task " + request_.task_name() + " of workflow execution " +
                                std::to_string(request_.execution_id());
    if (runs->empty()) return Error(Code::kNotFound, subject + " has not run yet");
    const int64_t wanted = request_.sequence_number();
    if (wanted > 0 && runs->front().sequence != wanted) {
      // Sequence numbers of a task ascend with the ids of its runs, and only the oldest go.
      Page page;
      page.limit = 1;
      runs = backend_.queries.ListTaskExecutions(found->execution.id, *task, page);
      if (!runs.has_value()) return Error(runs.error());
      page.skip = runs->empty() ? 0 : std::max<int64_t>(0, wanted - runs->front().sequence);
      runs = backend_.queries.ListTaskExecutions(found->execution.id, *task, page);
      if (!runs.has_value()) return Error(runs.error());
      if (runs->empty() || runs->front().sequence != wanted) {
        return Error(Code::kNotFound, subject + " has no run " + std::to_string(wanted));
      }
    }
    run_ = std::move(runs->front());
    if (request_.try_number() > 0) run_.try_number = request_.try_number();
    return IsFinished(run_.status);
  }

  /// Reads the next chunk; false when there is nothing (yet).
  Result<bool> ReadChunk(v1::LogChunk* chunk) {
    if (fd_ < 0) {
      const std::string path = backend_.log_path(workflow_, run_);
      if (path.empty()) return false;
      fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd_ < 0) return false;  // it never ran, or does not yet
      if (request_.follow()) file_watch_ = backend_.observers.WatchFile(path, Waker());
      first_path_ = path;
    }
    std::optional<LogPiece> piece = ReadLogPiece(fd_, next_byte_, request_.end_byte());
    if (!piece.has_value()) return Error(Code::kInternal, "the log cannot be read");
    // The path is told even when the log is empty.
    if (piece->data.empty() && first_path_.empty()) return false;
    chunk->set_data(std::move(piece->data));
    next_byte_ = piece->next_byte;
    chunk->set_next_byte(next_byte_);
    chunk->set_size(first_path_.empty() ? 0 : FileSize(fd_));
    chunk->set_path(std::exchange(first_path_, {}));
    return true;
  }

  Backend& backend_;
  std::atomic<int>* const followers_;
  const v1::ReadTaskLogRequest request_;
  FollowerSlot slot_;
  uint64_t execution_watch_ = 0;

  // Observers' thread only.
  WorkflowRow workflow_;
  TaskExecutionRow run_;
  int fd_ = -1;
  uint64_t file_watch_ = 0;
  std::string first_path_;
  int64_t next_byte_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::LogChunk>* NewTaskLogReader(Backend& backend,
                                                         const v1::ReadTaskLogRequest& request) {
  const auto reader = std::make_shared<TaskLogReader>(backend, &backend.log_followers, request);
  reader->Begin();
  return reader.get();
}

}  // namespace aiflow::api
