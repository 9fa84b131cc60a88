#include "api/access/tokens.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/secret_file.h"
#include "storage/blob_store.h"

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigestDigits = 64;
constexpr size_t kRandomBytes = 32;
// Makes a token that lies about recognisable as one.
constexpr std::string_view kTokenPrefix = "aiflow_";
constexpr std::string_view kHead =
    "# Who may use this server's ports: a name and the SHA-256 of a token per line, and `server` "
    "where it is for an AIFlow server.\n";
constexpr std::string_view kServer = "server";

Status CheckName(const std::string& name) {
  const auto good = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  if (!name.empty() && name.size() <= kMaxTokenNameBytes &&
      std::all_of(name.begin(), name.end(), good)) {
    return Status::Ok();
  }
  return {Code::kInvalidArgument,
          "the name of a token is 1 to 64 letters, digits, `_`, `-` or `.`"};
}

bool IsDigest(const std::string& text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Without a branch on the contents; both are digests.
bool SameDigest(std::string_view a, std::string_view b) {
  unsigned difference = 0;
  for (size_t i = 0; i < kDigestDigits; ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

Result<std::vector<TokenEntry>> Parse(const std::string& text, const fs::path& file) {
  std::vector<TokenEntry> entries;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    TokenEntry entry;
    std::string more;
    words >> entry.name >> entry.digest;
    if (words >> more && more == kServer) {
      entry.server = true;
      more.clear();
      words >> more;
    }
    if (!IsDigest(entry.digest) || !CheckName(entry.name).ok() || !more.empty()) {
      return Error(Code::kDataLoss, file.string() + ", line " + std::to_string(number) +
                                        ": not a name and a SHA-256; correct it, or remove the "
                                        "line and add the token anew");
    }
    entries.push_back(std::move(entry));
    if (entries.size() > kMaxTokens) {
      return Error(Code::kResourceExhausted,
                   file.string() + " holds more than " + std::to_string(kMaxTokens) + " tokens");
    }
  }
  return entries;
}

/// Keeps other writers of the same directory out until it goes.
class DirectoryLock {
 public:
  explicit DirectoryLock(const fs::path& directory)
      : fd_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~DirectoryLock() {
    if (fd_ >= 0) close(fd_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  const int fd_;
};

Status CannotWrite(const fs::path& file) {
  return {Code::kUnavailable, "cannot write " + file.string() + ": " + strerror(errno)};
}

Status Write(const fs::path& file, const std::vector<TokenEntry>& entries) {
  std::string text(kHead);
  for (const TokenEntry& entry : entries) {
    text += entry.name + " " + entry.digest;
    if (entry.server) text.append(" ").append(kServer);
    text += "\n";
  }
  const std::string aside = file.string() + ".tmp." + std::to_string(getpid());
  const int fd = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return CannotWrite(file);
  const bool written = fchmod(fd, 0600) == 0 &&
                       write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (written && rename(aside.c_str(), file.c_str()) == 0) return Status::Ok();
  if (!written) errno = error;
  Status status = CannotWrite(file);
  unlink(aside.c_str());
  return status;
}

Result<std::string> NewToken() {
  std::array<unsigned char, kRandomBytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Error(Code::kUnavailable, "the system gives no random numbers");
  }
  std::string token(kTokenPrefix);
  for (const unsigned char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    token += kDigits[byte >> 4];
    token += kDigits[byte & 15];
  }
  return token;
}

}  // namespace

/// What the file held when its system data was this.
struct Tokens::Table {
  struct stat seen {};
  std::vector<TokenEntry> entries;
  Status problem;

  [[nodiscard]] bool IsOf(const struct stat& now) const {
    return seen.st_dev == now.st_dev && seen.st_ino == now.st_ino && seen.st_size == now.st_size &&
           seen.st_mode == now.st_mode && seen.st_uid == now.st_uid &&
           seen.st_mtim.tv_sec == now.st_mtim.tv_sec &&
           seen.st_mtim.tv_nsec == now.st_mtim.tv_nsec &&
           seen.st_ctim.tv_sec == now.st_ctim.tv_sec && seen.st_ctim.tv_nsec == now.st_ctim.tv_nsec;
  }
};

Tokens::Tokens(fs::path file, std::function<void(const Status&)> problem)
    : file_(std::move(file)), problem_(std::move(problem)) {}

std::shared_ptr<const Tokens::Table> Tokens::Current() const {
  struct stat now {};
  const bool there = stat(file_.c_str(), &now) == 0;
  const std::lock_guard lock(mutex_);
  if (!there) now = {};
  if (table_ != nullptr && table_->IsOf(now)) return table_;
  auto table = std::make_shared<Table>();
  table->seen = now;
  if (there) {
    Result<std::vector<TokenEntry>> entries = ListTokens(file_);
    if (entries.has_value()) {
      table->entries = *std::move(entries);
    } else {
      table->problem = entries.error();
      if (problem_) problem_(table->problem);
    }
  }
  table_ = table;
  return table;
}

bool Tokens::Contains(std::string_view token) const { return Find(token, false); }
bool Tokens::ContainsForServers(std::string_view token) const { return Find(token, true); }

bool Tokens::Find(std::string_view token, bool for_servers) const {
  if (token.empty() || token.size() > kMaxTokenBytes) return false;
  const std::string digest = Sha256Hex(token);
  const std::shared_ptr<const Table> table = Current();
  bool found = false;
  for (const TokenEntry& entry : table->entries) {
    const bool same = SameDigest(entry.digest, digest);
    found |= same && (entry.server || !for_servers);
  }
  return found;
}

Status Tokens::Check() const { return Current()->problem; }
size_t Tokens::size() const { return Current()->entries.size(); }

Result<std::string> AddToken(const fs::path& file, const std::string& name, bool server) {
  if (Status status = CheckName(name); !status.ok()) return Error(std::move(status));
  const DirectoryLock lock(file.parent_path());
  Result<std::vector<TokenEntry>> entries = ListTokens(file);
  if (!entries.has_value()) return Error(entries.error());
  if (std::any_of(entries->begin(), entries->end(),
                  [&name](const TokenEntry& entry) { return entry.name == name; })) {
    return Error(Code::kAlreadyExists, "token " + name +
                                           " exists already; remove it first, or choose another "
                                           "name");
  }
  if (entries->size() >= kMaxTokens) {
    return Error(Code::kResourceExhausted,
                 "there are " + std::to_string(kMaxTokens) + " tokens already; remove some");
  }
  Result<std::string> token = NewToken();
  if (!token.has_value()) return token;
  entries->push_back({name, Sha256Hex(*token), server});
  if (Status status = Write(file, *entries); !status.ok()) return Error(std::move(status));
  return token;
}

Status RemoveToken(const fs::path& file, const std::string& name) {
  const DirectoryLock lock(file.parent_path());
  Result<std::vector<TokenEntry>> entries = ListTokens(file);
  if (!entries.has_value()) return entries.error();
  const size_t removed =
      std::erase_if(*entries, [&name](const TokenEntry& entry) { return entry.name == name; });
  if (removed == 0) return {Code::kNotFound, "token " + name + " does not exist"};
  return Write(file, *entries);
}

Result<std::vector<TokenEntry>> ListTokens(const fs::path& file) {
  const Result<std::string> text = ReadSecretFile(file);
  if (text.has_value()) return Parse(*text, file);
  if (text.error().code() == Code::kNotFound) return std::vector<TokenEntry>();
  return Error(text.error());
}

}  // namespace aiflow::api
