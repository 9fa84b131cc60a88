#include "api/artifacts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "api/text_lines.h"

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;

/// Of a walk through a directory from which tasks remove others.
constexpr int kTries = 5;

bool Before(const Artifact& a, const Artifact& b) { return a.path < b.path; }

/// Size and time of a regular file; false for anything else.
bool Look(const fs::directory_entry& entry, Artifact* artifact) {
  struct stat file {};
  if (lstat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return false;
  artifact->size = file.st_size;
  artifact->update_time = Millis(file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1'000'000);
  return true;
}

/// What ListArtifacts says; an error may end it early.
std::vector<Artifact> Walk(const std::string& directory, const std::string& after, size_t limit,
                           std::error_code* error) {
  std::vector<Artifact> least;  // a heap with the greatest path first
  error->clear();
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied,
                                      *error);
  for (const fs::recursive_directory_iterator end; !*error && it != end; it.increment(*error)) {
    Artifact artifact;
    artifact.path = it->path().lexically_relative(directory).string();
    const bool full = least.size() == limit;
    if (artifact.path <= after || !IsUtf8(artifact.path)) continue;
    if (full && (limit == 0 || !Before(artifact, least.front()))) continue;
    if (!Look(*it, &artifact)) continue;
    if (full) {
      std::pop_heap(least.begin(), least.end(), Before);
      least.pop_back();
    }
    least.push_back(std::move(artifact));
    std::push_heap(least.begin(), least.end(), Before);
  }
  std::sort_heap(least.begin(), least.end(), Before);
  return least;
}

}  // namespace

Result<std::vector<Artifact>> ListArtifacts(const std::string& directory, const std::string& after,
                                            size_t limit) {
  std::error_code error;
  for (int tries = 0; tries < kTries; ++tries) {
    std::vector<Artifact> listed = Walk(directory, after, limit, &error);
    if (!error) return listed;
    // A directory that a task removes meanwhile ends the whole walk.
    if (error != std::errc::no_such_file_or_directory) break;
    std::error_code unknown;
    if (!fs::exists(directory, unknown)) return std::vector<Artifact>();
  }
  return Error(Code::kUnavailable,
               "the working directory cannot be read now: " + error.message() + "; try again");
}

Result<int> OpenArtifact(const std::string& directory, const std::string& path) {
  const auto missing = [&path] { return Error(Code::kNotFound, "there is no file " + path); };
  int at = open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return missing();
  // Step by step, as a link anywhere on the way would lead out.
  size_t begin = 0;
  for (;;) {
    const size_t slash = path.find('/', begin);
    const std::string part = path.substr(begin, slash == std::string::npos ? slash : slash - begin);
    if (part.empty() || part == "." || part == "..") {
      close(at);
      return Error(Code::kInvalidArgument,
                   "the path " + path + " is not one within the working directory");
    }
    const bool last = slash == std::string::npos;
    // Looked at before it is opened: opening a pipe would wake its writer.
    const int next =
        openat(at, part.c_str(), O_PATH | (last ? 0 : O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
    close(at);
    if (next < 0) return missing();
    at = next;
    if (last) break;
    begin = slash + 1;
  }
  struct stat file {};
  const bool regular = fstat(at, &file) == 0 && S_ISREG(file.st_mode);
  const int opened =
      regular ? open(("/proc/self/fd/" + std::to_string(at)).c_str(), O_RDONLY | O_CLOEXEC) : -1;
  const int why = errno;
  close(at);
  if (opened >= 0) return opened;
  if (!regular || why == ENOENT) return missing();
  return Error(why == EACCES ? Code::kPermissionDenied : Code::kUnavailable,
               "the file " + path + " cannot be opened: " + std::strerror(why));
}

}  // namespace aiflow::api
