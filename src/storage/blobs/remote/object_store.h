#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "storage/blobs/remote/retry.h"
#include "storage/blobs/remote/stop_flag.h"

namespace aiflow::remote {

struct ObjectInfo {
  std::string name;
  int64_t size = 0;
  Millis age{0};  // since it was written or touched, by the store's own clock
};

/// Named bytes in another machine. Names are relative, of unreserved characters and slashes. What
/// the network or the server make fail is tried again within limits; messages say what, where, why
/// and what to do, and hold no secret. Thread-safe.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Readers see all of it or nothing, and what was there before until then. The object is young
  /// afterwards, also when the same bytes were there already.
  virtual Status Put(const std::string& name, std::string_view bytes) = 0;
  /// kNotFound without a message when there is no such object.
  virtual Result<std::string> Get(const std::string& name, size_t max_bytes) = 0;
  virtual Result<std::optional<ObjectInfo>> Look(const std::string& name) = 0;
  /// Fine when it is not there.
  virtual Status Remove(const std::string& name) = 0;
  /// Everything, page by page. Ends early once `each` returns an error, with that.
  virtual Status List(const std::function<Status(const ObjectInfo&)>& each) = 0;

  /// For people: what kind, where, which part of it.
  [[nodiscard]] virtual std::string where() const = 0;
  [[nodiscard]] virtual const RemoteCounters& counters() const = 0;
};

}  // namespace aiflow::remote
