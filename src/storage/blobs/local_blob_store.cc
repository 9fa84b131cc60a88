#include "storage/blobs/local_blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace aiflow {
namespace {

namespace fs = std::filesystem;

Status SystemError(std::string_view what, const fs::path& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full ? Code::kResourceExhausted : Code::kUnavailable,
          "blob store: cannot " + std::string(what) + " " + path.string() + ": " +
              std::strerror(error)};
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

Status SyncDirectory(const fs::path& path) {
  const File directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || fsync(directory.fd()) != 0) return SystemError("sync", path);
  return Status::Ok();
}

/// Makes `path` and the missing directories above it, durably.
Status MakeDirectories(const fs::path& path) {
  if (mkdir(path.c_str(), 0700) == 0) return SyncDirectory(path.parent_path());
  if (errno == EEXIST) return Status::Ok();
  if (errno != ENOENT || path.parent_path() == path) return SystemError("make", path);
  AIFLOW_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return SystemError("make", path);
  return SyncDirectory(path.parent_path());
}

Status WriteAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status::Ok();
}

/// kNotFound without a message when there is no such file.
Result<std::string> ReadFile(const fs::path& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    if (errno == ENOENT) return Error(Code::kNotFound, "");
    return Error(SystemError("open", path));
  }
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return Error(SystemError("read", path));
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(SystemError("read", path));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status WriteNew(const fs::path& path, std::string_view bytes) {
  std::string aside = path.parent_path() / ".new-XXXXXX";
  {
    const File file(mkostemp(aside.data(), O_CLOEXEC));
    if (file.fd() < 0) return SystemError("create", aside);
    Status status = WriteAll(file.fd(), bytes, aside);
    if (status.ok() && fsync(file.fd()) != 0) status = SystemError("sync", aside);
    if (!status.ok()) {
      unlink(aside.c_str());
      return status;
    }
  }
  if (rename(aside.c_str(), path.c_str()) != 0) {
    Status status = SystemError("rename", aside);
    unlink(aside.c_str());
    return status;
  }
  return SyncDirectory(path.parent_path());
}

}  // namespace

LocalBlobStore::LocalBlobStore(fs::path root) : root_(fs::absolute(std::move(root))) {}

fs::path LocalBlobStore::PathOf(const std::string& digest) const {
  return root_ / digest.substr(0, 2) / digest;
}

Result<std::string> LocalBlobStore::Put(std::string_view bytes) {
  std::string digest = Sha256Hex(bytes);
  const fs::path path = PathOf(digest);
  const Result<std::string> stored = ReadFile(path);
  Status status;
  if (stored && *stored == bytes && Touch(path)) {
    // Another writer may have renamed it a moment ago: durable is what we promise.
    status = SyncDirectory(path.parent_path());
  } else {
    status = MakeDirectories(path.parent_path());
    if (status.ok()) status = WriteNew(path, bytes);
  }
  if (!status.ok()) return Error(std::move(status));
  return digest;
}

bool LocalBlobStore::Touch(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  return utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0;
}

bool LocalBlobStore::RemoveOlder(const fs::path& path, Millis before) {
  const std::lock_guard lock(mutex_);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const Millis modified =
      std::chrono::seconds(info.st_mtim.tv_sec) + Millis(info.st_mtim.tv_nsec / 1'000'000);
  return modified < before && unlink(path.c_str()) == 0;
}

Result<int64_t> LocalBlobStore::Sweep(const std::set<std::string>& named, Millis before) {
  int64_t removed = 0;
  std::error_code error;
  for (fs::directory_iterator group(root_, error), end; !error && group != end;
       group.increment(error)) {
    std::error_code inner;
    for (fs::directory_iterator file(group->path(), inner); !inner && file != end;
         file.increment(inner)) {
      const std::string name = file->path().filename();
      const bool ours = IsBlobDigest(name) ? !named.contains(name) : name.starts_with(".new-");
      if (ours && RemoveOlder(file->path(), before)) ++removed;
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error(Code::kUnavailable,
                 "blob store: cannot list " + root_.string() + ": " + error.message());
  }
  return removed;
}

Result<std::string> LocalBlobStore::Get(const std::string& digest) const {
  if (!IsBlobDigest(digest)) return Error(Code::kNotFound, "'" + digest + "' is no blob digest");
  const fs::path path = PathOf(digest);
  Result<std::string> bytes = ReadFile(path);
  if (!bytes) {
    if (bytes.error().code() != Code::kNotFound) return bytes;
    return Error(Code::kNotFound, "blob " + digest + " does not exist");
  }
  if (Sha256Hex(*bytes) != digest) {
    return Error(Code::kDataLoss, "blob " + digest + " is damaged: " + path.string() +
                                      " has other bytes; restore that file or upload again");
  }
  return bytes;
}

Result<bool> LocalBlobStore::Has(const std::string& digest) const {
  if (!IsBlobDigest(digest)) return false;
  if (access(PathOf(digest).c_str(), F_OK) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Error(SystemError("look for", PathOf(digest)));
}

}  // namespace aiflow
