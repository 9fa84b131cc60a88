#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

/// Reads the settings of a program from its YAML file and the environment, by a table of its keys.
/// The values stand in a plain struct `C` with the members `unused` and `origins`
/// (server/config.h).
namespace aiflow::server {

/// One key as it is in force, for people. Plain value.
struct Setting {
  std::string key;
  std::string value;   // passwords in it are masked
  std::string origin;  // "default", the path of the file, or the name of the variable
};

/// One key: where its value lives, what it may be, and what it means.
template <typename C>
struct ConfigKey {
  std::string_view name;
  std::variant<int64_t C::*, std::string C::*> member;
  std::string_view about;
  int64_t least = 0;
  int64_t most = 0;
  bool may_be_null = false;  // null is the default; otherwise an error
  bool raw = false;          // a text in which nothing is replaced
};

/// The settings of one program.
template <typename C>
struct ConfigTable {
  std::span<const ConfigKey<C>> keys;
  std::span<const std::string_view> unused;  // keys of the forerunner that have no meaning here
  std::string_view section;                  // AIFLOW__SECTION__KEY
  std::string_view home_word;                // stands for the home in values, as {AIFLOW_HOME}
  std::string_view title;                    // first line of a new file
  std::filesystem::path (*file)(const std::filesystem::path& home);
  C (*defaults)(const std::filesystem::path& home);
  /// What goes beyond one value's type.
  Status (*check)(const C& config, const std::filesystem::path& home);
};

std::string Lower(std::string text);
/// `key [x] what`.
Status WrongKey(std::string_view key, const std::string& what);
std::string_view NearestKey(std::string_view name, const std::vector<std::string_view>& known);
/// Replaces `home_word`, `$NAME`, `${NAME}` and a leading `~`.
std::string ExpandValue(std::string text, const std::filesystem::path& home,
                        std::string_view home_word);
/// scheme://user:password@host without the password.
std::string WithoutPassword(std::string text);
/// The pairs of a YAML map; nothing for null.
Result<std::vector<std::pair<std::string, std::optional<std::string>>>> ReadPairs(
    const std::string& text);
/// "90s", "15m", "12h", "30d", or "0".
std::optional<Millis> DurationOf(const std::string& text);
/// Of a text that CheckDuration has passed.
Millis CheckedDuration(const std::string& text);
/// `least` and `most` as a person would write them.
Status CheckDuration(std::string_view key, const std::string& text, const std::string& least,
                     const std::string& most);
/// Whether the section is that of another program of the product; an error when it is nobody's.
Result<bool> IsOtherSection(const std::string& variable, std::string_view rest,
                            std::string_view section, std::string_view example);
/// This process's.
std::map<std::string, std::string> EnvironmentVariables();
/// The text of the home's file; empty without one.
Result<std::string> ReadConfigFile(const std::filesystem::path& path);

template <typename C>
std::string ConfigValueOf(const ConfigKey<C>& key, const C& config) {
  if (const auto* text = std::get_if<std::string C::*>(&key.member)) return config.**text;
  return std::to_string(config.*std::get<int64_t C::*>(key.member));
}

template <typename C>
Status SetConfigValue(const ConfigTable<C>& table, const ConfigKey<C>& key,
                      const std::string& value, const std::filesystem::path& home, C* config) {
  if (const auto* text = std::get_if<std::string C::*>(&key.member)) {
    config->** text = key.raw ? value : ExpandValue(value, home, table.home_word);
    return Status::Ok();
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return WrongKey(key.name, "is not a whole number: " + value);
  }
  if (number < key.least || number > key.most) {
    return WrongKey(key.name, "is " + value + ", but must be from " + std::to_string(key.least) +
                                  " to " + std::to_string(key.most));
  }
  config->*std::get<int64_t C::*>(key.member) = number;
  return Status::Ok();
}

/// Takes over what stands at `origin` under `name`, in lower case.
template <typename C>
Status ApplySetting(const ConfigTable<C>& table, const std::string& name,
                    const std::optional<std::string>& value, const std::string& origin,
                    const std::filesystem::path& home, C* config) {
  if (std::find(table.unused.begin(), table.unused.end(), name) != table.unused.end()) {
    config->unused.push_back(name);
    return Status::Ok();
  }
  const auto key = std::find_if(table.keys.begin(), table.keys.end(),
                                [&name](const auto& known) { return known.name == name; });
  if (key == table.keys.end()) {
    std::vector<std::string_view> known;
    for (const ConfigKey<C>& one : table.keys) known.push_back(one.name);
    return WrongKey(name, "is unknown; did you mean " + std::string(NearestKey(name, known)) + "?");
  }
  if (!value.has_value() && key->may_be_null) return Status::Ok();
  // As in the forerunner: an explicit null is as good as no key.
  if (!value.has_value()) return WrongKey(name, "not found in config: it has no value");
  AIFLOW_RETURN_IF_ERROR(SetConfigValue(table, *key, *value, home, config));
  config->origins[name] = origin;
  return Status::Ok();
}

template <typename C>
Result<C> ParseSettings(const ConfigTable<C>& table, const std::string& text,
                        const std::filesystem::path& home) {
  C config = table.defaults(home);
  const auto pairs = ReadPairs(text);
  if (!pairs.has_value()) return Error(pairs.error());
  const std::string origin = table.file(home).string();
  for (const auto& [name, value] : *pairs) {
    if (Status status = ApplySetting(table, name, value, origin, home, &config); !status.ok()) {
      return Error(std::move(status));
    }
  }
  if (Status status = table.check(config, home); !status.ok()) return Error(std::move(status));
  return config;
}

template <typename C>
Status OverrideSettings(const ConfigTable<C>& table,
                        const std::map<std::string, std::string>& variables,
                        const std::filesystem::path& home, C* config) {
  constexpr std::string_view kPrefix = "AIFLOW__";
  for (const auto& [variable, value] : variables) {
    if (!variable.starts_with(kPrefix)) continue;
    const std::string_view rest = std::string_view(variable).substr(kPrefix.size());
    const Result<bool> other =
        IsOtherSection(variable, rest, table.section, table.keys.front().name);
    if (!other.has_value()) return other.error();
    if (*other) continue;
    const std::string name = Lower(std::string(rest.substr(table.section.size() + 2)));
    Status status = ApplySetting(table, name, std::optional(value), variable, home, config);
    // All was fine before this variable, so what is wrong now is its value.
    if (status.ok()) status = table.check(*config, home);
    if (!status.ok()) return {status.code(), variable + ": " + status.message()};
  }
  return Status::Ok();
}

template <typename C>
Result<C> LoadSettings(const ConfigTable<C>& table, const std::filesystem::path& home) {
  const std::filesystem::path path = table.file(home);
  const Result<std::string> text = ReadConfigFile(path);
  if (!text.has_value()) return Error(text.error());
  Result<C> config = ParseSettings(table, *text, home);
  if (!config.has_value()) {
    return Error(config.error().code(), path.string() + ": " + config.error().message());
  }
  if (Status status = OverrideSettings(table, EnvironmentVariables(), home, &*config);
      !status.ok()) {
    return Error(std::move(status));
  }
  return config;
}

/// kNotFound: `key [x] not found in config`.
template <typename C>
Result<std::string> ConfigValueIn(const ConfigTable<C>& table, const C& config,
                                  const std::string& key) {
  const std::string name = Lower(key);
  for (const ConfigKey<C>& known : table.keys) {
    if (known.name == name) return ConfigValueOf(known, config);
  }
  return Error(Code::kNotFound, "key [" + key + "] not found in config");
}

template <typename C>
std::vector<Setting> SettingsIn(const ConfigTable<C>& table, const C& config) {
  std::vector<Setting> settings;
  for (const ConfigKey<C>& key : table.keys) {
    const std::string name(key.name);
    const auto origin = config.origins.find(name);
    settings.push_back({name, WithoutPassword(ConfigValueOf(key, config)),
                        origin == config.origins.end() ? "default" : origin->second});
  }
  return settings;
}

/// The text of a new file: every key with its default and what it means.
template <typename C>
std::string DefaultSettingsText(const ConfigTable<C>& table) {
  const C defaults;
  std::string text(table.title);
  for (const ConfigKey<C>& key : table.keys) {
    text.append("\n# ").append(key.about).append("\n");
    text.append(key.name).append(": ");
    if (const auto* member = std::get_if<std::string C::*>(&key.member)) {
      // Quoted, as YAML would take a brace for a map.
      text.append("'").append(defaults.**member).append("'");
    } else {
      text.append(std::to_string(defaults.*std::get<int64_t C::*>(key.member)));
    }
    text.append("\n");
  }
  return text;
}

}  // namespace aiflow::server
