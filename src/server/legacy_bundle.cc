#include "server/legacy_bundle.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "model/limits.h"
#include "server/bounded_process.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileScheme = "file://";

Status Unreadable(const std::string& uri, const std::string& why) {
  return {Code::kNotFound, "its bundle " + uri + " cannot be read here: " + why};
}

std::string PathOf(const std::string& uri) {
  return uri.starts_with(kFileScheme) ? uri.substr(kFileScheme.size()) : uri;
}

/// Empty when this machine has no MD5.
std::string Md5Hex(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    return "";
  }
  constexpr const char* kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

bool IsMd5(const std::string& text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Result<std::string> ReadFile(const std::string& uri) {
  const std::string path = PathOf(uri);
  if (!path.starts_with('/')) {
    return Error(Unreadable(uri,
                            "it is no absolute path; use LocalBlobManager with a directory "
                            "that the server reads, or upload with a current client"));
  }
  // Not waiting for the writer of a pipe.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) {
    return Error(Unreadable(uri, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) return Error(Unreadable(uri, "it is no file"));
  std::string bytes;
  std::array<char, 65'536> buffer{};
  for (;;) {
    const ssize_t size = read(file.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error(Unreadable(uri, std::strerror(errno)));
    if (size == 0) return bytes;
    bytes.append(buffer.data(), static_cast<size_t>(size));
    if (bytes.size() > limits::kMaxBundleBytes) {
      return Error(Code::kFailedPrecondition,
                   "its bundle " + uri + " has more than kMaxBundleBytes " +
                       std::to_string(limits::kMaxBundleBytes) + " bytes");
    }
  }
}

}  // namespace

Result<std::string> ReadLegacyBundle(const std::string& uri, const std::string& signature) {
  Result<std::string> bytes = ReadFile(uri);
  if (!bytes.has_value() || !IsMd5(signature)) return bytes;
  std::string wanted = signature;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string found = Md5Hex(*bytes);
  if (found.empty() || found == wanted) return bytes;
  return Error(Code::kFailedPrecondition, "its bundle " + uri + " has the MD5 " + found +
                                              ", not the signature " + wanted +
                                              ": another upload has replaced it; upload it again");
}

Result<LegacyWorkflowFile> FindLegacyWorkflowFile(const fs::path& unpacked,
                                                  const std::string& uri) {
  LegacyWorkflowFile found;
  found.bundle_name = fs::path(PathOf(uri)).stem();
  std::error_code error;
  if (!fs::is_directory(unpacked / found.bundle_name, error)) {
    std::string only;
    int count = 0;
    for (fs::directory_iterator entry(unpacked, error), end; !error && entry != end;
         entry.increment(error)) {
      only = entry->path().filename();
      ++count;
    }
    if (count == 1) found.bundle_name = only;
  }
  const std::string name = found.bundle_name + "/" + found.bundle_name + ".py";
  found.path = unpacked / name;
  if (!fs::is_regular_file(found.path, error)) {
    return Error(Code::kFailedPrecondition, "its bundle " + uri + " has no file " + name);
  }
  return found;
}

}  // namespace aiflow::server
