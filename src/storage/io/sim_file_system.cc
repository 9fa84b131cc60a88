#include "storage/io/sim_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace aiflow {
namespace {

constexpr uint64_t kSector = 512;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

/// A write (`bytes` at `position`) or, with `resize`, a new size in `position`.
struct SimFileSystem::Change {
  bool resize = false;
  uint64_t position = 0;
  std::string bytes;
};

struct SimFileSystem::Inode {
  std::string cached;   // what readers see
  std::string durable;  // what is on the disk for certain
  std::vector<Change> pending;
};

/// Makes `path` name `inode`, or nothing when it is null; `also_remove` goes in the same step.
struct SimFileSystem::NameChange {
  std::string path;
  std::shared_ptr<Inode> inode;
  std::string also_remove;
};

class SimFileSystem::SimFile final : public File {
 public:
  SimFile(SimFileSystem& disk, std::string path, std::shared_ptr<Inode> inode, int64_t generation)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)), generation_(generation) {}

  Result<size_t> ReadAt(uint64_t position, char* buffer, size_t size) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (Status status = disk_.Alive(generation_); !status.ok()) return Error(status);
    if (position >= inode_->cached.size()) return size_t{0};
    const size_t n = std::min<size_t>(size, inode_->cached.size() - position);
    std::memcpy(buffer, inode_->cached.data() + position, n);
    return n;
  }

  Status WriteAt(uint64_t position, std::string_view bytes) override {
    return Do([&](const Status& fault) {
      Status status = fault;
      const uint64_t grown = std::max<uint64_t>(inode_->cached.size(), position + bytes.size());
      const uint64_t used = disk_.UsedLocked() - inode_->cached.size();
      size_t size = bytes.size();
      if (used + grown > disk_.capacity_) {
        const uint64_t room = disk_.capacity_ > used ? disk_.capacity_ - used : 0;
        size = room > position ? std::min<uint64_t>(room - position, size) : 0;
        status = NoSpace();
      }
      if (!fault.ok()) size = disk_.random_() % (size + 1);
      if (size > 0) Record({false, position, std::string(bytes.substr(0, size))});
      return status;
    });
  }

  Status Sync() override {
    return Do([&](const Status& fault) {
      for (const Change& change : inode_->pending) {
        if (fault.ok() || disk_.Coin()) Apply(change, inode_->durable);
      }
      inode_->pending.clear();
      return fault;
    });
  }

  Status Reserve(uint64_t size) override {
    return Do([&](const Status& fault) -> Status {
      if (!fault.ok() || size <= inode_->cached.size()) return fault;
      if (disk_.UsedLocked() - inode_->cached.size() + size > disk_.capacity_) return NoSpace();
      Record({true, size, {}});
      return Status::Ok();
    });
  }

  Status Truncate(uint64_t size) override {
    return Do([&](const Status& fault) {
      if (fault.ok()) Record({true, size, {}});
      return fault;
    });
  }

  Result<uint64_t> Size() const override {
    const std::lock_guard lock(disk_.mutex_);
    if (Status status = disk_.Alive(generation_); !status.ok()) return Error(status);
    return inode_->cached.size();
  }

 private:
  template <typename Body>
  Status Do(Body body) {
    const std::lock_guard lock(disk_.mutex_);
    AIFLOW_RETURN_IF_ERROR(disk_.Alive(generation_));
    return body(disk_.Count());
  }
  Status NoSpace() const { return {Code::kResourceExhausted, path_ + ": write: no space left"}; }
  void Record(Change change) {
    Apply(change, inode_->cached);
    inode_->pending.push_back(std::move(change));
  }

  SimFileSystem& disk_;
  const std::string path_;
  const std::shared_ptr<Inode> inode_;
  const int64_t generation_;
};

class SimFileSystem::SimLock final : public FileLock {
 public:
  SimLock(SimFileSystem& disk, std::string path, int64_t generation)
      : disk_(disk), path_(std::move(path)), generation_(generation) {}
  ~SimLock() override {
    const std::lock_guard lock(disk_.mutex_);
    const auto it = disk_.locks_.find(path_);
    if (it != disk_.locks_.end() && it->second == generation_) disk_.locks_.erase(it);
  }
  SimLock(const SimLock&) = delete;
  SimLock& operator=(const SimLock&) = delete;

 private:
  SimFileSystem& disk_;
  const std::string path_;
  const int64_t generation_;
};

SimFileSystem::SimFileSystem(uint64_t seed) : random_(seed) {}
SimFileSystem::~SimFileSystem() = default;

int64_t SimFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

void SimFileSystem::CrashAt(int64_t operation) {
  const std::lock_guard lock(mutex_);
  crash_at_ = operation;
}

void SimFileSystem::FailAt(int64_t operation, Status status) {
  const std::lock_guard lock(mutex_);
  failures_[operation] = std::move(status);
}

void SimFileSystem::SetCapacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

uint64_t SimFileSystem::used() const {
  const std::lock_guard lock(mutex_);
  return UsedLocked();
}

void SimFileSystem::Crash() {
  const std::lock_guard lock(mutex_);
  const size_t kept = pending_names_.empty() ? 0 : random_() % (pending_names_.size() + 1);
  for (size_t i = 0; i < kept; ++i) Apply(pending_names_[i], durable_names_);
  pending_names_.clear();
  names_ = durable_names_;
  for (const auto& [name, inode] : names_) SettleAfterCrash(*inode);
  locks_.clear();
  failures_.clear();
  crash_at_ = std::numeric_limits<int64_t>::max();
  ++generation_;
}

