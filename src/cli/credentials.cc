#include "cli/credentials.h"

#include "base/secret_file.h"
#include "cli/client_yaml.h"

namespace aiflow::cli {

Result<client::Credentials> FindCredentials(const AddressOptions& options,
                                            const Environment& environment,
                                            const std::string& address) {
  client::CredentialSettings settings =
      client::Merge({.token_file = options.token_file, .tls_ca_file = options.tls_ca},
                    client::SettingsOfTask(address, environment));
  settings = client::Merge(std::move(settings), client::SettingsOfEnvironment(environment));
  const std::filesystem::path home = HomeDirectory(options.home, environment);
  const auto yaml = ReadClientYaml(home);
  if (!yaml) return Error(yaml.error());
  if (!yaml->credentials.token.empty()) {  // the file is a secret then
    const auto secret = ReadSecretFile(home / "aiflow_client.yaml");
    if (!secret) return Error(secret.error());
  }
  return client::ReadCredentials(client::Merge(std::move(settings), yaml->credentials));
}

}  // namespace aiflow::cli
