#include "bundle/unpack.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "bundle/extract.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

Status SystemError(std::string_view what, const fs::path& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full ? Code::kResourceExhausted : Code::kUnavailable,
          "cannot " + std::string(what) + " " + path.string() + ": " + std::strerror(error)};
}

bool IsDigest(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsDirectory(const fs::path& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status SyncDirectory(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", path);
  const bool synced = fsync(fd) == 0;
  Status status = synced ? Status::Ok() : SystemError("sync", path);
  close(fd);
  return status;
}

/// Turns of those who want one bundle, between threads and processes: an flock on a file that is
/// removed with the lock held. The kernel gives the turn back when its holder dies.
class UnpackTurn {
 public:
  static Result<UnpackTurn> Wait(const fs::path& file) {
    for (;;) {
      UnpackTurn turn(file, open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      if (turn.fd_ < 0) return Error(SystemError("open", file));
      while (flock(turn.fd_, LOCK_EX) != 0) {
        if (errno != EINTR) return Error(SystemError("lock", file));
      }
      // The one before us may have removed the file that we waited on.
      struct stat ours {};
      struct stat named {};
      if (fstat(turn.fd_, &ours) == 0 && stat(file.c_str(), &named) == 0 &&
          ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
        turn.ours_ = true;
        return turn;
      }
    }
  }
  UnpackTurn(UnpackTurn&& other) noexcept
      : file_(std::move(other.file_)),
        fd_(std::exchange(other.fd_, -1)),
        ours_(std::exchange(other.ours_, false)) {}
  UnpackTurn& operator=(UnpackTurn&&) = delete;
  ~UnpackTurn() {
    if (ours_) unlink(file_.c_str());
    if (fd_ >= 0) close(fd_);
  }

 private:
  UnpackTurn(fs::path file, int fd) : file_(std::move(file)), fd_(fd) {}

  fs::path file_;
  int fd_;
  bool ours_ = false;
};

}  // namespace

BundleDirectory::BundleDirectory(const fs::path& root, const BlobStore& blobs)
    : root_(fs::absolute(root)), blobs_(blobs) {}

Result<fs::path> BundleDirectory::Get(const std::string& digest) {
  if (!IsDigest(digest)) {
    return Error(Code::kInvalidArgument, "'" + digest + "' is no bundle digest");
  }
  const fs::path complete = root_ / digest;
  if (IsDirectory(complete)) return complete;

  std::error_code error;
  fs::create_directories(root_, error);
  if (error) {
    return Error(Code::kUnavailable, "cannot make " + root_.string() + ": " + error.message());
  }
  const Result<UnpackTurn> turn = UnpackTurn::Wait(root_ / (".lock-" + digest));
  if (!turn) return Error(turn.error());
  if (IsDirectory(complete)) return complete;

  const Result<std::string> archive = blobs_.Get(digest);
  if (!archive) return Error(archive.error());
  // Ours while we have the turn: what is there was left by one who died.
  const fs::path aside = root_ / (".new-" + digest);
  const auto unpack = [&]() -> Status {
    AIFLOW_RETURN_IF_ERROR(bundle::RemoveTree(aside));
    if (mkdir(aside.c_str(), 0700) != 0) return SystemError("make", aside);
    AIFLOW_RETURN_IF_ERROR(bundle::ExtractArchive(*archive, aside));
    if (rename(aside.c_str(), complete.c_str()) != 0) return SystemError("rename", aside);
    return SyncDirectory(root_);
  };
  if (Status status = unpack(); !status.ok()) {
    // Left-overs are removed now or by the next attempt; the first error is the one to tell.
    [[maybe_unused]] const Status removed = bundle::RemoveTree(aside);
    return Error(std::move(status));
  }
  return complete;
}

Result<fs::path> BundleDirectory::Get(const std::string& digest, const BlobStore& patient) {
  if (IsDigest(digest) && !IsDirectory(root_ / digest)) {
    if (const auto fetched = patient.Get(digest); !fetched) return Error(fetched.error());
  }
  return Get(digest);
}

Result<int64_t> BundleDirectory::Sweep(
    const std::function<bool(const std::string& digest)>& unused) {
  int64_t removed = 0;
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(root_, error), end; !error && entry != end;
       entry.increment(error)) {
    found.push_back(entry->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error(Code::kUnavailable, "cannot list " + root_.string() + ": " + error.message());
  }
  for (const fs::path& path : found) {
    const std::string name = path.filename();
    if (name.starts_with(".old-")) {  // begun before a crash
      if (Status gone = bundle::RemoveTree(path); !gone.ok()) return Error(std::move(gone));
      continue;
    }
    if (!IsDigest(name) || !unused(name)) continue;
    const Result<UnpackTurn> turn = UnpackTurn::Wait(root_ / (".lock-" + name));
    if (!turn) return Error(turn.error());
    // Out of sight at once: half a bundle must never be seen.
    const fs::path aside = root_ / (".old-" + name);
    if (fs::exists(aside, error)) {  // begun before a crash, and unpacked anew since
      if (Status gone = bundle::RemoveTree(aside); !gone.ok()) return Error(std::move(gone));
    }
    if (rename(path.c_str(), aside.c_str()) != 0) {
      if (errno == ENOENT) continue;
      return Error(SystemError("rename", path));
    }
    if (Status gone = bundle::RemoveTree(aside); !gone.ok()) return Error(std::move(gone));
    ++removed;
  }
  return removed;
}

}  // namespace aiflow
