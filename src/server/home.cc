#include "server/home.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace aiflow::server {
namespace fs = std::filesystem;

fs::path Home::WorkingDir(const WorkflowRow& workflow, ExecutionId execution) const {
  // Names cannot hold slashes or begin with dots, so they are safe as names of directories.
  return working_dirs() / workflow.ns / workflow.name / std::to_string(execution.value());
}

fs::path Home::LogLink(const WorkflowRow& workflow, const TaskExecutionRow& run) const {
  return logs() / workflow.ns / workflow.name / std::to_string(run.execution_id.value()) /
         run.task_name / (std::to_string(run.sequence) + ".log");
}

Status Home::Make() const { return MakeHomeDirectory(root_); }

Result<sqlite::HomeLock> Home::Lock() const { return sqlite::HomeLock::Take(lock()); }

Status MakeHomeDirectory(const fs::path& root) {
  std::error_code error;
  if (fs::is_directory(root, error)) return Status::Ok();
  fs::create_directories(root, error);
  if (error) {
    return {Code::kPermissionDenied,
            "cannot make the home " + root.string() + ": " + error.message()};
  }
  fs::permissions(root, fs::perms::owner_all, error);
  return Status::Ok();
}

Status WriteFileAtomically(const fs::path& path, const std::string& text) {
  const fs::path aside = path.string() + ".tmp." + std::to_string(getpid());
  {
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return {Code::kUnavailable, "cannot write " + aside.string()};
  }
  std::error_code error;
  fs::rename(aside, path, error);
  if (error) {
    return {Code::kUnavailable, "cannot write " + path.string() + ": " + error.message()};
  }
  return Status::Ok();
}

Result<std::string> ReadTextFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Code::kNotFound, path.string() + " does not exist or cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace aiflow::server
