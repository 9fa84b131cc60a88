#include "plugin/plugin_pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "runner/process.h"

namespace aiflow::plugin {

std::string PidFilePath(const std::string& socket) {
  return std::filesystem::path(socket).replace_extension(".pid").string();
}

PidFileLock::PidFileLock(const std::string& path)
    : fd_(open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  // Held for the moment of a start only. Without it, as on a full disk, the lifeline has to do.
  while (fd_ >= 0 && flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
  }
}
PidFileLock::~PidFileLock() {
  if (fd_ >= 0) close(fd_);
}

PidFile ReadPidFile(const std::string& path) {
  std::ifstream in(path);
  PidFile file;
  in >> file.pid >> file.start_time >> file.boot_id >> file.epoch;
  return in ? file : PidFile{};
}

Status WritePidFile(const std::string& path, const PidFile& file) {
  const std::string draft = path + ".new";
  {
    std::ofstream out(draft, std::ios::trunc);
    out << file.pid << ' ' << file.start_time << ' ' << (file.boot_id.empty() ? "-" : file.boot_id)
        << ' ' << file.epoch << '\n';
    out.close();
    if (!out) return {Code::kUnavailable, "cannot write " + draft};
  }
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) return {Code::kUnavailable, "cannot write " + path + ": " + error.message()};
  return Status::Ok();
}

PidFile RecordOf(int64_t pid, Epoch epoch) {
  PidFile file{.pid = pid, .boot_id = runner::ReadMachineIdentity().boot_id, .epoch = epoch};
  const auto stat = runner::ReadProcessStat(static_cast<pid_t>(pid));
  if (stat.has_value()) file.start_time = stat->start_time;
  return file;
}

int OpenRecorded(const PidFile& file) {
  if (file.pid <= 0) return -1;
  const auto pid = static_cast<pid_t>(file.pid);
  // The descriptor first: what is compared is then what it holds.
  const int fd = runner::OpenPidfd(pid);
  if (fd < 0) return -1;
  const auto stat = runner::ReadProcessStat(pid);
  if (stat.has_value() && stat->state != 'Z' && stat->start_time == file.start_time &&
      file.boot_id == runner::ReadMachineIdentity().boot_id) {
    return fd;
  }
  close(fd);
  return -1;
}

}  // namespace aiflow::plugin
