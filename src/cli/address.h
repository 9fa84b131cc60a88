#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/status.h"

namespace aiflow::cli {

/// The value of an environment variable; absent and empty are the same.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// What was given on the command line; empty where nothing was.
struct AddressOptions {
  std::string server;
  std::string notification_server;
  std::string home;
  std::string token_file;
  std::string tls_ca;
};

/// The home: `given`, else $AIFLOW_HOME, else ~/aiflow.
std::filesystem::path HomeDirectory(const std::string& given, const Environment& environment);

/// host:port, or unix:/path, of the AIFlow server: --server, else (unless a home was given)
/// $AIFLOW_SERVER or, in a task, $AIFLOW_SERVER_URI, else what the server of the home wrote down
/// (server.json), else `server_address` of aiflow_client.yaml in the home, else 127.0.0.1:50051.
/// kInvalidArgument with the file's name when one of the files cannot be read.
Result<std::string> ServerAddress(const AddressOptions& options, const Environment& environment);

/// host:port of the notification server: --notification-server, else (unless a home was given)
/// $AIFLOW_NOTIFICATION_SERVER or, in a task, $AIFLOW_NOTIFICATION_URI, else server.json of the
/// home. Empty when the AIFlow server that was named has to be asked.
Result<std::string> NotificationAddress(const AddressOptions& options,
                                        const Environment& environment);

/// An address that the server at `server` gave as its own, as seen from here: one of its loopback
/// stands for the machine that it runs on.
std::string SeenFromHere(const std::string& server, const std::string& given);

}  // namespace aiflow::cli
