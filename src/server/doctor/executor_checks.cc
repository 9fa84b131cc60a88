#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "plugin/plugin_pid_file.h"
#include "server/doctor/checks.h"
#include "server/executor_config.h"

namespace aiflow::server {
namespace {

/// Whether the program, with a path or somewhere in PATH, can be run.
bool CanBeRun(const std::string& program, const std::filesystem::path& directory,
              const std::string& path) {
  if (program.find('/') != std::string::npos) {
    return access((directory / program).c_str(), X_OK) == 0;
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::filesystem::path found = path.substr(begin, end - begin) + "/" + program;
    if (access(found.c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

bool Runs(const std::filesystem::path& socket) {
  const plugin::PidFile file = plugin::ReadPidFile(plugin::PidFilePath(socket.string()));
  const int process = plugin::OpenRecorded(file);
  if (process >= 0) close(process);
  return process >= 0;
}

}  // namespace

void CheckExecutors(const Patient& patient, Findings& findings) {
  const auto executors = ParseExecutors(patient.config.executors, patient.home.root());
  if (!executors.has_value() || executors->empty()) {
    return findings.Ok("executors", "tasks run on this machine only");
  }
  for (const ExecutorConfig& executor : *executors) {
    const std::string name = "executor " + executor.name;
    const auto own_path = executor.env.find("PATH");
    const char* path = own_path != executor.env.end() ? own_path->second.c_str() : getenv("PATH");
    if (!CanBeRun(executor.command.front(), patient.home.root(), path == nullptr ? "" : path)) {
      findings.Problem("executors", name + ": " + executor.command.front() + " cannot be run",
                       "correct executors." + executor.name + ".command, or install it");
    } else if (!patient.runs) {
      findings.Ok("executors", name + ": " + executor.command.front());
    } else if (!Runs(patient.home.ExecutorSocket(executor.name))) {
      findings.Problem("executors", name + ": its plug-in does not run",
                       "see " + patient.home.ExecutorLog(executor.name).string());
    } else {
      findings.Ok("executors", name + ": its plug-in runs");
    }
  }
}

}  // namespace aiflow::server
