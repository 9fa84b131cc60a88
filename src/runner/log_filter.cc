#include "runner/log_filter.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/lossy_log.h"
#include "runner/masker.h"
#include "runner/process.h"

namespace aiflow::runner {
namespace {

/// What is said to have been lost at most with a filter, beside a secret: a pipe full and its read.
constexpr size_t kReadSize = 64U << 10;
/// An output above this is removed rather than read: it would not count anyway.
constexpr off_t kLargestMaskedFile = off_t{16} << 20;
/// The record has this size from its first version on: it is changed without needing space.
constexpr size_t kRecordSize = 64;
constexpr char kStarted[] = "R";

Status SystemError(const std::string& what) {
  return {Code::kUnavailable, what + ": " + ErrorText(errno)};
}

Status WriteRecord(const std::string& dir, bool done) {
  const auto self = ReadProcessStat(getpid());
  std::string text = "aiflow-filter 1 " + std::to_string(getpid()) + " " +
                     std::to_string(self ? self->start_time : 0) + (done ? " done" : " reads");
  text.resize(kRecordSize - 1, ' ');
  text += '\n';
  const int fd = open(FilterPath(dir).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("cannot write " + FilterPath(dir));
  const bool written = pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  Status status = written ? Status::Ok() : SystemError("cannot write " + FilterPath(dir));
  close(fd);
  return status;
}

/// A regular file of the attempt, -1 when there is none.
int OpenLeftover(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat file {};
  if (fd < 0 || (fstat(fd, &file) == 0 && S_ISREG(file.st_mode))) return fd;
  close(fd);
  return -1;
}

bool WriteAt(int fd, std::string_view bytes, off_t offset) {
  return pwrite(fd, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size());
}

/// In place, which needs no space: a mask is not longer than what it is for, so that writing never
/// overtakes reading. Whether something was masked; a file that cannot be is removed.
bool MaskFile(const SecretSet& secrets, const std::string& path) {
  const int fd = OpenLeftover(path);
  if (fd < 0) return false;
  struct stat file {};
  bool fine = fstat(fd, &file) == 0 && file.st_size <= kLargestMaskedFile;
  std::array<char, kReadSize> buffer{};
  Masker masker(secrets);
  off_t read_end = 0;
  off_t write_end = 0;
  while (fine) {
    const ssize_t size = pread(fd, buffer.data(), buffer.size(), read_end);
    std::string out;
    if (size > 0) {
      masker.Feed(std::string_view(buffer.data(), static_cast<size_t>(size)), &out);
    } else {
      masker.Finish(&out);
    }
    fine = size >= 0 && WriteAt(fd, out, write_end);
    write_end += static_cast<off_t>(out.size());
    if (size <= 0) break;
    read_end += size;
  }
  const bool masked = write_end != read_end;
  fine = fine && (!masked || ftruncate(fd, write_end) == 0);
  if (!fine) unlink(path.c_str());
  close(fd);
  return masked;
}

/// Leaves the exit code, which is its first line.
void WithholdReason(const std::string& path) {
  const int fd = OpenLeftover(path);
  if (fd < 0) return;
  std::array<char, 32> buffer{};
  const ssize_t size = pread(fd, buffer.data(), buffer.size(), 0);
  const std::string_view begin(buffer.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  const size_t end = begin.find('\n');
  const bool number = end != std::string_view::npos && begin.substr(0, end).find_first_not_of(
                                                           "0123456789") == std::string_view::npos;
  if (ftruncate(fd, number ? static_cast<off_t>(end) + 1 : 0) != 0) unlink(path.c_str());
  close(fd);
}

/// What nobody else may notice of a filter, and what may not end it.
void BecomeFilter() {
  setsid();
  prctl(PR_SET_NAME, "aiflow-filter");
  prctl(PR_SET_DUMPABLE, 0);  // its memory holds secrets: no core, no tracing
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGTTOU}) {
    std::signal(signal, SIG_IGN);
  }
  umask(077);
  [[maybe_unused]] const int ignored = chdir("/");
}

struct FilterFiles {
  int pipe = -1;
  int log = -1;
  int ready = -1;
};

/// Keeps these as 3, 4, 5, and nothing else.
void KeepOnly(FilterFiles* files) {
  constexpr int kFirst = 3;
  std::array<int*, 3> kept = {&files->pipe, &files->log, &files->ready};
  // First out of the way of each other.
  for (int* fd : kept) *fd = fcntl(*fd, F_DUPFD_CLOEXEC, kFirst + 3);
  for (size_t i = 0; i < kept.size(); ++i) {
    *kept[i] = dup3(*kept[i], kFirst + static_cast<int>(i), O_CLOEXEC);
  }
  close_range(kFirst + 3, ~0U, 0);
  const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (null_fd >= 0)
      dup2(null_fd, fd);
    else
      close(fd);
  }
  if (null_fd > files->ready) close(null_fd);
}

Result<FilterFiles> OpenFiles(const std::string& dir, int ready) {
  FilterFiles files{.ready = ready};
  // Opening to read waits for a writer, unless asked not to.
  files.pipe = open(LogPipePath(dir).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (files.pipe < 0) return Error(SystemError("cannot open " + LogPipePath(dir)));
  fcntl(files.pipe, F_SETFL, 0);
  files.log = open(LogPath(dir).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (files.log < 0) return Error(SystemError("cannot open " + LogPath(dir)));
  if (Status written = WriteRecord(dir, false); !written.ok()) return Error(std::move(written));
  return files;
}

/// All that comes out of the pipe, until nobody can write to it.
void Copy(int pipe, const SecretSet& secrets, FilterTask task, LossyLog* log) {
  static std::array<char, kReadSize> buffer;
  Masker masker(secrets);
  std::string out;
  bool skip_line = task == FilterTask::kTakeUp;  // a secret's end could be in it
  while (true) {
    const ssize_t size = read(pipe, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    if (task == FilterTask::kDiscard) continue;
    std::string_view bytes(buffer.data(), static_cast<size_t>(size));
    if (skip_line) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) continue;
      bytes.remove_prefix(end + 1);
      skip_line = false;
    }
    out.clear();
    masker.Feed(bytes, &out);
    log->Append(out);
  }
  out.clear();
  masker.Finish(&out);
  log->Append(out);
}

[[noreturn]] void RunFilter(const std::string& dir, const std::vector<std::string>& values,
                            FilterTask task, int ready) {
  BecomeFilter();
  Result<FilterFiles> files = OpenFiles(dir, ready);
  if (!files) {
    const std::string& text = files.error().message();
    [[maybe_unused]] const ssize_t ignored = write(ready, text.data(), text.size());
    _exit(1);
  }
  KeepOnly(&*files);
  [[maybe_unused]] const ssize_t ignored = write(files->ready, kStarted, 1);
  close(files->ready);

  const SecretSet secrets(values);
  LossyLog log(files->log);
  if (task == FilterTask::kTakeUp) {
    log.AppendNote(
        "the filter of this log was killed; what it had not yet written, and the rest of "
        "that line, is lost");
  } else if (task == FilterTask::kDiscard) {
    log.AppendNote(
        "the filter of this log was killed, and nobody knows the secrets any more; the "
        "rest of the log is lost");
  }
  Copy(files->pipe, secrets, task, &log);
  if (task == FilterTask::kDiscard) {
    MaskAttemptFiles(dir, {});
  } else {
    MaskFile(secrets, ResultPath(dir));
    if (MaskFile(secrets, OutputPath(dir))) log.AppendNote("a secret was masked in the output");
  }
  log.Finish();
  unlink(LogPipePath(dir).c_str());
  [[maybe_unused]] const Status written = WriteRecord(dir, true);
  _exit(0);
}

}  // namespace

std::optional<FilterRecord> ReadFilterRecord(const std::string& dir) {
  const int fd = open(FilterPath(dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::array<char, kRecordSize + 1> text{};
  const ssize_t size = pread(fd, text.data(), kRecordSize, 0);
  close(fd);
  FilterRecord record;
  unsigned long long start_time = 0;
  std::array<char, 8> state{};
  // One that cannot be understood is one of nobody.
  if (size > 0 && std::sscanf(text.data(), "aiflow-filter 1 %d %llu %7s", &record.pid, &start_time,
                              state.data()) == 3) {
    record.start_time = start_time;
    record.done = std::string_view(state.data()) == "done";
  }
  return record;
}

Status MakeLogPipe(const std::string& dir) {
  const std::string path = LogPipePath(dir);
  unlink(path.c_str());
  if (mkfifo(path.c_str(), 0600) != 0) return SystemError("cannot make " + path);
  return Status::Ok();
}

Status StartLogFilter(const std::string& dir, const std::vector<std::string>& secrets,
                      FilterTask task) {
  int ready[2] = {-1, -1};
  if (pipe2(ready, O_CLOEXEC) != 0) return SystemError("cannot start the log's filter");
  const pid_t pid = fork();
  if (pid == 0) {
    // Orphaned at once: no child of the command that this process may be about to execute.
    const pid_t filter = fork();
    if (filter == 0) RunFilter(dir, secrets, task, ready[1]);
    _exit(filter < 0 ? errno : 0);
  }
  const int fork_error = errno;
  close(ready[1]);
  Status status = Status::Ok();
  int code = 0;
  if (pid < 0) {
    status = {Code::kUnavailable, "cannot start the log's filter: " + ErrorText(fork_error)};
  } else {
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
    std::string answer;
    std::array<char, 1024> text{};
    ssize_t size = 0;
    while ((size = read(ready[0], text.data(), text.size())) > 0 || (size < 0 && errno == EINTR)) {
      if (size > 0) answer.append(text.data(), static_cast<size_t>(size));
    }
    if (answer.empty()) {
      status = {Code::kUnavailable, "cannot start the log's filter: " +
                                        (WEXITSTATUS(code) != 0 ? ErrorText(WEXITSTATUS(code))
                                                                : std::string("it was killed"))};
    } else if (answer != kStarted) {
      status = {Code::kUnavailable, answer};
    }
  }
  close(ready[0]);
  return status;
}

void MaskAttemptFiles(const std::string& dir, const std::vector<std::string>& secrets) {
  if (secrets.empty()) {
    WithholdReason(ResultPath(dir));
    unlink(OutputPath(dir).c_str());
    return;
  }
  const SecretSet set(secrets);
  MaskFile(set, ResultPath(dir));
  MaskFile(set, OutputPath(dir));
}

}  // namespace aiflow::runner
