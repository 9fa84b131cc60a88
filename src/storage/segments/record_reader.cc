#include "storage/segments/record_reader.h"

#include <algorithm>
#include <utility>

#include "storage/segments/record.h"

namespace aiflow {
namespace {

constexpr size_t kSmallWindow = 4096;
constexpr size_t kLargeWindow = 256 << 10;

}  // namespace

RecordReader::RecordReader(std::shared_ptr<File> file, std::string path)
    : file_(std::move(file)), path_(std::move(path)), step_(kSmallWindow) {}

Status RecordReader::Read(uint64_t position, Event* event) {
  if (position < begin_ || position + kRecordPrefixBytes > begin_ + size_) {
    const bool near = position >= begin_ && position - begin_ < size_ + step_;
    step_ = near ? std::min(step_ * 4, kLargeWindow) : kSmallWindow;
    AIFLOW_RETURN_IF_ERROR(Fill(position, step_));
  }
  const auto at = [&] {
    return std::string_view(window_).substr(position - begin_, begin_ + size_ - position);
  };
  const size_t size = RecordSizeAt(at());
  if (size > at().size()) AIFLOW_RETURN_IF_ERROR(Fill(position, std::max(size, step_)));
  if (size == 0 || !DecodeRecord(at(), event)) {
    return {Code::kDataLoss, path_ + " at byte " + std::to_string(position) +
                                 ": the record is damaged; restore the log from a backup"};
  }
  return Status::Ok();
}

Status RecordReader::Fill(uint64_t position, size_t size) {
  if (window_.size() < size) window_.resize(size);
  begin_ = position;
  size_ = 0;
  const auto read = file_->ReadAt(position, window_.data(), size);
  if (!read) return read.error();
  size_ = *read;
  return Status::Ok();
}

}  // namespace aiflow
