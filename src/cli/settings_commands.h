#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "server/config_table.h"

namespace aiflow::cli {

/// The settings of a server, as the commands of a group `config` see them.
struct SettingsFile {
  std::string about;  // help of the group
  std::string file;   // its name
  std::string owner;  // "AIFlow server"
  /// What to say when `init` finds the file of that path.
  std::function<std::string(const std::string& path)> is_there;
  std::function<Result<std::string>(Session&, const std::string& key)> value;
  std::function<Result<std::vector<server::Setting>>(Session&)> all;
  /// kAlreadyExists with the path.
  std::function<Result<std::filesystem::path>(Session&)> init;
  std::function<Result<std::string>(Session&)> text;
};

/// get-value, init, list and show. `settings` is kept.
void AddSettingsCommands(CLI::App& app, CommandSlot& slot, const SettingsFile& settings);

}  // namespace aiflow::cli
