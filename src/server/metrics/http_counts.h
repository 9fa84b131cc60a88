#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace aiflow::server {

/// The requests that an HTTP port has answered, by method, template of the path and status: their
/// number is bounded by what the server knows. Thread-safe.
class HttpCounts {
 public:
  struct Key {
    std::string method;
    std::string route;
    int status = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void Add(const std::string& method, const std::string& route, int status) {
    const std::lock_guard lock(mutex_);
    ++counts_[Key{method, route, status}];
  }

  /// In the order of the keys.
  [[nodiscard]] std::map<Key, int64_t> Read() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_. The page itself is there from the beginning, so that the name is.
  std::map<Key, int64_t> counts_ = {{{"GET", "/metrics", 200}, 0}};
};

}  // namespace aiflow::server
