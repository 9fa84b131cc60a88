#include "runner/claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>

#include "runner/attempt_files.h"

namespace aiflow::runner {
namespace {

constexpr char kClaimMagic[] = "aiflow-claim 1\n";
constexpr char kStopMagic[] = "aiflow-stop 1\n";
constexpr char kResultMagic[] = "aiflow-result 1\n";
constexpr size_t kReasonLimit = 1024;

uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

void AddLine(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(" ").append(value).append("\n");
}
void AddLine(std::string& out, std::string_view name, int64_t value) {
  AddLine(out, name, std::to_string(value));
}

/// Ends a section with the checksum of all before it.
std::string Seal(std::string section) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "crc %08x\n", Crc32(section));
  return section + text.data();
}

/// The lines of a sealed section, or nothing when magic or checksum are wrong.
std::optional<std::map<std::string, std::string>> OpenSection(std::string_view bytes,
                                                              std::string_view magic) {
  bytes = bytes.substr(0, bytes.find('\0'));
  if (!bytes.starts_with(magic)) return std::nullopt;
  constexpr size_t kSealSize = 13;  // "crc 01234567\n"
  if (bytes.size() < magic.size() + kSealSize) return std::nullopt;
  const std::string body(bytes.substr(0, bytes.size() - kSealSize));
  if (Seal(body) != bytes) return std::nullopt;
  std::map<std::string, std::string> lines;
  std::string_view rest = std::string_view(body).substr(magic.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    lines.emplace(line.substr(0, blank), line.substr(blank + 1));
    rest.remove_prefix(line.size() + 1);
  }
  return lines;
}

int64_t Number(const std::map<std::string, std::string>& lines, const char* name) {
  const auto found = lines.find(name);
  int64_t value = 0;
  if (found == lines.end()) return 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

std::string Text(const std::map<std::string, std::string>& lines, const char* name) {
  const auto found = lines.find(name);
  return found == lines.end() ? std::string() : found->second;
}

std::string ResultSection(const AttemptResult& result) {
  std::string out = kResultMagic;
  AddLine(out, "outcome", static_cast<int64_t>(result.outcome));
  AddLine(out, "exit_code", result.exit_code);
  AddLine(out, "stop_signalled", result.stop_signalled ? 1 : 0);
  AddLine(out, "ended_ms", result.ended_ms);
  AddLine(out, "reason", CleanLine(result.reason, kReasonLimit));
  return Seal(std::move(out));
}

/// Writes all of `bytes` at `offset`.
Status WriteAt(int fd, std::string_view bytes, size_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {Code::kUnavailable, "cannot write: " + ErrorText(errno)};
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<size_t>(written);
  }
  return Status::Ok();
}

std::string ReadUpTo(const std::string& path, size_t limit, int* error) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  *error = fd < 0 ? errno : 0;
  if (fd < 0) return {};
  std::string bytes(limit, '\0');
  const ssize_t size = pread(fd, bytes.data(), limit, 0);
  if (size < 0) *error = errno;
  close(fd);
  bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return bytes;
}

/// Length of the valid UTF-8 sequence at the beginning of `text`; 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = 0;
  uint32_t point = 0;
  if (byte(0) < 0x80) return 1;
  if ((byte(0) & 0xe0) == 0xc0)
    length = 2, point = byte(0) & 0x1f;
  else if ((byte(0) & 0xf0) == 0xe0)
    length = 3, point = byte(0) & 0x0f;
  else if ((byte(0) & 0xf8) == 0xf0)
    length = 4, point = byte(0) & 0x07;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = (point << 6) | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  return point < kSmallest[length] || point > 0x10ffff || surrogate ? 0 : length;
}

}  // namespace

std::string ErrorText(int error) { return strerror(error); }

int64_t WallMillis() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

