#pragma once

#include <map>
#include <memory>
#include <string>

#include "api/grpc/remote_event_log.h"
#include "base/status.h"
#include "client/credentials.h"
#include "server/config.h"
#include "server/home.h"
#include "storage/store.h"

/// Whether the events of an AIFlow server are in its own process or in a notification server's.
namespace aiflow::server {

enum class LogSource {
  kEmbedded,
  kRemote,
};

/// What a remote notification server asks of this one. Errors as of client::ReadCredentials.
Result<client::Credentials> NotificationCredentials(const Config& config);
/// The variables that tell it to tasks, so that their clients get in as well; none when the
/// configuration says nothing.
std::map<std::string, std::string> NotificationVariables(const Config& config);

/// Decides by `notification_server`, and for `auto` by what lasts: a home with a log of its own is
/// embedded, metadata that belongs to another log is remote, and a fresh home is remote exactly
/// when a notification server answers at notification_server_uri. kFailedPrecondition when the
/// decision would part the metadata from its log.
Result<LogSource> ChooseLog(const Home& home, const Config& config);

/// Attaches to the log of the notification server at notification_server_uri, the one that the
/// metadata belongs to. Metadata of no log begins behind what is there now, and belongs to it from
/// then on.
Result<std::unique_ptr<api::RemoteEventLog>> OpenRemoteLog(const Config& config, Store& store);

}  // namespace aiflow::server
