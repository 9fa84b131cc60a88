#include "executor/local/attempt_store.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "runner/attempt_files.h"

namespace aiflow {

namespace fs = std::filesystem;

bool HasClaim(const std::string& attempt_dir) {
  return access(runner::ClaimPath(attempt_dir).c_str(), F_OK) == 0;
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
