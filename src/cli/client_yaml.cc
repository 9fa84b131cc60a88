#include "cli/client_yaml.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <string_view>

namespace aiflow::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kHome = "{AIFLOW_HOME}";
constexpr char kLocalManager[] = "ai_flow.blob_manager.impl.local_blob_manager.LocalBlobManager";

std::string TextOf(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) return {};
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

}  // namespace

Result<ClientYaml> ReadClientYaml(const fs::path& home) {
  const fs::path path = home / "aiflow_client.yaml";
  std::ifstream file(path, std::ios::binary);
  if (!file) return ClientYaml{};
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // In the text, as YAML would read the braces as a mapping.
  for (size_t at = 0; (at = text.find(kHome, at)) != std::string::npos;) {
    text.replace(at, kHome.size(), home.string());
    at += home.string().size();
  }
  ClientYaml settings;
  try {
    const YAML::Node node = YAML::Load(text);
    if (!node.IsMap()) return settings;
    settings.server_address = TextOf(node, "server_address");
    client::CredentialSettings& credentials = settings.credentials;
    credentials.token = TextOf(node, "token");
    credentials.token_file = TextOf(node, "token_file");
    credentials.tls = TextOf(node, "tls");
    credentials.tls_ca_file = TextOf(node, "tls_ca_file");
    credentials.tls_certificate_file = TextOf(node, "tls_certificate_file");
    credentials.tls_key_file = TextOf(node, "tls_key_file");
    const YAML::Node manager = node["blob_manager"];
    if (!manager || !manager.IsMap()) return settings;
    settings.own_blob_manager = TextOf(manager, "blob_manager_class");
    const YAML::Node config = manager["blob_manager_config"];
    const std::string root = config ? TextOf(config, "root_directory") : std::string();
    if (settings.own_blob_manager == kLocalManager && root == (home / "blob").string()) {
      settings.own_blob_manager.clear();
    }
  } catch (const YAML::Exception& error) {
    // Without yaml-cpp's reason, which may quote the line.
    return Error(Code::kInvalidArgument, path.string() + ", line " +
                                             std::to_string(error.mark.line + 1) +
                                             ": this is no YAML map of settings");
  }
  return settings;
}

}  // namespace aiflow::cli
