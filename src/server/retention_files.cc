#include "server/retention_files.h"

#include <sys/stat.h>

#include <charconv>
#include <optional>
#include <system_error>
#include <vector>

#include "bundle/extract.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

/// A positive decimal number without a leading zero: as ids are written in paths.
std::optional<int64_t> Number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (number < 0 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  return number;
}

std::optional<ExecutionId> ExecutionIn(const std::string& name) {
  const std::optional<int64_t> id = Number(name);
  return id.has_value() && *id > 0 ? std::optional(ExecutionId(*id)) : std::nullopt;
}

/// <task>-<sequence>-<try>.
std::optional<std::pair<TaskIndex, int64_t>> RunIn(const std::string& name) {
  const size_t first = name.find('-');
  const size_t second = first == std::string::npos ? first : name.find('-', first + 1);
  if (second == std::string::npos) return std::nullopt;
  const auto task = Number(std::string_view(name).substr(0, first));
  const auto sequence = Number(std::string_view(name).substr(first + 1, second - first - 1));
  if (!task.has_value() || !sequence.has_value()) return std::nullopt;
  return std::pair(static_cast<TaskIndex>(*task), *sequence);
}

/// Directories directly below; none when `root` is not there.
Result<std::vector<fs::path>> Directories(const fs::path& root) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() == fs::file_type::directory) {
      found.push_back(entry->path());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error(Code::kUnavailable, "cannot list " + root.string() + ": " + error.message());
  }
  return found;
}

/// Links to logs that are gone, below one execution's directory of links.
void RemoveDeadLinks(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> dead;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code inner;
    if (!entry->is_symlink(inner)) continue;
    if (!fs::exists(entry->path(), inner)) dead.push_back(entry->path());
  }
  for (const fs::path& link : dead) fs::remove(link, error);
}

}  // namespace

Result<HomeFiles::Fate> HomeFiles::FateOf(ExecutionId id) {
  if (const auto known = fates_.find(id); known != fates_.end()) return known->second;
  const auto row = queries_.GetExecution(id);
  if (!row.has_value()) return Error(row.error());
  const Fate fate = !row->has_value()            ? Fate::kGone
                    : IsFinished((*row)->status) ? Fate::kFinished
                                                 : Fate::kUnfinished;
  fates_.emplace(id, fate);
  return fate;
}

Result<std::set<HomeFiles::RunName>> HomeFiles::RunsOf(ExecutionId id) const {
  std::set<RunName> runs;
  Page page;
  page.limit = 1'000;
  for (;;) {
    const auto rows = queries_.ListTaskExecutions(id, -1, page);
    if (!rows.has_value()) return Error(rows.error());
    for (const TaskExecutionRow& row : *rows) runs.insert({row.task, row.sequence});
    if (static_cast<int64_t>(rows->size()) < page.limit) return runs;
    page.after = rows->back().id.value();
  }
}

bool HomeFiles::IsYoung(const fs::path& path, Millis grace) const {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return true;
  const Millis modified =
      std::chrono::seconds(info.st_mtim.tv_sec) + Millis(info.st_mtim.tv_nsec / 1'000'000);
  return modified > clock_.Now() - grace;
}

Status HomeFiles::SweepExecutions(const std::function<bool(ExecutionId)>& pruned,
                                  const std::function<bool()>& stopping) {
  fates_.clear();
  AIFLOW_RETURN_IF_ERROR(SweepAttempts(pruned, stopping));
  AIFLOW_RETURN_IF_ERROR(SweepByName(home_.logs(), pruned, stopping));
  AIFLOW_RETURN_IF_ERROR(SweepByName(home_.working_dirs(), nullptr, stopping));
  AIFLOW_RETURN_IF_ERROR(SweepHookLogs());
  fates_.clear();
  return Status::Ok();
}

