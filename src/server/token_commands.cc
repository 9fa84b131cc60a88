#include "api/access/tokens.h"
#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {

Result<std::string> AddToken(const std::filesystem::path& root, const std::string& name) {
  const Home home(ResolveHome(root.string()));
  if (Status made = home.Make(); !made.ok()) return Error(std::move(made));
  return api::AddToken(home.tokens(), name);
}

Result<std::vector<std::string>> TokenNames(const std::filesystem::path& root) {
  const auto entries = api::ListTokens(Home(ResolveHome(root.string())).tokens());
  if (!entries.has_value()) return Error(entries.error());
  std::vector<std::string> names;
  for (const api::TokenEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

Status RemoveToken(const std::filesystem::path& root, const std::string& name) {
  return api::RemoveToken(Home(ResolveHome(root.string())).tokens(), name);
}

}  // namespace aiflow::server
