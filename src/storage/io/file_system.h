#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace aiflow {

/// One open file. Reads are thread-safe, also beside one writer; writes, Sync, Reserve and Truncate
/// belong to one thread. What was written is readable at once and durable after Sync.
class File {
 public:
  virtual ~File() = default;

  /// Reads up to `size` bytes at `position`; fewer only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t position, char* buffer, size_t size) const = 0;
  /// Writes everything. After an error any part may have been written.
  virtual Status WriteAt(uint64_t position, std::string_view bytes) = 0;
  /// Makes contents and size durable. After an error the writes since the last good Sync may be
  /// lost for ever, even if a later Sync succeeds: they must be written again.
  virtual Status Sync() = 0;
  /// Grows the file to at least `size`, with zeros, and takes the space now where the system can.
  virtual Status Reserve(uint64_t size) = 0;
  virtual Status Truncate(uint64_t size) = 0;
  virtual Result<uint64_t> Size() const = 0;
};

/// An exclusive lock, held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// The seam between a log and the disk. Thread-safe. Errors name the path and the reason:
/// kResourceExhausted when space is missing, kNotFound when the file is, kPermissionDenied, else
/// kUnavailable.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Makes the directory and its parents durably; fine when it exists.
  virtual Status MakeDirectories(const std::string& path) = 0;
  /// Names of the files in a directory, sorted.
  virtual Result<std::vector<std::string>> List(const std::string& directory) const = 0;
  /// Opens for reading and writing. The file must exist.
  virtual Result<std::unique_ptr<File>> Open(const std::string& path) = 0;
  /// Makes an empty file, replacing what was there, and opens it for reading and writing.
  virtual Result<std::unique_ptr<File>> Create(const std::string& path) = 0;
  /// Atomic; replaces `to`. Durable after SyncDirectory.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  /// Makes the names in a directory durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  /// Takes an exclusive lock between processes on `path`, made when missing. kFailedPrecondition,
  /// naming the holder's pid if known, when another holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

/// The machine's disk. Never destroyed.
FileSystem& PosixFileSystem();

/// Reads a whole file.
Result<std::string> ReadFile(FileSystem& files, const std::string& path);
/// Replaces a file atomically: temporary file, sync, rename, sync of the directory.
Status ReplaceFile(FileSystem& files, const std::string& directory, const std::string& name,
                   std::string_view contents);

}  // namespace aiflow
