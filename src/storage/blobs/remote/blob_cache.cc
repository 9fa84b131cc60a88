#include "storage/blobs/remote/blob_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace aiflow::remote {
namespace {

namespace fs = std::filesystem;

struct Copy {
  fs::path path;
  int64_t size = 0;
  Millis used{0};
};

std::vector<Copy> CopiesBelow(const fs::path& root) {
  std::vector<Copy> copies;
  std::error_code error;
  for (fs::recursive_directory_iterator file(root, error), end; !error && file != end;
       file.increment(error)) {
    struct stat found {};
    // What is being written has another name.
    if (!IsBlobDigest(file->path().filename().string())) continue;
    if (lstat(file->path().c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    copies.push_back(
        {file->path(), found.st_size,
         std::chrono::seconds(found.st_mtim.tv_sec) + Millis(found.st_mtim.tv_nsec / 1'000'000)});
  }
  return copies;
}

}  // namespace

BlobCache::BlobCache(fs::path root, int64_t max_bytes)
    : root_(fs::absolute(std::move(root))), max_bytes_(max_bytes), files_(root_) {
  const std::lock_guard lock(mutex_);
  CountAll();
  if (bytes_ > max_bytes_) Trim();
}

fs::path BlobCache::PathOf(const std::string& digest) const {
  return root_ / digest.substr(0, 2) / digest;
}

void BlobCache::CountAll() {
  bytes_ = 0;
  for (const Copy& copy : CopiesBelow(root_)) bytes_ += copy.size;
}

void BlobCache::Trim() {
  std::vector<Copy> copies = CopiesBelow(root_);
  std::sort(copies.begin(), copies.end(),
            [](const Copy& a, const Copy& b) { return a.used < b.used; });
  bytes_ = 0;
  for (const Copy& copy : copies) bytes_ += copy.size;
  // A little more than needed, so that the next Put need not look again.
  const int64_t wanted = max_bytes_ - max_bytes_ / 10;
  // The youngest one is what was put just now.
  for (size_t i = 0; i + 1 < copies.size() && bytes_ > wanted; ++i) {
    std::error_code error;
    if (fs::remove(copies[i].path, error)) bytes_ -= copies[i].size;
  }
}

Result<std::string> BlobCache::Get(const std::string& digest) {
  Result<std::string> bytes = files_.Get(digest);
  if (bytes.has_value()) {
    utimensat(AT_FDCWD, PathOf(digest).c_str(), nullptr, 0);  // it may just have been trimmed
  } else if (bytes.error().code() == Code::kDataLoss) {
    Remove(digest);
    return Error(Code::kNotFound, "the copy of blob " + digest + " was damaged");
  }
  return bytes;
}

Status BlobCache::Put(std::string_view bytes) {
  const Result<std::string> digest = files_.Put(bytes);
  if (!digest.has_value()) return digest.error();
  const std::lock_guard lock(mutex_);
  bytes_ += static_cast<int64_t>(bytes.size());
  if (bytes_ > max_bytes_) Trim();
  return Status::Ok();
}

void BlobCache::Remove(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  std::error_code error;
  const auto size = fs::file_size(PathOf(digest), error);
  if (!error && fs::remove(PathOf(digest), error)) bytes_ -= static_cast<int64_t>(size);
}

Status BlobCache::Sweep(const std::set<std::string>& named, Millis before) {
  const Result<int64_t> removed = files_.Sweep(named, before);
  const std::lock_guard lock(mutex_);
  CountAll();
  return removed.has_value() ? Status::Ok() : removed.error();
}

int64_t BlobCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace aiflow::remote
