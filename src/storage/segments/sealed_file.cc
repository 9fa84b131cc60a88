#include "storage/segments/sealed_file.h"

#include "storage/segments/frame_file.h"

namespace aiflow {
namespace {

constexpr size_t kVersionAt = 8;
constexpr size_t kLogIdAt = 12;
constexpr size_t kLogIdBytes = 36;
constexpr size_t kHeadBytes = kLogIdAt + kLogIdBytes;
constexpr size_t kChecksumBytes = 4;

}  // namespace

Status SealedFile::Write(FileSystem& files, const std::string& directory, const std::string& log_id,
                         std::string_view body) const {
  std::string bytes(magic);
  PutNumber<uint32_t>(bytes, version);
  bytes += log_id;
  bytes += body;
  PutNumber<uint32_t>(bytes, Checksum(bytes));
  return ReplaceFile(files, directory, name, bytes);
}

Result<std::string> SealedFile::Read(FileSystem& files, const std::string& directory,
                                     const std::string& log_id) const {
  const std::string path = directory + "/" + name;
  const auto contents = ReadFile(files, path);
  if (!contents) return Error(contents.error());
  const std::string_view bytes = *contents;
  if (bytes.size() < kHeadBytes + kChecksumBytes || bytes.substr(0, kVersionAt) != magic) {
    return Error(Damaged(directory));
  }
  const size_t end = bytes.size() - kChecksumBytes;
  if (GetNumber<uint32_t>(bytes, end) != Checksum(bytes.substr(0, end))) {
    return Error(Damaged(directory));
  }
  if (GetNumber<uint32_t>(bytes, kVersionAt) > version) {
    return Error(Code::kFailedPrecondition,
                 path + " was written by a newer version: use the newer program");
  }
  if (bytes.substr(kLogIdAt, kLogIdBytes) != log_id) {
    return Error(Code::kFailedPrecondition, path + " belongs to another log");
  }
  return std::string(bytes.substr(kHeadBytes, end - kHeadBytes));
}

Status SealedFile::Damaged(const std::string& directory) const {
  return {Code::kDataLoss, directory + "/" + name + " is damaged; restore the log from a backup"};
}

void PutText(std::string& out, const std::string& text) {
  PutNumber<uint32_t>(out, static_cast<uint32_t>(text.size()));
  out += text;
}

}  // namespace aiflow
