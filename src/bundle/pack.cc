#include "bundle/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "bundle/unpack.h"
#include "bundle/utf8_locale.h"
#include "model/limits.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

Status Invalid(const fs::path& path, std::string_view why) {
  return {Code::kInvalidArgument, "bundle: " + path.string() + ": " + std::string(why)};
}

Status OverLimit(std::string_view what, size_t limit, std::string_view name) {
  return {Code::kInvalidArgument, "bundle: " + std::string(what) + " is more than " +
                                      std::to_string(limit) + " (" + std::string(name) +
                                      "); leave out what the tasks do not need"};
}

/// Names inside the archive, in its order, and where their contents are; an empty path is a
/// directory.
using Entries = std::map<std::string, fs::path>;

class Collector {
 public:
  Status AddFile(const std::string& name, const fs::path& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return Invalid(path, std::strerror(errno));
    if (!S_ISREG(info.st_mode)) return Invalid(path, "is neither a file nor a directory");
    bytes_ += static_cast<size_t>(info.st_size);
    if (bytes_ > kMaxUnpackedBytes) {
      return OverLimit("the size of all files", kMaxUnpackedBytes, "kMaxUnpackedBytes");
    }
    return Add(name, path, path);
  }

  Status AddDirectory(const std::string& name, const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return Invalid(path, error.message());
    if (std::find(open_.begin(), open_.end(), real) != open_.end()) {
      return Invalid(path, "is a link to a directory that it is in");
    }
    AIFLOW_RETURN_IF_ERROR(Add(name, {}, path));
    open_.push_back(real);
    auto it = fs::directory_iterator(path, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      const std::string base = it->path().filename();
      if (base == "__pycache__") continue;
      std::string child = name;
      child.append("/").append(base);
      AIFLOW_RETURN_IF_ERROR(AddPath(child, it->path()));
    }
    open_.pop_back();
    return error ? Invalid(path, error.message()) : Status::Ok();
  }

  Status AddPath(const std::string& name, const fs::path& path) {
    std::error_code error;
    return fs::is_directory(path, error) ? AddDirectory(name, path) : AddFile(name, path);
  }

  Entries Take() { return std::move(entries_); }

 private:
  Status Add(const std::string& name, const fs::path& contents, const fs::path& from) {
    if (!entries_.try_emplace(name, contents).second) {
      return Invalid(from, "another file takes the place '" + name + "' in the bundle");
    }
    if (entries_.size() > kMaxBundleEntries) {
      return OverLimit("the number of files", kMaxBundleEntries, "kMaxBundleEntries");
    }
    return Status::Ok();
  }

  Entries entries_;
  std::vector<fs::path> open_;  // the directories we are in, without links
  size_t bytes_ = 0;
};

/// Where libarchive writes: memory, up to the limit.
struct Sink {
  std::string bytes;
  bool over_limit = false;

  static la_ssize_t Write(archive*, void* self, const void* data, size_t size) {
    auto* sink = static_cast<Sink*>(self);
    if (sink->bytes.size() + size > limits::kMaxBundleBytes) {
      sink->over_limit = true;
      return -1;
    }
    sink->bytes.append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  }
};

class ZipWriter {
 public:
  ZipWriter() : zip_(archive_write_new(), archive_write_free) {
    archive_write_set_format_zip(zip_.get());
    archive_write_set_options(zip_.get(), "zip:compression=deflate,zip:hdrcharset=UTF-8");
    archive_write_set_bytes_per_block(zip_.get(), 0);
  }

  Result<std::string> Write(const Entries& entries) {
    if (archive_write_open(zip_.get(), &sink_, nullptr, &Sink::Write, nullptr) != ARCHIVE_OK) {
      return Error(ArchiveError(""));
    }
    for (const auto& [name, path] : entries) {
      Status status = path.empty() ? WriteDirectory(name) : WriteFile(name, path);
      if (!status.ok()) return Error(std::move(status));
    }
    if (archive_write_close(zip_.get()) != ARCHIVE_OK) return Error(ArchiveError(""));
    return std::move(sink_.bytes);
  }

 private:
  Status ArchiveError(const fs::path& path) const {
    if (sink_.over_limit) {
      return OverLimit("the archive", limits::kMaxBundleBytes, "kMaxBundleBytes");
    }
    const char* why = archive_error_string(zip_.get());
    return Invalid(path, why == nullptr ? "cannot be packed" : why);
  }

  /// Without times and owners: they would make equal bundles differ.
  Status WriteHeader(const std::string& name, mode_t type, mode_t mode, int64_t size) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    archive_entry_set_pathname_utf8(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    if (type == AE_IFREG) archive_entry_set_size(entry.get(), size);
    return archive_write_header(zip_.get(), entry.get()) == ARCHIVE_OK ? Status::Ok()
                                                                       : ArchiveError(name);
  }

  Status WriteDirectory(const std::string& name) {
    return WriteHeader(name + "/", AE_IFDIR, 0755, 0);
  }

  Status WriteFile(const std::string& name, const fs::path& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Invalid(path, std::strerror(errno));
    struct stat info {};
    Status status = fstat(fd, &info) == 0 ? Status::Ok() : Invalid(path, std::strerror(errno));
    if (status.ok()) {
      status = WriteHeader(name, AE_IFREG, (info.st_mode & 0111) != 0 ? 0755 : 0644, info.st_size);
    }
    if (status.ok()) status = CopyData(fd, path, info.st_size);
    close(fd);
    return status;
  }

  Status CopyData(int fd, const fs::path& path, int64_t size) {
    std::vector<char> buffer(size_t{256} << 10);
    int64_t done = 0;
    for (;;) {
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Invalid(path, std::strerror(errno));
      done += got;
      if (done > size || (got == 0 && done < size)) {
        return Invalid(path, "changed while it was packed");
      }
      if (got == 0) return Status::Ok();
      if (archive_write_data(zip_.get(), buffer.data(), static_cast<size_t>(got)) != got) {
        return ArchiveError(path);
      }
    }
  }

  Sink sink_;  // outlives zip_, which may flush into it when freed
  std::unique_ptr<archive, int (*)(archive*)> zip_;
};

}  // namespace

Result<PackedBundle> PackBundle(const fs::path& workflow_file,
                                const std::vector<fs::path>& artifacts) {
  PackedBundle bundle;
  bundle.top_directory = workflow_file.stem();
  if (bundle.top_directory.empty()) {
    return Error(Invalid(workflow_file, "is no name of a workflow file"));
  }
  const std::string& top = bundle.top_directory;
  Collector collector;
  Status status = collector.AddFile(top + "/" + workflow_file.filename().string(), workflow_file);
  for (const fs::path& artifact : artifacts) {
    if (!status.ok()) break;
    // "data/" names the directory, as "data" does; "." has a name only once it is absolute.
    fs::path path = fs::absolute(artifact).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    status = path.has_filename() ? collector.AddPath(top + "/" + path.filename().string(), path)
                                 : Invalid(artifact, "cannot be an artifact");
  }
  if (!status.ok()) return Error(std::move(status));

  const bundle::ScopedUtf8Locale locale;
  Result<std::string> bytes = ZipWriter().Write(collector.Take());
  if (!bytes) return Error(bytes.error());
  bundle.bytes = *std::move(bytes);
  return bundle;
}

}  // namespace aiflow
