#include "server/config_table.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <system_error>

#include "base/check.h"
#include "base/nearest.h"
#include "server/home.h"
#include "server/yaml_text.h"

namespace aiflow::server {
namespace {

/// Of AIFLOW__SECTION__KEY: each program reads its own.
constexpr std::array<std::string_view, 3> kSections = {"SERVER", "CLIENT", "NOTIFICATION"};

void ReplaceAll(std::string* text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text->find(what, at)) != std::string::npos; at += with.size()) {
    text->replace(at, what.size(), with);
  }
}

/// Replaces $NAME and ${NAME}; unknown ones stay, as in a shell's double quotes they would not.
std::string ExpandVariables(const std::string& text) {
  std::string expanded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      expanded.push_back(text[i]);
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    size_t end = i + (braces ? 2 : 1);
    const size_t begin = end;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    const std::string name = text.substr(begin, end - begin);
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (value == nullptr || !closed) {
      expanded.push_back('$');
      continue;
    }
    expanded.append(value);
    i = braces ? end : end - 1;
  }
  return expanded;
}

}  // namespace

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string_view NearestKey(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view nearest;
  size_t best = std::string_view::npos;
  for (const std::string_view candidate : known) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string ExpandValue(std::string text, const std::filesystem::path& home,
                        std::string_view home_word) {
  ReplaceAll(&text, home_word, home.string());
  text = ExpandVariables(text);
  if (text == "~" || text.starts_with("~/")) {
    const char* user_home = std::getenv("HOME");
    if (user_home != nullptr) text.replace(0, 1, user_home);
  }
  return text;
}

Status WrongKey(std::string_view key, const std::string& what) {
  return {Code::kInvalidArgument, "key [" + std::string(key) + "] " + what};
}

std::string WithoutPassword(std::string text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const size_t user = scheme + 3;
  const size_t at = text.find_last_of('@');
  const size_t colon = text.find(':', user);
  if (at == std::string::npos || colon == std::string::npos || colon > at) return text;
  return text.replace(colon + 1, at - colon - 1, "***");
}

std::optional<Millis> DurationOf(const std::string& text) {
  int64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || number < 0 || number > 1'000'000) return std::nullopt;
  if (number == 0 && end == last) return Millis(0);
  if (last - end != 1) return std::nullopt;
  switch (*end) {
    case 's': return std::chrono::seconds(number);
    case 'm': return std::chrono::minutes(number);
    case 'h': return std::chrono::hours(number);
    case 'd': return std::chrono::days(number);
    default: return std::nullopt;
  }
}

Millis CheckedDuration(const std::string& text) {
  const std::optional<Millis> duration = DurationOf(text);
  CHECK(duration.has_value()) << text << " was checked when it was read";
  return *duration;
}

Status CheckDuration(std::string_view key, const std::string& text, const std::string& least,
                     const std::string& most) {
  const std::optional<Millis> duration = DurationOf(text);
  if (!duration.has_value()) {
    return WrongKey(key, "must be a whole number and s, m, h or d, as in 30d: " + text);
  }
  if (*duration < CheckedDuration(least) || *duration > CheckedDuration(most)) {
    return WrongKey(key, "is " + text + ", but must be from " + least + " to " + most);
  }
  return Status::Ok();
}

/// The one place where yaml-cpp may throw.
Result<std::vector<std::pair<std::string, std::optional<std::string>>>> ReadPairs(
    const std::string& text) {
  std::vector<std::pair<std::string, std::optional<std::string>>> pairs;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return pairs;
    if (!root.IsMap()) return Error(Code::kInvalidArgument, "it is not a map of keys to values");
    for (const auto& entry : root) {
      std::optional<std::string> value;
      if (entry.second.IsScalar()) value = entry.second.as<std::string>();
      if (entry.second.IsMap() || entry.second.IsSequence()) value = OneLine(entry.second);
      pairs.emplace_back(Lower(entry.first.as<std::string>()), std::move(value));
    }
  } catch (const YAML::Exception& error) {
    return Error(Code::kInvalidArgument, std::string("it is no YAML: ") + error.what());
  }
  return pairs;
}

Result<bool> IsOtherSection(const std::string& variable, std::string_view rest,
                            std::string_view section, std::string_view example) {
  const auto in = [rest](std::string_view name) {
    return rest.starts_with(name) && rest.substr(name.size()).starts_with("__");
  };
  if (in(section)) return false;
  if (std::any_of(kSections.begin(), kSections.end(), in)) return true;
  std::string upper(example);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const std::string prefix = "AIFLOW__" + std::string(section) + "__";
  return Error(Code::kInvalidArgument, variable + " is no setting; those of this program are " +
                                           prefix + "KEY, as in " + prefix + upper);
}

std::map<std::string, std::string> EnvironmentVariables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view both = *entry;
    const size_t equals = both.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(both.substr(0, equals), both.substr(equals + 1));
  }
  return variables;
}

Result<std::string> ReadConfigFile(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::string();
  return ReadTextFile(path);
}

}  // namespace aiflow::server
