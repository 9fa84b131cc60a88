#include "api/grpc/call_counts.h"

#include <algorithm>

namespace aiflow::api {
namespace {

constexpr std::array<std::string_view, MethodCounts::kCodes> kNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};
constexpr size_t kUnknown = 2;

}  // namespace

std::string_view CallCodeName(size_t code) { return kNames.at(code); }

void MethodCounts::Ended(int code) {
  const auto index = static_cast<size_t>(code);
  ended.at(code >= 0 && index < kCodes ? index : kUnknown).fetch_add(1, std::memory_order_relaxed);
}

int64_t MethodCounts::total() const {
  int64_t total = 0;
  for (const auto& count : ended) total += count.load(std::memory_order_relaxed);
  return total;
}

MethodCounts& CallCounts::Of(std::string_view path, bool streams) {
  const std::lock_guard lock(mutex_);
  const auto found = methods_.find(path);
  if (found != methods_.end()) return *found->second;
  auto counts = std::make_unique<MethodCounts>();
  const std::string_view name = path.substr(path.starts_with('/') ? 1 : 0);
  const size_t slash = std::min(name.find('/'), name.size());
  counts->service = name.substr(0, slash);
  counts->method = name.substr(std::min(slash + 1, name.size()));
  counts->streams = streams;
  return *methods_.emplace(path, std::move(counts)).first->second;
}

MethodCounts& CallCounts::OfItself(std::string_view path, bool streams) {
  MethodCounts& counts = Of(path, streams);
  const std::lock_guard lock(mutex_);
  if (std::find(own_.begin(), own_.end(), path) == own_.end()) own_.emplace_back(path);
  return counts;
}

bool CallCounts::CountsItself(std::string_view path) const {
  return std::find(own_.begin(), own_.end(), path) != own_.end();
}

std::vector<const MethodCounts*> CallCounts::Methods() const {
  const std::lock_guard lock(mutex_);
  std::vector<const MethodCounts*> methods;
  for (const auto& [path, counts] : methods_) {
    if (counts->total() > 0 || counts->open.load(std::memory_order_relaxed) > 0 ||
        std::find(own_.begin(), own_.end(), path) != own_.end()) {
      methods.push_back(counts.get());
    }
  }
  return methods;
}

}  // namespace aiflow::api
