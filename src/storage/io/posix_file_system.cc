#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "storage/io/file_system.h"

namespace aiflow {
namespace {

Status ErrnoStatus(const std::string& path, const char* what, int error) {
  const std::string text = path + ": " + what + ": " + std::strerror(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return {Code::kResourceExhausted, text};
    case ENOENT: return {Code::kNotFound, text};
    case EACCES:
    case EPERM:
    case EROFS: return {Code::kPermissionDenied, text};
    default: return {Code::kUnavailable, text};
  }
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<size_t> ReadAt(uint64_t position, char* buffer, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd_, buffer + done, size - done, static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error(ErrnoStatus(path_, "read", errno));
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status WriteAt(uint64_t position, std::string_view bytes) override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(path_, "write", errno);
      done += static_cast<size_t>(n);
    }
    return Status::Ok();
  }

  Status Sync() override {
    if (::fdatasync(fd_) != 0) return ErrnoStatus(path_, "sync", errno);
    return Status::Ok();
  }

  Status Reserve(uint64_t size) override {
    struct stat info;
    if (::fstat(fd_, &info) != 0) return ErrnoStatus(path_, "stat", errno);
    const auto old_size = static_cast<uint64_t>(info.st_size);
    if (old_size >= size) return Status::Ok();
    int result = 0;
    do {
      result =
          ::fallocate(fd_, 0, static_cast<off_t>(old_size), static_cast<off_t>(size - old_size));
    } while (result != 0 && errno == EINTR);
    if (result == 0) return Status::Ok();
    if (errno != EOPNOTSUPP && errno != ENOSYS) return ErrnoStatus(path_, "reserve", errno);
    return Truncate(size);
  }

  Status Truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
      return ErrnoStatus(path_, "truncate", errno);
    }
    return Status::Ok();
  }

  Result<uint64_t> Size() const override {
    struct stat info;
    if (::fstat(fd_, &info) != 0) return Error(ErrnoStatus(path_, "stat", errno));
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const std::string path_;
  const int fd_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { ::close(fd_); }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

 private:
  const int fd_;
};

class Posix final : public FileSystem {
 public:
  Status MakeDirectories(const std::string& path) override {
    namespace fs = std::filesystem;
    std::error_code error;
    if (fs::is_directory(path, error)) return Status::Ok();
    const std::string parent = fs::absolute(path, error).lexically_normal().parent_path().string();
    if (!parent.empty() && parent != path) AIFLOW_RETURN_IF_ERROR(MakeDirectories(parent));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return ErrnoStatus(path, "make directory", errno);
    }
    return SyncDirectory(parent);
  }

  Result<std::vector<std::string>> List(const std::string& directory) const override {
    DIR* handle = ::opendir(directory.c_str());
    if (handle == nullptr) return Error(ErrnoStatus(directory, "list", errno));
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(handle);
    if (error != 0) return Error(ErrnoStatus(directory, "list", error));
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::unique_ptr<File>> Open(const std::string& path) override {
    return OpenWith(path, O_RDWR);
  }
  Result<std::unique_ptr<File>> Create(const std::string& path) override {
    return OpenWith(path, O_RDWR | O_CREAT | O_TRUNC);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(from, "rename", errno);
    return Status::Ok();
  }
  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return ErrnoStatus(path, "remove", errno);
    return Status::Ok();
  }

  Status SyncDirectory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(path, "open", errno);
    const int result = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (result != 0 && error != EINVAL) return ErrnoStatus(path, "sync", error);
    return Status::Ok();
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return Error(ErrnoStatus(path, "open", errno));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      char holder[32] = {};
      const ssize_t n = ::pread(fd, holder, sizeof(holder) - 1, 0);
      ::close(fd);
      if (error != EWOULDBLOCK) return Error(ErrnoStatus(path, "lock", error));
      std::string text = path + " is locked by another process";
      if (n > 0) text += " (pid " + std::string(holder, strcspn(holder, "\n")) + ")";
      return Error(Code::kFailedPrecondition, text);
    }
    // The pid only serves the message above.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) errno = 0;
    return std::make_unique<PosixLock>(fd);
  }

 private:
  static Result<std::unique_ptr<File>> OpenWith(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return Error(ErrnoStatus(path, "open", errno));
    return std::make_unique<PosixFile>(path, fd);
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static Posix files;
  return files;
}

}  // namespace aiflow
