#include "executor/attempt_store.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/process.h"

namespace aiflow {

namespace fs = std::filesystem;

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80                    ? 0
                        : lead >= 0xF0 && lead <= 0xF4 ? 3
                        : lead >= 0xE0                 ? 2
                        : lead >= 0xC2                 ? 1
                                                       : 4;
    if (lead > 0xF4 || more == 4 || i + more >= text.size()) return false;
    for (size_t j = 1; j <= more; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

std::string AttemptDirectory(const std::string& attempts_dir, const AttemptKey& key) {
  return attempts_dir + "/" + std::to_string(key.execution.value()) + "/" +
         std::to_string(key.task) + "-" + std::to_string(key.sequence) + "-" +
         std::to_string(key.try_number);
}

std::string AttemptLog(const std::string& attempts_dir, const AttemptKey& key) {
  std::string path = runner::LogPath(AttemptDirectory(attempts_dir, key));
  return access(path.c_str(), F_OK) == 0 ? path : std::string();
}

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

std::string ReadOutput(const std::string& attempt_dir, size_t limit, std::string& problem) {
  const std::string path = runner::OutputPath(attempt_dir);
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (error || !fs::exists(status)) return {};
  if (!fs::is_regular_file(status)) {
    problem = "its output does not count: AIFLOW_OUTPUT is no regular file";
    return {};
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(limit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return CheckedOutput(std::move(text), limit, problem);
}

std::string CheckedOutput(std::string output, size_t limit, std::string& problem) {
  if (output.size() > limit) {
    problem = "its output does not count: it has more than " + std::to_string(limit) + " bytes";
    return {};
  }
  if (!IsUtf8(output)) {
    problem = "its output does not count: it is no UTF-8";
    return {};
  }
  return output;
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
