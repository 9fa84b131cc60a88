#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace aiflow::runner {

/// A claim file has exactly this size from the moment it is published: a full disk cannot keep a
/// result from being written into it.
inline constexpr size_t kClaimSize = 4096;
inline constexpr size_t kStopOffset = 1536;
inline constexpr size_t kResultOffset = 2048;

/// How an attempt ended. The numbers are stored and sent; they are those of TaskStatus.
enum class Outcome : uint8_t { kRunning = 2, kSuccess = 3, kFailed = 4, kStopped = 6 };

/// The right to be the one process of an attempt, or to say that there never is one. Immutable once
/// published.
struct Claim {
  std::string attempt;  // text form of the attempt key
  std::string token;
  int64_t epoch = 0;
  int64_t pid = 0;             // 0: claimed so that it never runs
  uint64_t start_time = 0;     // of pid, clock ticks since boot (/proc/PID/stat field 22)
  std::string boot_id;         // /proc/sys/kernel/random/boot_id
  uint64_t pid_namespace = 0;  // inode of /proc/self/ns/pid
  int64_t claimed_ms = 0;
};

struct AttemptResult {
  Outcome outcome = Outcome::kFailed;
  int exit_code = 0;            // 128 + signal for a death by signal
  bool stop_signalled = false;  // before the exit was seen
  int64_t ended_ms = 0;
  std::string reason;
};

/// What a claim file says. `forgotten`: the attempt is over, its claim was cut to nothing.
struct ClaimRecord {
  Claim claim;
  bool forgotten = false;
  bool stop_signalled = false;
  std::optional<AttemptResult> result;
};

/// The whole file: claim, and the result when it is known beforehand.
std::string EncodeClaim(const Claim& claim, const AttemptResult* result);

/// kNotFound when there is no claim, kDataLoss when it cannot be understood, kUnavailable when that
/// cannot be seen now.
Result<ClaimRecord> ReadClaim(const std::string& dir);

/// Publishes `contents` as the claim of `dir`, made when missing, durably: when this returns OK the
/// claim survives a loss of power. kAlreadyExists when another claim is there. On success
/// `*claim_fd` (when wanted) stays open for WriteResult.
Status PublishClaim(const std::string& dir, const std::string& contents, int* claim_fd);

/// Marks in the claim that a stop was signalled. Best effort: not synced, as only a death of the
/// runner, not of the machine, must not lose it.
void WriteStopMark(const std::string& dir);

/// Writes the result in place and syncs it.
Status WriteResult(const std::string& dir, const AttemptResult& result);
Status WriteResultTo(int claim_fd, const AttemptResult& result);

/// Makes each missing directory on the way to `path`.
Status MakeDirectories(const std::string& path);

/// `text` as one line of valid UTF-8 of at most `limit` bytes.
std::string CleanLine(std::string_view text, size_t limit);

/// What the task itself wrote into its result file.
struct OwnResult {
  std::optional<int> exit_code;
  std::string reason;
};
OwnResult ReadOwnResult(const std::string& dir);

/// "ENOENT text" of the C library for `error`.
std::string ErrorText(int error);

int64_t WallMillis();
int64_t MonotonicMillis();

}  // namespace aiflow::runner
