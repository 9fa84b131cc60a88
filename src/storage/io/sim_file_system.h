#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/io/file_system.h"

namespace aiflow {

/// A disk in memory that can fail and crash, decided by one seed. Thread-safe.
///
/// It is as unkind as a disk may be: until Sync, any 512-byte sector of a write may be on the disk
/// or not; a name made, changed or removed is durable only after SyncDirectory; a failed Sync
/// forgets what it could not write, so that a later Sync does not bring it back.
class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(uint64_t seed);
  ~SimFileSystem() override;

  /// The number of changing operations so far: the positions for CrashAt and FailAt.
  int64_t operations() const;
  /// From the operation with this number on everything fails, as if the machine had stopped inside
  /// it. Lasts until Crash or KillProcess.
  void CrashAt(int64_t operation);
  /// That one operation fails with `status`, perhaps having had a part of its effect.
  void FailAt(int64_t operation, Status status);
  /// Bytes that all files may take together; writes beyond are kResourceExhausted.
  void SetCapacity(uint64_t bytes);
  uint64_t used() const;

  /// The machine loses power and starts again: unsynced changes survive in part or not at all.
  /// Files and locks that are open are dead.
  void Crash();
  /// The process is killed: everything written stays in the system's cache.
  void KillProcess();

  /// Changes one byte of a file on the disk.
  void Corrupt(const std::string& path, uint64_t position);
  /// The contents as a reader would see them now; empty when there is no such file.
  std::string Contents(const std::string& path) const;

  Status MakeDirectories(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) const override;
  Result<std::unique_ptr<File>> Open(const std::string& path) override;
  Result<std::unique_ptr<File>> Create(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  struct Change;
  struct Inode;
  struct NameChange;
  class SimFile;
  class SimLock;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  /// Counts one operation. Not OK when it is to fail.
  Status Count();
  /// The reason why nothing works, if so.
  Status Alive(int64_t generation) const;
  uint64_t UsedLocked() const;
  bool Coin() { return (random_() & 1) != 0; }
  void SettleAfterCrash(Inode& inode);
  static void Apply(const Change& change, std::string& contents);
  static void Apply(const NameChange& change, Names& names);
  void ChangeName(NameChange change);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  int64_t operations_ = 0;
  int64_t crash_at_ = std::numeric_limits<int64_t>::max();
  std::map<int64_t, Status> failures_;
  uint64_t capacity_ = std::numeric_limits<uint64_t>::max();
  int64_t generation_ = 0;  // of the process; older files and locks are dead
  std::set<std::string> directories_;
  std::map<std::string, int64_t> locks_;  // path -> generation of the holder
  Names names_;
  Names durable_names_;
  std::vector<NameChange> pending_names_;
};

}  // namespace aiflow
