#include "server/endpoint_file.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {

std::string EndpointFile::Text(const std::string& name) const {
  const auto found = texts.find(name);
  return found == texts.end() ? "" : found->second;
}

Status WriteEndpointFile(const std::filesystem::path& file, const std::filesystem::path& pid_file,
                         const std::vector<std::pair<std::string, std::string>>& texts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, text] : texts) json[name] = text;
  json["pid"] = getpid();
  json["version"] = Version();
  AIFLOW_RETURN_IF_ERROR(WriteFileAtomically(pid_file, std::to_string(getpid()) + "\n"));
  return WriteFileAtomically(file, json.dump(2) + "\n");
}

EndpointFile ReadEndpointFile(const std::filesystem::path& file) {
  const Result<std::string> text = ReadTextFile(file);
  if (!text.has_value()) return {};
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("pid") || !json["pid"].is_number_integer()) return {};
  EndpointFile endpoints;
  endpoints.pid = json["pid"].get<int64_t>();
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) endpoints.texts[name] = value.get<std::string>();
  }
  return endpoints;
}

}  // namespace aiflow::server
