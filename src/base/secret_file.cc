#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace aiflow {
namespace {

Status Refuse(const struct stat& found, const std::string& name) {
  if (!S_ISREG(found.st_mode)) return {Code::kInvalidArgument, name + " is no regular file"};
  if (found.st_uid != geteuid() && found.st_uid != 0) {
    return {Code::kPermissionDenied, name + " belongs to user " + std::to_string(found.st_uid) +
                                         ", who could replace it: give it to the user of this "
                                         "process with chown"};
  }
  if ((found.st_mode & 077) != 0) {
    return {
        Code::kPermissionDenied,
        name + " may be read or written by other users: protect it with `chmod 600 " + name + "`"};
  }
  if (found.st_size > static_cast<off_t>(kMaxSecretFileBytes)) {
    return {Code::kInvalidArgument, name + " is larger than 1 MiB"};
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> ReadSecretFile(const std::filesystem::path& file) {
  const std::string name = file.string();
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const Code code = errno == ENOENT ? Code::kNotFound : Code::kPermissionDenied;
    return Error(code, "cannot read " + name + ": " + strerror(errno));
  }
  struct stat found {};
  Status status = fstat(fd, &found) == 0 ? Refuse(found, name)
                                         : Status(Code::kUnavailable, "cannot read " + name);
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while (status.ok() && (size = read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  if (status.ok() && size < 0) {
    status = {Code::kUnavailable, "cannot read " + name + ": " + strerror(errno)};
  }
  close(fd);
  if (!status.ok()) return Error(std::move(status));
  return text;
}

}  // namespace aiflow
