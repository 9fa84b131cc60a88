#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "bundle/unpack.h"
#include "server/home.h"
#include "server/retention.h"
#include "storage/blobs/swept_blob_store.h"
#include "storage/queries.h"

namespace aiflow::server {

/// Attempt directories younger than this stay, whatever the store says: a late start of the attempt
/// must find its claim.
inline constexpr Millis kAttemptGrace{10 * 60'000};
/// Blobs are stored before the event that names them.
inline constexpr Millis kBlobGrace{60 * 60'000};

/// The directories of a home. What is there is held against the store's rows; links are never
/// followed.
class HomeFiles final : public RetentionFiles {
 public:
  /// All must outlive it.
  HomeFiles(Home home, const Queries& queries, SweptBlobStore& blobs, BundleDirectory& bundles,
            const Clock& clock)
      : home_(std::move(home)),
        queries_(queries),
        blobs_(blobs),
        bundles_(bundles),
        clock_(clock) {}

  Status SweepExecutions(const std::function<bool(ExecutionId)>& pruned,
                         const std::function<bool()>& stopping) override;
  Status SweepBlobs(const std::set<std::string>& named) override;

 private:
  enum class Fate { kGone, kFinished, kUnfinished };
  using RunName = std::pair<TaskIndex, int64_t>;

  /// Each execution is asked for once per sweep.
  Result<Fate> FateOf(ExecutionId id);
  Result<std::set<RunName>> RunsOf(ExecutionId id) const;
  Status SweepAttempts(const std::function<bool(ExecutionId)>& pruned,
                       const std::function<bool()>& stopping);
  /// Of one unfinished execution.
  Status SweepRuns(ExecutionId id, const std::filesystem::path& attempts);
  /// root/<namespace>/<workflow>/<execution>.
  Status SweepByName(const std::filesystem::path& root,
                     const std::function<bool(ExecutionId)>& pruned,
                     const std::function<bool()>& stopping);
  Status SweepHookLogs();
  [[nodiscard]] bool IsYoung(const std::filesystem::path& path, Millis grace) const;

  const Home home_;
  const Queries& queries_;
  SweptBlobStore& blobs_;
  BundleDirectory& bundles_;
  const Clock& clock_;
  std::map<ExecutionId, Fate> fates_;
};

}  // namespace aiflow::server
