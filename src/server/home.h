#pragma once

#include <sys/stat.h>

#include <filesystem>

#include "base/status.h"
#include "model/ids.h"
#include "model/rows.h"
#include "storage/sqlite/home_lock.h"

namespace aiflow::server {

/// Where everything of a home is (docs/configuration.md). Immutable value.
class Home {
 public:
  explicit Home(std::filesystem::path root) : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path config() const { return root_ / "aiflow_server.yaml"; }
  [[nodiscard]] std::filesystem::path metadata() const { return root_ / "aiflow.db"; }
  [[nodiscard]] std::filesystem::path log() const { return root_ / "log"; }
  [[nodiscard]] std::filesystem::path blobs() const { return root_ / "blobs"; }
  /// Copies of what is in a blob store on another machine.
  [[nodiscard]] std::filesystem::path blob_cache() const { return root_ / "blob_cache"; }
  /// Tells this home from others that keep blobs on the same machine.
  [[nodiscard]] std::filesystem::path blob_owner() const { return root_ / "blob_owner"; }
  [[nodiscard]] std::filesystem::path snapshots() const { return root_ / "snapshots"; }
  [[nodiscard]] std::filesystem::path runner() const { return root_ / "runner"; }
  /// <name>: what the plug-in of an executor keeps.
  [[nodiscard]] std::filesystem::path executors() const { return root_ / "executors"; }
  [[nodiscard]] std::filesystem::path ExecutorSocket(const std::string& name) const {
    return sockets() / ("executor-" + name + ".sock");
  }
  [[nodiscard]] std::filesystem::path ExecutorLog(const std::string& name) const {
    return logs() / ("executor-" + name + ".log");
  }
  [[nodiscard]] std::filesystem::path attempts() const { return root_ / "attempts"; }
  [[nodiscard]] std::filesystem::path working_dirs() const { return root_ / "working_dir"; }
  [[nodiscard]] std::filesystem::path logs() const { return root_ / "logs"; }
  /// <execution>.<hook>.log: what the commands of hooks wrote.
  [[nodiscard]] std::filesystem::path hook_logs() const { return logs() / "hooks"; }
  [[nodiscard]] std::filesystem::path host_logs() const { return logs() / "hosts"; }
  /// Who may use the ports, beside the home's own user.
  [[nodiscard]] std::filesystem::path tokens() const { return root_ / "tokens"; }
  [[nodiscard]] std::filesystem::path sockets() const { return root_ / "run"; }
  [[nodiscard]] std::filesystem::path lock() const { return root_ / "aiflow_server.lock"; }
  [[nodiscard]] std::filesystem::path pid_file() const { return root_ / "aiflow_server.pid"; }
  [[nodiscard]] std::filesystem::path endpoints() const { return root_ / "server.json"; }

  /// working_dir/<namespace>/<workflow>/<execution>.
  [[nodiscard]] std::filesystem::path WorkingDir(const WorkflowRow& workflow,
                                                 ExecutionId execution) const;
  /// logs/<namespace>/<workflow>/<execution>/<task>/<sequence>.log: a link to the output of a run.
  [[nodiscard]] std::filesystem::path LogLink(const WorkflowRow& workflow,
                                              const TaskExecutionRow& run) const;

  /// Makes the directory, for its owner alone. Fine when it exists.
  [[nodiscard]] Status Make() const;
  /// Keeps other servers out. kFailedPrecondition names the pid of the one that runs.
  [[nodiscard]] Result<sqlite::HomeLock> Lock() const;
  /// Whether a server runs on it, as far as its lock tells.
  [[nodiscard]] bool IsInUse() const { return sqlite::HomeLock::IsHeld(lock()); }

 private:
  std::filesystem::path root_;
};

/// While it lives, what this process makes is for its user alone. Not thread-safe: it is the
/// process' umask.
class PrivateFiles {
 public:
  PrivateFiles() : before_(umask(077)) {}
  ~PrivateFiles() { umask(before_); }
  PrivateFiles(const PrivateFiles&) = delete;
  PrivateFiles& operator=(const PrivateFiles&) = delete;

  [[nodiscard]] mode_t before() const { return before_; }

 private:
  const mode_t before_;
};

/// Makes the directory of a home, for its owner alone: what is in it is nobody else's business.
/// Fine when it exists.
Status MakeHomeDirectory(const std::filesystem::path& root);
/// Replaces a file as a whole: readers see the old or the new text.
Status WriteFileAtomically(const std::filesystem::path& path, const std::string& text);
/// kNotFound without the file.
Result<std::string> ReadTextFile(const std::filesystem::path& path);

}  // namespace aiflow::server
