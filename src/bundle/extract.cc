#include "bundle/extract.h"

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
#include <string>
#include <utility>
#include <vector>

#include "bundle/utf8_locale.h"

namespace aiflow::bundle {
namespace {

namespace fs = std::filesystem;

Status Refused(const std::string& entry, std::string_view why) {
  return {Code::kInvalidArgument, "bundle entry '" + entry + "': " + std::string(why)};
}

Status SystemError(std::string_view what, const fs::path& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full ? Code::kResourceExhausted : Code::kUnavailable,
          "cannot " + std::string(what) + " " + path.string() + ": " + std::strerror(error)};
}

/// The normal form of an entry's name: components joined by '/', or why it is refused.
Result<std::string> CleanName(const std::string& name) {
  if (name.empty()) return Error(Refused(name, "has no name"));
  if (name.front() == '/') return Error(Refused(name, "absolute paths are refused"));
  std::string clean;
  for (const fs::path& part : fs::path(name)) {
    const std::string& text = part.native();
    if (text.empty() || text == ".") continue;
    if (text == "..") return Error(Refused(name, "'..' is refused"));
    clean += (clean.empty() ? "" : "/") + text;
  }
  return clean;
}

/// Unpacks one archive. The target starts empty and only this object writes there, so the map of
/// what it made decides where a path leads.
class Extractor {
 public:
  Extractor(archive* source, fs::path target, const ExtractLimits& limits)
      : source_(source), target_(std::move(target)), limits_(limits) {}

  Status Run();

 private:
  enum class Kind { kDirectory, kFile, kLink };

  Status One(archive_entry* entry);
  /// Makes the directories above `name`; refuses to go through anything else.
  Status MakeParents(const std::string& name);
  Status MakeDirectory(const std::string& name, const std::string& for_entry);
  Status WriteFile(const std::string& name, bool executable);
  Status CopyData(int fd, const std::string& name);
  Status MakeSymlink(const std::string& name, const std::string& to);
  Status MakeHardLink(const std::string& name, const std::string& to);
  /// Syncs and protects directories, deepest first.
  Status Seal();
  [[nodiscard]] Status ArchiveError(std::string_view entry) const;

  archive* source_;
  const fs::path target_;
  const ExtractLimits limits_;
  std::map<std::string, Kind> made_;
  size_t bytes_ = 0;
};

Status Extractor::ArchiveError(std::string_view entry) const {
  const char* why = archive_error_string(source_);
  return {Code::kInvalidArgument, "the bundle cannot be read" +
                                      (entry.empty() ? "" : " at '" + std::string(entry) + "'") +
                                      ": " + (why == nullptr ? "unknown archive format" : why)};
}

Status Extractor::Run() {
  std::string last;
  for (;;) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(source_, &entry);
    if (code == ARCHIVE_EOF) return Seal();
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return ArchiveError(last);
    AIFLOW_RETURN_IF_ERROR(One(entry));
    const char* name = archive_entry_pathname(entry);
    last = name == nullptr ? "" : name;
  }
}

Status Extractor::One(archive_entry* entry) {
  const char* raw = archive_entry_pathname_utf8(entry);
  if (raw == nullptr) raw = archive_entry_pathname(entry);
  if (raw == nullptr) return Refused("", "has no readable name");
  const Result<std::string> name = CleanName(raw);
  if (!name) return name.error();
  if (name->empty()) return Status::Ok();  // "./"
  if (archive_entry_is_encrypted(entry) != 0) return Refused(*name, "is encrypted");
  const char* hard_link = archive_entry_hardlink(entry);
  const bool directory = hard_link == nullptr && archive_entry_filetype(entry) == AE_IFDIR;
  if (made_.contains(*name)) {
    const bool again = directory && made_.at(*name) == Kind::kDirectory;
    return again ? Status::Ok() : Refused(*name, "comes twice");
  }
  AIFLOW_RETURN_IF_ERROR(MakeParents(*name));
  if (made_.size() >= limits_.entries) {
    return Refused(*name,
                   "more than " + std::to_string(limits_.entries) + " entries (kMaxBundleEntries)");
  }
  if (directory) return MakeDirectory(*name, *name);
  if (hard_link != nullptr) return MakeHardLink(*name, hard_link);
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return WriteFile(*name, (archive_entry_perm(entry) & 0111) != 0);
    case AE_IFLNK: {
      const char* to = archive_entry_symlink_utf8(entry);
      if (to == nullptr) to = archive_entry_symlink(entry);
      return MakeSymlink(*name, to == nullptr ? "" : to);
    }
    default: return Refused(*name, "special files are refused");
  }
}

Status Extractor::MakeParents(const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    AIFLOW_RETURN_IF_ERROR(MakeDirectory(name.substr(0, slash), name));
  }
  return Status::Ok();
}

