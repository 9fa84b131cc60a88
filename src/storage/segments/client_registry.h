#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "storage/io/file_system.h"
#include "storage/segments/frame_file.h"

namespace aiflow {

/// The registered clients of a log, in a file of their own; one bit each in memory. Ids begin at 1
/// and are never reused. Not thread-safe: the log guards it.
class ClientRegistry {
 public:
  static constexpr const char* kFileName = "clients";

  /// Opens the registry in the directory, made with `salt` when there is none.
  static Result<std::unique_ptr<ClientRegistry>> Open(FileSystem& files,
                                                      const std::string& directory,
                                                      const std::string& log_id, bool exists,
                                                      uint64_t salt);

  /// Writes the registration of the next id, durably; it exists for readers after Publish.
  Status WriteRegistration(Millis now, const std::string& ns, const std::string& sender);
  int64_t PublishRegistration();
  Status WriteDeletion(Millis now, int64_t id);
  void PublishDeletion(int64_t id);

  bool Exists(int64_t id) const;

 private:
  ClientRegistry() = default;
  Status Apply(uint64_t position, std::string_view payload);

  std::unique_ptr<FrameFile> frames_;
  std::vector<bool> alive_{false};  // by id; 0 is nobody
};

}  // namespace aiflow
