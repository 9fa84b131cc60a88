#include "model/state_writes.h"

#include <nlohmann/json.hpp>

#include "model/base64.h"
#include "model/limits.h"

namespace aiflow {

Result<std::vector<StateWrite>> ParseStateWrites(std::string_view json) {
  std::vector<StateWrite> writes;
  if (json.empty()) return writes;
  const auto refuse = [](std::string why) { return Error(Code::kInvalidArgument, std::move(why)); };
  const auto states = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!states.is_object()) return refuse("states are no JSON object");
  size_t bytes = 0;
  for (const auto& [name, value] : states.items()) {
    if (name.empty() || name.size() > limits::kMaxStateNameBytes) {
      return refuse("a state's name has " + std::to_string(name.size()) + " bytes; 1 to " +
                    std::to_string(limits::kMaxStateNameBytes) + " are allowed");
    }
    StateWrite write;
    write.name = name;
    if (value.is_string()) {
      write.value = Base64Decode(value.get_ref<const std::string&>());
      if (!write.value.has_value()) return refuse("state '" + name + "' is no base64");
      bytes += write.value->size();
    } else if (!value.is_null()) {
      return refuse("state '" + name + "' is neither a string nor null");
    }
    bytes += name.size();
    writes.push_back(std::move(write));
  }
  if (bytes > limits::kMaxStateBytes) {
    return refuse("its states have " + std::to_string(bytes) + " bytes, over the limit of " +
                  std::to_string(limits::kMaxStateBytes));
  }
  return writes;
}

}  // namespace aiflow
