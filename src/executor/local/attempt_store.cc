#include "executor/local/attempt_store.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/process.h"

namespace aiflow {

namespace fs = std::filesystem;

bool HasClaim(const std::string& attempt_dir) {
  return access(runner::ClaimPath(attempt_dir).c_str(), F_OK) == 0;
}

std::string FindLiveAttempt(const std::string& attempts_dir) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(attempts_dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename() != runner::kClaimFile) continue;
    const auto record = runner::ReadClaim(it->path().parent_path().string());
    if (!record.has_value() || record->forgotten || record->result.has_value()) continue;
    const auto process = runner::ReadProcessStat(static_cast<pid_t>(record->claim.pid));
    if (!process.has_value() || process->start_time != record->claim.start_time) continue;
    return record->claim.attempt + " (pid " + std::to_string(record->claim.pid) + ")";
  }
  return {};
}

void LinkLog(const std::string& link, const std::string& target) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(link, error))) {
    if (fs::read_symlink(link, error) == target) return;
    fs::remove(link, error);
  }
  fs::create_directories(fs::path(link).parent_path(), error);
  fs::create_symlink(target, link, error);
}

void ClearAttempt(const std::string& attempt_dir) {
  std::error_code error;
  [[maybe_unused]] const int ignored = truncate(runner::ClaimPath(attempt_dir).c_str(), 0);
  for (fs::directory_iterator entry(attempt_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path name = entry->path().filename();
    if (name == runner::kClaimFile || name == runner::kLogFile) continue;
    std::error_code ignored_error;
    fs::remove_all(entry->path(), ignored_error);
  }
}

}  // namespace aiflow
