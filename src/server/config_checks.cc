#include "server/config_checks.h"

#include <algorithm>
#include <array>

#include "server/byte_size.h"
#include "server/config_table.h"

namespace aiflow::server {
namespace {

constexpr uint64_t kLeastLogSize = 64U << 10;

}  // namespace

Status CheckBool(std::string_view key, const std::string& value) {
  if (value == "true" || value == "false") return Status::Ok();
  return WrongKey(key, "must be true or false: " + value);
}

Status CheckLogLevel(const std::string& value) {
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), value) != kLevels.end()) return Status::Ok();
  return WrongKey("log_level", "must be debug, info, warning or error: " + value);
}

Status CheckLogFile(const std::string& format, const std::string& max_size) {
  if (format != "text" && format != "json") {
    return WrongKey("log_format", "must be text or json: " + format);
  }
  const std::optional<uint64_t> size = ParseByteSize(max_size);
  if (size.has_value() && *size >= kLeastLogSize) return Status::Ok();
  return WrongKey("log_max_size",
                  "must be a whole number and k, m or g, and at least 64k: " + max_size);
}

Status CheckRetention(const std::string& history, const std::string& interval,
                      const std::string& idempotence) {
  AIFLOW_RETURN_IF_ERROR(CheckDuration("retention_interval", interval, "1s", "7d"));
  if (history != "0") {
    AIFLOW_RETURN_IF_ERROR(CheckDuration("history_retention", history, "1s", "36500d"));
  }
  return CheckDuration("idempotence_window", idempotence, "1s", "3650d");
}

Status CheckDiskReserve(const std::string& value) {
  if (value == "auto" || ParseByteSize(value).has_value()) return Status::Ok();
  return WrongKey("disk_reserve",
                  "must be auto, or a whole number and k, m or g, as in 512m: " + value);
}

std::optional<uint64_t> DiskReserveOf(const std::string& value) { return ParseByteSize(value); }
uint64_t LogSizeOf(const std::string& value) {
  return ParseByteSize(value).value_or(kLeastLogSize);
}

}  // namespace aiflow::server
