#include "cli/credentials.h"

#include <yaml-cpp/yaml.h>

#include "base/secret_file.h"

namespace aiflow::cli {
namespace {

/// Without yaml-cpp's reason, which may quote the line.
Status NotYaml(const std::string& file) {
  return {Code::kInvalidArgument, file + " is no YAML map of settings"};
}

/// The one place where yaml-cpp may throw.
Result<client::CredentialSettings> SettingsOfYaml(const std::filesystem::path& file) {
  client::CredentialSettings settings;
  std::error_code none;
  if (!std::filesystem::exists(file, none)) return settings;
  try {
    const YAML::Node node = YAML::LoadFile(file.string());
    if (!node.IsMap()) return settings;
    const auto take = [&node](const char* name, std::string* value) {
      if (node[name] && node[name].IsScalar()) *value = node[name].as<std::string>();
    };
    take("token", &settings.token);
    take("token_file", &settings.token_file);
    take("tls", &settings.tls);
    take("tls_ca_file", &settings.tls_ca_file);
    take("tls_certificate_file", &settings.tls_certificate_file);
    take("tls_key_file", &settings.tls_key_file);
  } catch (const YAML::Exception&) {
    return Error(NotYaml(file.string()));
  }
  if (settings.token.empty()) return settings;
  // The file is a secret then.
  if (const auto secret = ReadSecretFile(file); !secret) return Error(secret.error());
  return settings;
}

}  // namespace

Result<client::Credentials> FindCredentials(const AddressOptions& options,
                                            const Environment& environment,
                                            const std::string& address) {
  client::CredentialSettings settings =
      client::Merge({.token_file = options.token_file, .tls_ca_file = options.tls_ca},
                    client::SettingsOfTask(address, environment));
  settings = client::Merge(std::move(settings), client::SettingsOfEnvironment(environment));
  const auto yaml = SettingsOfYaml(HomeDirectory(options.home, environment) / "aiflow_client.yaml");
  if (!yaml) return Error(yaml.error());
  return client::ReadCredentials(client::Merge(std::move(settings), *yaml));
}

}  // namespace aiflow::cli
