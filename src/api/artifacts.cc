#include "api/artifacts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;

bool Before(const Artifact& a, const Artifact& b) { return a.path < b.path; }

/// Size and time of a regular file; false for anything else.
bool Look(const fs::directory_entry& entry, Artifact* artifact) {
  struct stat file {};
  if (lstat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return false;
  artifact->size = file.st_size;
  artifact->update_time = Millis(file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1'000'000);
  return true;
}

}  // namespace

Result<std::vector<Artifact>> ListArtifacts(const std::string& directory, const std::string& after,
                                            size_t limit) {
  std::vector<Artifact> least;  // a heap with the greatest path first
  std::error_code error;
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied,
                                      error);
  if (error == std::errc::no_such_file_or_directory) return least;
  // Tasks may write and remove at the same time: what has gone meanwhile is not there.
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    Artifact artifact;
    artifact.path = it->path().lexically_relative(directory).string();
    if (artifact.path <= after || !Look(*it, &artifact)) continue;
    if (least.size() == limit) {
      if (limit == 0 || !Before(artifact, least.front())) continue;
      std::pop_heap(least.begin(), least.end(), Before);
      least.pop_back();
    }
    least.push_back(std::move(artifact));
    std::push_heap(least.begin(), least.end(), Before);
  }
  std::sort_heap(least.begin(), least.end(), Before);
  return least;
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
    // Opening a pipe must not wait for its writer.
    const int next =
        openat(at, part.c_str(),
               (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
    close(at);
    if (next < 0) return missing();
    at = next;
    if (last) break;
    begin = slash + 1;
  }
  struct stat file {};
  if (fstat(at, &file) == 0 && S_ISREG(file.st_mode)) return at;
  close(at);
  return missing();
}

}  // namespace aiflow::api
