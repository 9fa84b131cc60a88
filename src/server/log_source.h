#pragma once

#include <memory>
#include <string>

#include "api/grpc/remote_event_log.h"
#include "base/status.h"
#include "server/config.h"
#include "server/home.h"
#include "storage/store.h"

/// Whether the events of an AIFlow server are in its own process or in a notification server's.
namespace aiflow::server {

enum class LogSource {
  kEmbedded,
  kRemote,
};

/// Decides by `notification_server`, and for `auto` by what lasts: a home with a log of its own is
/// embedded, metadata that belongs to another log is remote, and a fresh home is remote exactly
/// when a notification server answers at notification_server_uri. kFailedPrecondition when the
/// decision would part the metadata from its log.
Result<LogSource> ChooseLog(const Home& home, const Config& config);

/// Attaches to the log of the notification server at `address`, the one that the metadata belongs
/// to. Metadata of no log begins behind what is there now, and belongs to it from then on.
Result<std::unique_ptr<api::RemoteEventLog>> OpenRemoteLog(const std::string& address,
                                                           Store& store);

}  // namespace aiflow::server
