#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/attempt_key.h"

namespace aiflow {

/// What the executors themselves do in the directories of attempts, the same for all of them. Best
/// effort: none of it decides anything, and nothing is lost when it fails.

/// attempts/<execution>/<task>-<sequence>-<try> below `attempts_dir`.
std::string AttemptDirectory(const std::string& attempts_dir, const AttemptKey& key);

/// Where the output of the attempt is; empty while there is none.
std::string AttemptLog(const std::string& attempts_dir, const AttemptKey& key);

/// Whether somebody has claimed the attempt.
bool HasClaim(const std::string& attempt_dir);

/// An attempt below `attempts_dir` whose process lives, for people: "17-0-1-1 (pid 4711)". Empty
/// when there is none.
std::string FindLiveAttempt(const std::string& attempts_dir);

/// The inline result that the task left. Empty when there is none; `problem` says why one that is
/// there does not count: it is larger than `limit` bytes, no regular file, or no UTF-8.
std::string ReadOutput(const std::string& attempt_dir, size_t limit, std::string& problem);

/// `output` if it counts as an inline result: at most `limit` bytes of UTF-8. Empty, with a
/// `problem`, when it does not.
std::string CheckedOutput(std::string output, size_t limit, std::string& problem);

bool IsUtf8(std::string_view text);

/// Makes `link` a symbolic link to `target`, with the directories it needs. Replaces another link,
/// but never a file.
void LinkLog(const std::string& link, const std::string& target);

/// Removes what an attempt whose end is committed no longer needs: all but its log, and a claim cut
/// to nothing, by which a late start is still refused.
void ClearAttempt(const std::string& attempt_dir);

}  // namespace aiflow
