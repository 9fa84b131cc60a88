#pragma once

#include "base/status.h"
#include "cli/address.h"
#include "client/credentials.h"

namespace aiflow::cli {

/// How to be let in: the options, else the environment (client::SettingsOfEnvironment), else
/// aiflow_client.yaml in the home: `token`, `token_file`, `tls`, `tls_ca_file`,
/// `tls_certificate_file`, `tls_key_file`. Each setting is from the first place that names it.
/// In a task the environment says more about its notification server (client::SettingsOfTask), if
/// that is the one at `address`. Errors name the file, never a secret.
Result<client::Credentials> FindCredentials(const AddressOptions& options,
                                            const Environment& environment,
                                            const std::string& address);

}  // namespace aiflow::cli
