#include "storage/blobs/remote/prompt_blob_store.h"

#include <utility>

namespace aiflow::remote {
namespace {

constexpr size_t kThreads = 2;
/// Results that wait to be taken: each may be as large as a bundle.
constexpr size_t kMaxResults = 4;

}  // namespace

PromptBlobStore::PromptBlobStore(CachedBlobStore& store, std::chrono::milliseconds patience)
    : store_(store), patience_(patience) {
  for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Run(); });
}

PromptBlobStore::~PromptBlobStore() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PromptBlobStore::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    const std::string digest = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    Result<std::string> result = store_.Get(digest);
    lock.lock();
    fetches_[digest].result.emplace(std::move(result));
    done_.push_back(digest);
    if (done_.size() > kMaxResults) {
      // Whoever wanted it has gone, or finds the copy.
      fetches_.erase(done_.front());
      done_.pop_front();
    }
    answered_.notify_all();
  }
}

Result<std::string> PromptBlobStore::Get(const std::string& digest) const {
  if (auto copy = store_.GetCopy(digest); copy.has_value()) return copy;
  if (!IsBlobDigest(digest)) return Error(Code::kNotFound, "'" + digest + "' is no blob digest");
  std::unique_lock lock(mutex_);
  if (!fetches_.contains(digest)) {
    fetches_[digest];
    queue_.push_back(digest);
    wanted_.notify_one();
  }
  const auto answered = [&] {
    const auto found = fetches_.find(digest);
    return found == fetches_.end() || found->second.result.has_value();
  };
  if (patient_) {
    answered_.wait(lock, answered);
  } else if (!fetches_[digest].waited) {
    fetches_[digest].waited = true;
    answered_.wait_for(lock, patience_, answered);
  }
  const auto found = fetches_.find(digest);
  if (found == fetches_.end() || !found->second.result.has_value()) {
    return Error(Code::kDeadlineExceeded,
                 "blob " + digest + " is being fetched from the blob store");
  }
  Result<std::string> result = *std::move(found->second.result);
  fetches_.erase(found);
  std::erase(done_, digest);
  if (result.has_value()) return result;
  const Code code = result.error().code();
  if (code == Code::kNotFound || code == Code::kDataLoss) return result;
  return Error(Code::kDeadlineExceeded, result.error().message());
}

}  // namespace aiflow::remote