Status Extractor::MakeDirectory(const std::string& name, const std::string& for_entry) {
  const auto [it, fresh] = made_.try_emplace(name, Kind::kDirectory);
  if (!fresh) {
    return it->second == Kind::kDirectory
               ? Status::Ok()
               : Refused(for_entry, "leads through '" + name + "', which is no directory");
  }
  const fs::path path = target_ / name;
  return mkdir(path.c_str(), 0700) == 0 ? Status::Ok() : SystemError("make", path);
}

Status Extractor::WriteFile(const std::string& name, bool executable) {
  made_.emplace(name, Kind::kFile);
  const fs::path path = target_ / name;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("create", path);
  Status status = CopyData(fd, name);
  if (status.ok() && fchmod(fd, executable ? 0555 : 0444) != 0) {
    status = SystemError("protect", path);
  }
  if (status.ok() && fsync(fd) != 0) status = SystemError("sync", path);
  close(fd);
  return status;
}

Status Extractor::CopyData(int fd, const std::string& name) {
  std::vector<char> buffer(size_t{256} << 10);
  for (;;) {
    const la_ssize_t got = archive_read_data(source_, buffer.data(), buffer.size());
    if (got < 0) return ArchiveError(name);
    if (got == 0) return Status::Ok();
    bytes_ += static_cast<size_t>(got);
    if (bytes_ > limits_.bytes) {
      return Refused(name, "the bundle unpacks to more than " + std::to_string(limits_.bytes) +
                               " bytes (kMaxUnpackedBytes)");
    }
    for (la_ssize_t done = 0; done < got;) {
      const ssize_t written = write(fd, buffer.data() + done, static_cast<size_t>(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return SystemError("write", target_ / name);
      done += written;
    }
  }
}

Status Extractor::MakeSymlink(const std::string& name, const std::string& to) {
  // Leading '..' climb from the link's own, real directory; a '..' after a name could climb from
  // wherever another link leads, so it is refused.
  if (to.empty() || to.front() == '/') return Refused(name, "the link leads out: '" + to + "'");
  auto depth = std::count(name.begin(), name.end(), '/');
  bool below = false;
  for (const fs::path& part : fs::path(to)) {
    if (part != "..") {
      below = below || (part != "." && !part.empty());
    } else if (below || --depth < 0) {
      return Refused(name, "the link leads out: '" + to + "'");
    }
  }
  made_.emplace(name, Kind::kLink);
  const fs::path path = target_ / name;
  return symlink(to.c_str(), path.c_str()) == 0 ? Status::Ok() : SystemError("link", path);
}

Status Extractor::MakeHardLink(const std::string& name, const std::string& to) {
  const Result<std::string> clean = CleanName(to);
  if (!clean) return Refused(name, "the link leads out: '" + to + "'");
  const auto file = made_.find(*clean);
  if (file == made_.end() || file->second != Kind::kFile) {
    return Refused(name, "the link names no earlier file: '" + to + "'");
  }
  made_.emplace(name, Kind::kFile);
  const fs::path path = target_ / name;
  return link((target_ / *clean).c_str(), path.c_str()) == 0 ? Status::Ok()
                                                             : SystemError("link", path);
}

Status Extractor::Seal() {
  const auto seal = [](const fs::path& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return SystemError("open", path);
    Status status;
    if (fchmod(fd, 0555) != 0 || fsync(fd) != 0) status = SystemError("sync", path);
    close(fd);
    return status;
  };
  // Backwards in the order of names: what is inside a directory comes after it.
  for (auto it = made_.rbegin(); it != made_.rend(); ++it) {
    if (it->second == Kind::kDirectory) AIFLOW_RETURN_IF_ERROR(seal(target_ / it->first));
  }
  return seal(target_);
}

}  // namespace

Status ExtractArchive(std::string_view bytes, const fs::path& target, const ExtractLimits& limits) {
  const ScopedUtf8Locale locale;
  const std::unique_ptr<archive, int (*)(archive*)> source(archive_read_new(), archive_read_free);
  // By the directory at its end: a zip that was cut short has none.
  archive_read_support_format_zip_seekable(source.get());
  archive_read_support_format_tar(source.get());
  archive_read_support_filter_gzip(source.get());
  if (archive_read_open_memory(source.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    const char* why = archive_error_string(source.get());
    return {Code::kInvalidArgument,
            std::string("the bundle is no zip or tar archive: ") + (why == nullptr ? "" : why)};
  }
  return Extractor(source.get(), target, limits).Run();
}

Status RemoveTree(const fs::path& path) {
  std::error_code error;
  // Entries of a read-only directory cannot be removed.
  for (auto it = fs::recursive_directory_iterator(path, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it->symlink_status(error).type() == fs::file_type::directory) {
      fs::permissions(it->path(), fs::perms::owner_all, error);
    }
  }
  error.clear();
  if (fs::exists(fs::symlink_status(path, error))) {
    fs::permissions(path, fs::perms::owner_all, error);
  }
  fs::remove_all(path, error);
  if (!error) return Status::Ok();
  return {Code::kUnavailable, "cannot remove " + path.string() + ": " + error.message()};
}

}  // namespace aiflow::bundle
