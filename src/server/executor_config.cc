#include "server/executor_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "model/spec_json.h"
#include "model/workflow_spec.h"
#include "server/yaml_text.h"

namespace aiflow::server {
namespace {

using Json = nlohmann::json;

constexpr int64_t kDefaultParallelism = 100;
constexpr int64_t kMaxParallelism = 100'000;
constexpr std::array<std::string_view, 4> kKeys = {"command", "parallelism", "config", "env"};

std::string Path(const std::string& name, std::string_view key) {
  return "executors." + name + "." + std::string(key);
}

Status CheckExecutorName(const std::string& name) {
  if (Lower(name) == kLocalExecutor) {
    return WrongKey("executors", "names " + name + ", which is the executor of this machine");
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
  if (!ValidateName("executor", name).ok() || !plain || name.size() > kMaxExecutorNameBytes) {
    return WrongKey("executors", "has the name '" + name +
                                     "': it must be at most 64 letters, digits, '_', '-' and '.', "
                                     "and no dot at either end");
  }
  return Status::Ok();
}

/// The scalars of one executor, with what stands in them replaced.
class Reader {
 public:
  Reader(std::string name, const std::filesystem::path& home)
      : home_(home), name_(std::move(name)) {}

  Result<ExecutorConfig> Read(const YAML::Node& node) {
    ExecutorConfig executor{.name = name_, .parallelism = kDefaultParallelism};
    if (!node.IsMap()) {
      return Error(WrongKey("executors." + name_, "must be a map with the key command"));
    }
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      Status status = ReadKey(key, entry.second, &executor);
      if (!status.ok()) return Error(std::move(status));
    }
    if (executor.command.empty()) {
      return Error(WrongKey(Path(name_, "command"),
                            "is missing: the words that start the plug-in, as [python3, my.py]"));
    }
    return executor;
  }

 private:
  std::string Text(const YAML::Node& scalar) const {
    return ExpandValue(scalar.Scalar(), home_, "{AIFLOW_HOME}");
  }

  Status ReadKey(const std::string& key, const YAML::Node& node, ExecutorConfig* executor) {
    if (key == "command") return ReadCommand(node, executor);
    if (key == "parallelism") return ReadParallelism(node, executor);
    if (key == "env") return ReadEnv(node, executor);
    if (key == "config") {
      if (!node.IsMap()) return WrongKey(Path(name_, key), "must be a map");
      executor->config = ToJson(node).dump(-1, ' ', false, Json::error_handler_t::replace);
      if (executor->config.size() <= kMaxExecutorConfigBytes) return Status::Ok();
      return WrongKey(Path(name_, key), "is larger than 64 KiB: put it into a file, and name that");
    }
    return WrongKey(Path(name_, key),
                    "is unknown; did you mean " +
                        std::string(NearestKey(key, {kKeys.begin(), kKeys.end()})) + "?");
  }

  Status ReadCommand(const YAML::Node& node, ExecutorConfig* executor) const {
    const std::string wrong = "must be a list of words, as [python3, my_executor.py]";
    if (!node.IsSequence()) return WrongKey(Path(name_, "command"), wrong);
    for (const YAML::Node& word : node) {
      if (!word.IsScalar()) return WrongKey(Path(name_, "command"), wrong);
      executor->command.push_back(Text(word));
    }
    return Status::Ok();
  }

  Status ReadParallelism(const YAML::Node& node, ExecutorConfig* executor) const {
    const std::string text = node.IsScalar() ? Text(node) : std::string();
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, executor->parallelism);
    if (text.empty() || error != std::errc() || end != last || executor->parallelism < 1 ||
        executor->parallelism > kMaxParallelism) {
      return WrongKey(Path(name_, "parallelism"),
                      "must be a whole number from 1 to 100000" +
                          (text.empty() ? std::string() : ", and is " + text));
    }
    return Status::Ok();
  }

