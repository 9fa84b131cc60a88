#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/event.h"
#include "storage/io/file_system.h"

namespace aiflow {

/// Reads records of one file through a window that grows while reads are near one another. One
/// thread.
class RecordReader {
 public:
  RecordReader(std::shared_ptr<File> file, std::string path);

  /// Reads and checks the record at `position`. kDataLoss names file and position.
  Status Read(uint64_t position, Event* event);

 private:
  Status Fill(uint64_t position, size_t size);

  const std::shared_ptr<File> file_;
  const std::string path_;
  std::string window_;
  uint64_t begin_ = 0;  // of the window in the file
  size_t size_ = 0;     // of what the window holds
  size_t step_;
};

}  // namespace aiflow