void SimFileSystem::KillProcess() {
  const std::lock_guard lock(mutex_);
  locks_.clear();
  failures_.clear();
  crash_at_ = std::numeric_limits<int64_t>::max();
  ++generation_;
}

/// Sizes change in order, as in a journal; sectors of writes arrive or not, each for itself.
void SimFileSystem::SettleAfterCrash(Inode& inode) {
  enum { kNothing, kEverything, kMixture };
  const uint64_t mode = random_() % 3;
  bool resizes = mode != kNothing;
  for (const Change& change : inode.pending) {
    if (change.resize) {
      if (mode == kMixture && resizes) resizes = Coin();
      if (resizes) Apply(change, inode.durable);
      continue;
    }
    for (uint64_t at = 0; at < change.bytes.size();) {
      const uint64_t position = change.position + at;
      const uint64_t size =
          std::min<uint64_t>(kSector - position % kSector, change.bytes.size() - at);
      if (mode == kEverything || (mode == kMixture && Coin())) {
        Apply({false, position, change.bytes.substr(at, size)}, inode.durable);
      }
      at += size;
    }
  }
  inode.pending.clear();
  inode.cached = inode.durable;
}

void SimFileSystem::Corrupt(const std::string& path, uint64_t position) {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  CHECK(it != names_.end() && position < it->second->cached.size()) << path;
  it->second->cached[position] = static_cast<char>(it->second->cached[position] ^ 0x5a);
  it->second->durable = it->second->cached;
}

std::string SimFileSystem::Contents(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  return it == names_.end() ? std::string() : it->second->cached;
}

Status SimFileSystem::MakeDirectories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (directories_.contains(path)) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(Count());
  directories_.insert(path);
  return Status::Ok();
}

Result<std::vector<std::string>> SimFileSystem::List(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  if (Status status = Alive(generation_); !status.ok()) return Error(status);
  std::vector<std::string> names;
  for (const auto& [path, inode] : names_) {
    if (DirectoryOf(path) == directory) names.push_back(path.substr(directory.size() + 1));
  }
  return names;
}

Result<std::unique_ptr<File>> SimFileSystem::Open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = Alive(generation_); !status.ok()) return Error(status);
  const auto it = names_.find(path);
  if (it == names_.end()) return Error(Code::kNotFound, path + ": open: no such file");
  return std::make_unique<SimFile>(*this, path, it->second, generation_);
}

Result<std::unique_ptr<File>> SimFileSystem::Create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = Alive(generation_); !status.ok()) return Error(status);
  if (Status status = Count(); !status.ok()) return Error(status);
  auto inode = std::make_shared<Inode>();
  ChangeName({path, inode, {}});
  return std::make_unique<SimFile>(*this, path, std::move(inode), generation_);
}

Status SimFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  AIFLOW_RETURN_IF_ERROR(Count());
  const auto it = names_.find(from);
  if (it == names_.end()) return {Code::kNotFound, from + ": rename: no such file"};
  ChangeName({to, it->second, from});
  return Status::Ok();
}

Status SimFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  AIFLOW_RETURN_IF_ERROR(Count());
  if (!names_.contains(path)) return {Code::kNotFound, path + ": remove: no such file"};
  ChangeName({path, nullptr, {}});
  return Status::Ok();
}

Status SimFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  AIFLOW_RETURN_IF_ERROR(Count());
  std::vector<NameChange> rest;
  for (NameChange& change : pending_names_) {
    if (DirectoryOf(change.path) == path) {
      Apply(change, durable_names_);
    } else {
      rest.push_back(std::move(change));
    }
  }
  pending_names_ = std::move(rest);
  return Status::Ok();
}

Result<std::unique_ptr<FileLock>> SimFileSystem::Lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = Alive(generation_); !status.ok()) return Error(status);
  if (!locks_.emplace(path, generation_).second) {
    return Error(Code::kFailedPrecondition, path + " is locked by another process");
  }
  return std::make_unique<SimLock>(*this, path, generation_);
}

Status SimFileSystem::Alive(int64_t generation) const {
  if (generation != generation_) return {Code::kUnavailable, "file of a dead process"};
  if (operations_ >= crash_at_) return {Code::kUnavailable, "the machine has stopped"};
  return Status::Ok();
}

Status SimFileSystem::Count() {
  AIFLOW_RETURN_IF_ERROR(Alive(generation_));
  ++operations_;
  if (operations_ >= crash_at_) return {Code::kUnavailable, "the machine stopped here"};
  const auto it = failures_.find(operations_);
  return it == failures_.end() ? Status::Ok() : it->second;
}

uint64_t SimFileSystem::UsedLocked() const {
  uint64_t used = 0;
  for (const auto& [name, inode] : names_) used += inode->cached.size();
  return used;
}

void SimFileSystem::Apply(const Change& change, std::string& contents) {
  if (change.resize) {
    contents.resize(change.position, '\0');
    return;
  }
  const size_t end = change.position + change.bytes.size();
  if (contents.size() < end) contents.resize(end, '\0');
  contents.replace(change.position, change.bytes.size(), change.bytes);
}

void SimFileSystem::Apply(const NameChange& change, Names& names) {
  if (!change.also_remove.empty()) names.erase(change.also_remove);
  if (change.inode == nullptr) {
    names.erase(change.path);
  } else {
    names[change.path] = change.inode;
  }
}

void SimFileSystem::ChangeName(NameChange change) {
  Apply(change, names_);
  pending_names_.push_back(std::move(change));
}

}  // namespace aiflow