  Status ReadEnv(const YAML::Node& node, ExecutorConfig* executor) const {
    if (!node.IsMap()) return WrongKey(Path(name_, "env"), "must be a map of names to texts");
    for (const auto& entry : node) {
      const std::string variable = entry.first.Scalar();
      const std::string path = Path(name_, "env") + "." + variable;
      if (variable.empty() || variable.find('=') != std::string::npos ||
          variable.starts_with("AIFLOW_EXECUTOR_")) {
        return WrongKey(path, "is no name for a variable; AIFLOW_EXECUTOR_... are the server's");
      }
      if (!entry.second.IsScalar()) return WrongKey(path, "must be a text");
      executor->env[variable] = Text(entry.second);
    }
    return Status::Ok();
  }

  Json ToJson(const YAML::Node& node) const {
    if (node.IsScalar()) return ScalarJson(node, Text(node));
    if (node.IsSequence()) {
      Json list = Json::array();
      for (const YAML::Node& item : node) list.push_back(ToJson(item));
      return list;
    }
    if (!node.IsMap()) return {};
    Json map = Json::object();
    for (const auto& entry : node) map[entry.first.Scalar()] = ToJson(entry.second);
    return map;
  }

  const std::filesystem::path& home_;
  const std::string name_;
};

}  // namespace

Result<std::vector<ExecutorConfig>> ParseExecutors(const std::string& text,
                                                   const std::filesystem::path& home) {
  std::vector<ExecutorConfig> executors;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return executors;
    if (!root.IsMap()) return Error(WrongKey("executors", "must be a map of names to settings"));
    for (const auto& entry : root) {
      const std::string name = entry.first.Scalar();
      if (Status status = CheckExecutorName(name); !status.ok()) return Error(std::move(status));
      Result<ExecutorConfig> executor = Reader(name, home).Read(entry.second);
      if (!executor.has_value()) return Error(executor.error());
      const bool twice = std::any_of(executors.begin(), executors.end(), [&](const auto& other) {
        return Lower(other.name) == Lower(name);
      });
      if (twice) return Error(WrongKey("executors", "names " + name + " twice"));
      executors.push_back(*std::move(executor));
    }
  } catch (const YAML::Exception& error) {
    return Error(WrongKey("executors", std::string("is no YAML: ") + error.what()));
  }
  if (executors.size() > kMaxExecutors) {
    return Error(WrongKey("executors", "has " + std::to_string(executors.size()) +
                                           " executors, the limit is " +
                                           std::to_string(kMaxExecutors)));
  }
  return executors;
}

Status CheckExecutors(const Config& config, const std::filesystem::path& home) {
  const auto executors = ParseExecutors(config.executors, home);
  if (!executors.has_value()) return executors.error();
  if (Lower(config.task_executor) == kLocalExecutor) return Status::Ok();
  std::string names;
  for (const ExecutorConfig& executor : *executors) {
    if (executor.name == config.task_executor) return Status::Ok();
    names += (names.empty() ? "" : ", ") + executor.name;
  }
  if (names.empty()) {
    return WrongKey("task_executor",
                    "is " + config.task_executor +
                        ", but this version knows Local only, and what `executors` names: nothing");
  }
  return WrongKey("task_executor", "is " + config.task_executor +
                                       ", but must be Local or one of `executors`: " + names);
}

std::vector<ExecutorConfig> PluginExecutors(const Config& config,
                                            const std::filesystem::path& home) {
  auto executors = ParseExecutors(config.executors, home);
  CHECK(executors.has_value()) << executors.error().message() << ": checked when it was read";
  return *std::move(executors);
}

std::vector<ConfiguredExecutor> EveryExecutor(const Config& config,
                                              const std::filesystem::path& home) {
  std::vector<ConfiguredExecutor> every = {{.name = kLocalExecutor,
                                            .parallelism = config.local_executor_parallelism,
                                            .setting = "local_executor_parallelism"}};
  for (ExecutorConfig& executor : PluginExecutors(config, home)) {
    std::string setting = Path(executor.name, "parallelism");
    every.push_back({.name = std::move(executor.name),
                     .parallelism = executor.parallelism,
                     .setting = std::move(setting)});
  }
  return every;
}

std::string DefaultExecutor(const Config& config) {
  return Lower(config.task_executor) == kLocalExecutor ? kLocalExecutor : config.task_executor;
}

}  // namespace aiflow::server
