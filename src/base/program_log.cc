#include "base/program_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace aiflow {

void NoteInProgramLog(const std::string& log, const std::string& line) {
  LimitProgramLog(log);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(log).parent_path(), error);
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;  // only a log
  const std::string text = "--- " + line + "\n";
  if (write(fd, text.data(), text.size()) < 0) {
    // A full disk drops lines.
  }
  close(fd);
}

void LimitProgramLog(const std::string& log) {
  struct stat info {};
  if (stat(log.c_str(), &info) != 0 || info.st_size <= kMaxProgramLogBytes) return;
  // Programs have it open, and go on at its end: it is copied, not renamed.
  std::error_code error;
  std::filesystem::copy_file(log, log + ".1", std::filesystem::copy_options::overwrite_existing,
                             error);
  std::filesystem::resize_file(log, 0, error);
}

}  // namespace aiflow
