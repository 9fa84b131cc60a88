#pragma once

#include <string>

#include "base/status.h"
#include "storage/consumer_table.h"
#include "storage/io/file_system.h"

namespace aiflow {

/// The file of a log's consumers and owner: small, and replaced as a whole
/// (docs/formats/event-log.md).
inline constexpr const char* kConsumerFileName = "consumers";

/// Durable on return; after an error the old file or the new one is there.
Status WriteConsumers(FileSystem& files, const std::string& directory, const std::string& log_id,
                      const ConsumerTable& consumers);
/// kDataLoss when the file is damaged, kFailedPrecondition for another log's or a newer version's.
Result<ConsumerTable> ReadConsumers(FileSystem& files, const std::string& directory,
                                    const std::string& log_id);

}  // namespace aiflow