int64_t MonotonicMillis() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::string CleanLine(std::string_view text, size_t limit) {
  std::string out;
  while (!text.empty() && text.front() != '\n') {
    const size_t length = SequenceLength(text);
    const bool control = static_cast<unsigned char>(text.front()) < 0x20 || text.front() == 0x7f;
    const std::string_view next = length == 0 ? "?" : control ? " " : text.substr(0, length);
    if (out.size() + next.size() > limit) break;
    out.append(next);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string EncodeClaim(const Claim& claim, const AttemptResult* result) {
  std::string head = kClaimMagic;
  AddLine(head, "attempt", CleanLine(claim.attempt, 128));
  AddLine(head, "token", CleanLine(claim.token, 512));
  AddLine(head, "epoch", claim.epoch);
  AddLine(head, "pid", claim.pid);
  AddLine(head, "start_time", static_cast<int64_t>(claim.start_time));
  AddLine(head, "boot_id", claim.boot_id);
  AddLine(head, "pid_namespace", static_cast<int64_t>(claim.pid_namespace));
  AddLine(head, "claimed_ms", claim.claimed_ms);
  std::string file = Seal(std::move(head));
  file.resize(kClaimSize, '\0');
  if (result != nullptr) {
    const std::string tail = ResultSection(*result);
    file.replace(kResultOffset, tail.size(), tail);
  }
  return file;
}

Result<ClaimRecord> ReadClaim(const std::string& dir) {
  int error = 0;
  const std::string file = ReadUpTo(ClaimPath(dir), kClaimSize, &error);
  if (error == ENOENT) return Error(Code::kNotFound, dir + ": no claim");
  if (error != 0) return Error(Code::kUnavailable, "cannot read the claim: " + ErrorText(error));
  ClaimRecord record;
  if (file.empty()) {
    record.forgotten = true;
    return record;
  }
  if (file.size() != kClaimSize) return Error(Code::kDataLoss, "the claim is not complete");
  const std::string_view bytes = file;
  const auto head = OpenSection(bytes.substr(0, kStopOffset), kClaimMagic);
  if (!head) return Error(Code::kDataLoss, "the claim is damaged or of another version");
  record.claim = {.attempt = Text(*head, "attempt"),
                  .token = Text(*head, "token"),
                  .epoch = Number(*head, "epoch"),
                  .pid = Number(*head, "pid"),
                  .start_time = static_cast<uint64_t>(Number(*head, "start_time")),
                  .boot_id = Text(*head, "boot_id"),
                  .pid_namespace = static_cast<uint64_t>(Number(*head, "pid_namespace")),
                  .claimed_ms = Number(*head, "claimed_ms")};
  record.stop_signalled =
      OpenSection(bytes.substr(kStopOffset, kResultOffset - kStopOffset), kStopMagic).has_value();
  if (const auto tail = OpenSection(bytes.substr(kResultOffset), kResultMagic)) {
    record.result = AttemptResult{.outcome = static_cast<Outcome>(Number(*tail, "outcome")),
                                  .exit_code = static_cast<int>(Number(*tail, "exit_code")),
                                  .stop_signalled = Number(*tail, "stop_signalled") != 0,
                                  .ended_ms = Number(*tail, "ended_ms"),
                                  .reason = Text(*tail, "reason")};
  }
  return record;
}

Status MakeDirectories(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return Status::Ok();
  const int error = errno;
  const size_t slash = path.find_last_of('/');
  if (error != ENOENT || slash == std::string::npos || slash == 0) {
    return {Code::kUnavailable, "cannot make directory " + path + ": " + ErrorText(error)};
  }
  AIFLOW_RETURN_IF_ERROR(MakeDirectories(path.substr(0, slash)));
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return Status::Ok();
  return {Code::kUnavailable, "cannot make directory " + path + ": " + ErrorText(errno)};
}

Status PublishClaim(const std::string& dir, const std::string& contents, int* claim_fd) {
  AIFLOW_RETURN_IF_ERROR(MakeDirectories(dir));
  const std::string draft = ClaimPath(dir) + "." + std::to_string(getpid());
  const int fd = open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return {Code::kUnavailable, "cannot write claim " + draft + ": " + ErrorText(errno)};
  }
  Status status = WriteAt(fd, contents, 0);
  if (status.ok() && fdatasync(fd) != 0) {
    status = {Code::kUnavailable, "cannot sync claim " + draft + ": " + ErrorText(errno)};
  }
  if (status.ok() &&
      renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, ClaimPath(dir).c_str(), RENAME_NOREPLACE) != 0) {
    status = {errno == EEXIST ? Code::kAlreadyExists : Code::kUnavailable,
              "cannot publish claim " + ClaimPath(dir) + ": " + ErrorText(errno)};
  }
  if (!status.ok()) {
    unlink(draft.c_str());
    close(fd);
    return status;
  }
  // From here on the claim is won. That it also outlives a loss of power takes the directory's
  // sync; where that fails, the attempt goes on: nobody else can start it while the machine runs.
  const int dir_fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd >= 0) {
    fsync(dir_fd);
    close(dir_fd);
  }
  if (claim_fd != nullptr)
    *claim_fd = fd;
  else
    close(fd);
  return Status::Ok();
}

void WriteStopMark(const std::string& dir) {
  const int fd = open(ClaimPath(dir).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  std::string mark = kStopMagic;
  AddLine(mark, "signalled_ms", WallMillis());
  [[maybe_unused]] const Status ignored = WriteAt(fd, Seal(std::move(mark)), kStopOffset);
  close(fd);
}

Status WriteResultTo(int claim_fd, const AttemptResult& result) {
  AIFLOW_RETURN_IF_ERROR(WriteAt(claim_fd, ResultSection(result), kResultOffset));
  if (fdatasync(claim_fd) != 0) return {Code::kUnavailable, "cannot sync: " + ErrorText(errno)};
  return Status::Ok();
}

Status WriteResult(const std::string& dir, const AttemptResult& result) {
  const int fd = open(ClaimPath(dir).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return {Code::kNotFound, "cannot open claim: " + ErrorText(errno)};
  const Status status = WriteResultTo(fd, result);
  close(fd);
  return status;
}

OwnResult ReadOwnResult(const std::string& dir) {
  int error = 0;
  const std::string file = ReadUpTo(ResultPath(dir), 4096, &error);
  OwnResult own;
  int code = 0;
  const char* const end = file.data() + file.size();
  const auto [rest, problem] = std::from_chars(file.data(), end, code);
  if (problem != std::errc() || rest == end || *rest != '\n') return own;
  own.exit_code = code;
  own.reason = CleanLine(std::string_view(rest + 1, static_cast<size_t>(end - rest - 1)), 1000);
  return own;
}

}  // namespace aiflow::runner