// A directory is listed before the store is asked: what belongs to it was committed earlier.
Status HomeFiles::SweepAttempts(const std::function<bool(ExecutionId)>& pruned,
                                const std::function<bool()>& stopping) {
  const auto executions = Directories(home_.attempts());
  if (!executions.has_value()) return executions.error();
  for (const fs::path& path : *executions) {
    if (stopping()) return Status::Ok();
    const std::optional<ExecutionId> id = ExecutionIn(path.filename());
    if (!id.has_value()) continue;
    const Result<Fate> fate = FateOf(*id);
    if (!fate.has_value()) return fate.error();
    if (*fate == Fate::kGone && !IsYoung(path, kAttemptGrace)) {
      AIFLOW_RETURN_IF_ERROR(bundle::RemoveTree(path));
    } else if (*fate == Fate::kUnfinished && pruned(*id)) {
      AIFLOW_RETURN_IF_ERROR(SweepRuns(*id, path));
    }
  }
  return Status::Ok();
}

Status HomeFiles::SweepRuns(ExecutionId id, const fs::path& attempts) {
  const auto directories = Directories(attempts);
  if (!directories.has_value()) return directories.error();
  const auto runs = RunsOf(id);
  if (!runs.has_value()) return runs.error();
  for (const fs::path& path : *directories) {
    const std::optional<RunName> run = RunIn(path.filename());
    if (!run.has_value() || runs->contains(*run) || IsYoung(path, kAttemptGrace)) continue;
    AIFLOW_RETURN_IF_ERROR(bundle::RemoveTree(path));
  }
  return Status::Ok();
}

Status HomeFiles::SweepByName(const fs::path& root, const std::function<bool(ExecutionId)>& pruned,
                              const std::function<bool()>& stopping) {
  const auto namespaces = Directories(root);
  if (!namespaces.has_value()) return namespaces.error();
  for (const fs::path& ns : *namespaces) {
    const auto workflows = Directories(ns);
    if (!workflows.has_value()) return workflows.error();
    for (const fs::path& workflow : *workflows) {
      const auto executions = Directories(workflow);
      if (!executions.has_value()) return executions.error();
      for (const fs::path& path : *executions) {
        if (stopping()) return Status::Ok();
        const std::optional<ExecutionId> id = ExecutionIn(path.filename());
        if (!id.has_value()) continue;
        const Result<Fate> fate = FateOf(*id);
        if (!fate.has_value()) return fate.error();
        if (*fate == Fate::kGone) {
          AIFLOW_RETURN_IF_ERROR(bundle::RemoveTree(path));
        } else if (*fate == Fate::kUnfinished && pruned && pruned(*id)) {
          RemoveDeadLinks(path);
        }
      }
    }
  }
  return Status::Ok();
}

Status HomeFiles::SweepHookLogs() {
  std::error_code error;
  for (fs::directory_iterator entry(home_.hook_logs(), error), end; !error && entry != end;
       entry.increment(error)) {
    // Only files: a namespace may have the same name.
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() != fs::file_type::regular) continue;
    const std::string name = entry->path().filename();
    const std::optional<ExecutionId> id = ExecutionIn(name.substr(0, name.find('.')));
    if (!id.has_value() || !name.ends_with(".log")) continue;
    const Result<Fate> fate = FateOf(*id);
    if (!fate.has_value()) return fate.error();
    if (*fate == Fate::kGone) fs::remove(entry->path(), ignored);
  }
  return Status::Ok();
}

Status HomeFiles::SweepBlobs(const std::set<std::string>& named) {
  const auto blobs = blobs_.Sweep(named, clock_.Now() - kBlobGrace);
  if (!blobs.has_value()) return blobs.error();
  // An upload stores its blob before anybody can want it unpacked: without the blob nobody does.
  const auto bundles = bundles_.Sweep([this, &named](const std::string& digest) {
    if (named.contains(digest)) return false;
    const auto there = blobs_.Has(digest);
    return there.has_value() && !*there;
  });
  return bundles.has_value() ? Status::Ok() : bundles.error();
}

}  // namespace aiflow::server
