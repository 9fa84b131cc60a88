#include "storage/blobs/remote/remote_blob_store.h"

#include <utility>
#include <vector>

#include "model/limits.h"

namespace aiflow::remote {
namespace {

constexpr size_t kMaxOwnerBytes = 4'096;

/// A blob is a bundle at most; what a script sends for others to show is smaller.
constexpr size_t kMaxBlobBytes = limits::kMaxBundleBytes;

std::string NameOf(const std::string& digest) { return digest.substr(0, 2) + "/" + digest; }

/// The part behind the last slash.
std::string LastPart(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

}  // namespace

RemoteBlobStore::RemoteBlobStore(std::unique_ptr<ObjectStore> objects, std::string owner)
    : objects_(std::move(objects)), owner_(std::move(owner)) {}

void RemoteBlobStore::Note(const Status& status) const {
  const std::lock_guard lock(mutex_);
  if (status.code() == Code::kCancelled) return;
  const bool answered =
      status.ok() || status.code() == Code::kNotFound || status.code() == Code::kDataLoss;
  away_ = answered ? std::string() : status.message();
}

std::string RemoteBlobStore::AwayReason() const {
  const std::lock_guard lock(mutex_);
  return away_;
}

Result<std::string> RemoteBlobStore::Owner() const {
  Result<std::string> owner = objects_->Get(kOwnerObject, kMaxOwnerBytes);
  Note(owner.has_value() ? Status::Ok() : owner.error());
  if (!owner.has_value()) return owner;
  while (!owner->empty() && (owner->back() == '\n' || owner->back() == '\r')) owner->pop_back();
  return owner;
}

Status RemoteBlobStore::Claim() {
  if (claimed_) return Status::Ok();
  Result<std::string> owner = Owner();
  if (!owner.has_value() && owner.error().code() == Code::kNotFound) {
    // Of two at the same time the last one wins, and both read the same afterwards.
    AIFLOW_RETURN_IF_ERROR(objects_->Put(kOwnerObject, owner_ + "\n"));
    owner = Owner();
  }
  if (!owner.has_value()) return owner.error();
  if (*owner != owner_) {
    return {Code::kFailedPrecondition, "blob store " + objects_->where() +
                                           " belongs to another home, " + *owner +
                                           " (this one is " + owner_ +
                                           "): give each home its own blob_store_prefix; if that "
                                           "home is gone, remove the object " +
                                           kOwnerObject};
  }
  claimed_ = true;
  return Status::Ok();
}

Result<std::string> RemoteBlobStore::Put(std::string_view bytes) {
  if (bytes.size() > kMaxBlobBytes) {
    return Error(Code::kInvalidArgument, "a blob of " + std::to_string(bytes.size()) +
                                             " bytes is larger than " +
                                             std::to_string(kMaxBlobBytes));
  }
  std::string digest = Sha256Hex(bytes);
  Status status = Claim();
  if (status.ok()) {
    {
      std::unique_lock lock(mutex_);
      removed_.wait(lock, [&] { return !removing_.contains(digest); });
      put_[digest] = SystemClock().Monotonic();
    }
    status = objects_->Put(NameOf(digest), bytes);
    const std::lock_guard lock(mutex_);
    put_[digest] = SystemClock().Monotonic();
  }
  Note(status);
  if (!status.ok()) return Error(std::move(status));
  return digest;
}

Result<std::string> RemoteBlobStore::Get(const std::string& digest) const {
  if (!IsBlobDigest(digest)) return Error(Code::kNotFound, "'" + digest + "' is no blob digest");
  for (int read = 1;; ++read) {
    Result<std::string> bytes = objects_->Get(NameOf(digest), kMaxBlobBytes);
    Note(bytes.has_value() ? Status::Ok() : bytes.error());
    if (!bytes.has_value()) {
      if (bytes.error().code() != Code::kNotFound) return bytes;
      return Error(Code::kNotFound,
                   "blob " + digest + " does not exist in blob store " + objects_->where());
    }
    if (Sha256Hex(*bytes) == digest) return bytes;
    if (read == 2) break;
  }
  return Error(Code::kDataLoss, "blob " + digest + " is damaged: the object " + NameOf(digest) +
                                    " of blob store " + objects_->where() +
                                    " has other bytes; restore it or upload again");
}

Result<bool> RemoteBlobStore::Has(const std::string& digest) const {
  if (!IsBlobDigest(digest)) return false;
  const auto found = objects_->Look(NameOf(digest));
  Note(found.has_value() ? Status::Ok() : found.error());
  if (!found.has_value()) return Error(found.error());
  return found->has_value();
}

Result<bool> RemoteBlobStore::RemoveOld(const std::string& digest, Millis grace) {
  {
    const std::lock_guard lock(mutex_);
    const auto put = put_.find(digest);
    if (put != put_.end() && SystemClock().Monotonic() - put->second < grace) return false;
    removing_.insert(digest);
  }
  Status removed = objects_->Remove(NameOf(digest));
  {
    const std::lock_guard lock(mutex_);
    removing_.erase(digest);
  }
  removed_.notify_all();
  if (!removed.ok()) return Error(std::move(removed));
  return true;
}

Result<int64_t> RemoteBlobStore::Sweep(const std::set<std::string>& named, Millis before) {
  if (Status status = Claim(); !status.ok()) return Error(std::move(status));
  const Millis grace = SystemClock().Now() - before;
  std::vector<std::string> blobs;
  std::vector<std::string> leavings;
  Status status = objects_->List([&](const ObjectInfo& object) {
    if (object.age <= grace) return Status::Ok();
    const std::string last = LastPart(object.name);
    if (last.starts_with(".new-")) leavings.push_back(object.name);
    // What is not exactly where a blob of ours would be is not ours.
    if (IsBlobDigest(last) && object.name == NameOf(last) && !named.contains(last)) {
      blobs.push_back(last);
    }
    return Status::Ok();
  });
  Note(status);
  if (!status.ok()) return Error(std::move(status));
  int64_t count = 0;
  for (const std::string& digest : blobs) {
    const Result<bool> removed = RemoveOld(digest, grace);
    if (!removed.has_value()) return Error(removed.error());
    if (*removed) ++count;
  }
  for (const std::string& name : leavings) {
    if (Status removed = objects_->Remove(name); !removed.ok()) return Error(std::move(removed));
    ++count;
  }
  const std::lock_guard lock(mutex_);
  const auto now = SystemClock().Monotonic();
  std::erase_if(put_, [&](const auto& put) { return now - put.second >= grace; });
  return count;
}

}  // namespace aiflow::remote
