#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

/// Checks of settings that several programs have under one name. kInvalidArgument names the key and
/// says what it must be.
namespace aiflow::server {

Status CheckBool(std::string_view key, const std::string& value);
/// debug, info, warning or error.
Status CheckLogLevel(const std::string& value);
/// log_format and log_max_size.
Status CheckLogFile(const std::string& format, const std::string& max_size);
/// history_retention, retention_interval and idempotence_window.
Status CheckRetention(const std::string& history, const std::string& interval,
                      const std::string& idempotence);
Status CheckDiskReserve(const std::string& value);

/// Of a value that CheckDiskReserve has passed; nothing: auto.
std::optional<uint64_t> DiskReserveOf(const std::string& value);
/// Of a log_max_size that CheckLogFile has passed.
uint64_t LogSizeOf(const std::string& value);

}  // namespace aiflow::server
