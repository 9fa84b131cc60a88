#include "server/attempt_inputs.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

namespace aiflow::server {
namespace {

using Json = nlohmann::json;

/// An output of this size still goes into a variable; larger ones are in the file only.
constexpr size_t kMaxOutputVariable = 32 << 10;
/// Linux refuses a variable of 128 KiB; all of a process's share a few MiB.
constexpr size_t kMaxParamVariable = 64 << 10;

std::string UpperCase(std::string_view name) {
  std::string upper;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    upper += byte < 0x80 && std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return upper;
}

/// "2024-03-31T01:30:00Z", with three digits of a second where they say something.
std::string IsoTime(Millis time) {
  const time_t seconds = std::chrono::floor<std::chrono::seconds>(time).count();
  tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  size_t size = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const int64_t millis = time.count() - int64_t{1000} * seconds;
  if (millis != 0) {
    size += static_cast<size_t>(
        std::snprintf(text.data() + size, text.size() - size, ".%03d", static_cast<int>(millis)));
  }
  return std::string(text.data(), size) + "Z";
}

bool FitsVariable(const std::string& value, size_t limit) {
  return value.size() <= limit && value.find('\0') == std::string::npos;
}

void PlanParams(const std::string& params_json, AttemptSpec* plan) {
  const Json params = Json::parse(params_json, nullptr, /*allow_exceptions=*/false);
  if (!params.is_object()) return;
  plan->files["AIFLOW_PARAMS_FILE"] = params_json;
  for (const auto& entry : params.items()) {
    const Json& value = entry.value();
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (FitsVariable(text, kMaxParamVariable)) {
      plan->env["AIFLOW_PARAM_" + UpperCase(entry.key())] = std::move(text);
    }
  }
}

}  // namespace

void PlanInputs(const AttemptInputs& inputs, AttemptSpec* plan) {
  if (inputs.due != Millis(0)) plan->env["AIFLOW_DUE_TIME"] = IsoTime(inputs.due);
  if (!inputs.params_json.empty()) PlanParams(inputs.params_json, plan);
  if (inputs.outputs.empty()) return;
  Json outputs = Json::object();
  for (const auto& [task, output] : inputs.outputs) {
    outputs[task] = output;
    if (FitsVariable(output, kMaxOutputVariable)) {
      plan->env["AIFLOW_OUTPUT_" + UpperCase(task)] = output;
    }
  }
  plan->files["AIFLOW_OUTPUTS_FILE"] = outputs.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace aiflow::server
