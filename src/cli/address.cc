#include "cli/address.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/client_yaml.h"
#include "client/credentials.h"

namespace aiflow::cli {
namespace {

constexpr char kDefaultServer[] = "127.0.0.1:50051";

// A member of the file in which a server leaves its addresses; empty when there is none.
Result<std::string> FromEndpointFile(const std::filesystem::path& home, const char* member) {
  const std::filesystem::path path = home / "server.json";
  std::ifstream file(path);
  if (!file) return std::string();
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Error(Code::kInvalidArgument, path.string() +
                                             ": not a JSON object; start the server again, or "
                                             "name its address with --server");
  }
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::string> FromClientYaml(const std::filesystem::path& home) {
  const Result<ClientYaml> yaml = ReadClientYaml(home);
  if (!yaml) return Error(yaml.error());
  return yaml->server_address;
}

}  // namespace

std::filesystem::path HomeDirectory(const std::string& given, const Environment& environment) {
  if (!given.empty()) return given;
  if (const auto home = environment("AIFLOW_HOME")) return *home;
  return std::filesystem::path(environment("HOME").value_or("/")) / "aiflow";
}

Result<std::string> ServerAddress(const AddressOptions& options, const Environment& environment) {
  if (!options.server.empty()) return options.server;
  // A home that was named explicitly says which server is meant, more than the environment does.
  if (options.home.empty()) {
    if (const auto server = environment("AIFLOW_SERVER")) return *server;
    if (const auto server = environment("AIFLOW_SERVER_URI")) return *server;
  }
  const std::filesystem::path home = HomeDirectory(options.home, environment);
  Result<std::string> address = FromEndpointFile(home, "server_uri");
  if (!address || !address->empty()) return address;
  address = FromClientYaml(home);
  if (!address || !address->empty()) return address;
  return kDefaultServer;
}

Result<std::string> NotificationAddress(const AddressOptions& options,
                                        const Environment& environment) {
  if (!options.notification_server.empty()) return options.notification_server;
  if (options.home.empty()) {
    if (const auto server = environment("AIFLOW_NOTIFICATION_SERVER")) return *server;
  }
  // Another server than that of the home was named: its own notification server is meant.
  if (!options.server.empty()) return std::string();
  if (options.home.empty()) {
    if (environment("AIFLOW_SERVER")) return std::string();
    if (const auto server = environment("AIFLOW_NOTIFICATION_URI")) return *server;
    if (environment("AIFLOW_SERVER_URI")) return std::string();
  }
  return FromEndpointFile(HomeDirectory(options.home, environment), "notification_uri");
}

std::string SeenFromHere(const std::string& server, const std::string& given) {
  if (client::IsLocal(server) || !client::IsLocal(given) || given.starts_with("unix:")) {
    return given;
  }
  return server.substr(0, server.rfind(':')) + given.substr(given.rfind(':'));
}

}  // namespace aiflow::cli
