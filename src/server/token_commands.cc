#include "api/access/tokens.h"
#include "server/home.h"
#include "server/notification_home.h"
#include "server/notification_main.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

fs::path FileOf(const fs::path& root) { return Home(ResolveHome(root.string())).tokens(); }
fs::path NotificationFileOf(const fs::path& root) {
  return NotificationHome(ResolveNotificationHome(root.string())).tokens();
}

Result<std::string> AddTo(const fs::path& file, const std::string& name, bool server) {
  if (Status made = MakeHomeDirectory(file.parent_path()); !made.ok()) {
    return Error(std::move(made));
  }
  return api::AddToken(file, name, server);
}

Result<std::vector<NamedToken>> NamesIn(const fs::path& file) {
  const auto entries = api::ListTokens(file);
  if (!entries.has_value()) return Error(entries.error());
  std::vector<NamedToken> names;
  for (const api::TokenEntry& entry : *entries) names.push_back({entry.name, entry.server});
  return names;
}

}  // namespace

Result<std::string> AddToken(const fs::path& home, const std::string& name) {
  return AddTo(FileOf(home), name, /*server=*/false);
}
Result<std::vector<NamedToken>> ListTokens(const fs::path& home) { return NamesIn(FileOf(home)); }
Status RemoveToken(const fs::path& home, const std::string& name) {
  return api::RemoveToken(FileOf(home), name);
}

Result<std::string> AddNotificationToken(const fs::path& home, const std::string& name,
                                         bool server) {
  return AddTo(NotificationFileOf(home), name, server);
}
Result<std::vector<NamedToken>> NotificationTokens(const fs::path& home) {
  return NamesIn(NotificationFileOf(home));
}
Status RemoveNotificationToken(const fs::path& home, const std::string& name) {
  return api::RemoveToken(NotificationFileOf(home), name);
}

}  // namespace aiflow::server
