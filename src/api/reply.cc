#include "api/reply.h"

#include <nlohmann/json.hpp>

namespace aiflow::api {

int64_t ReplyNumber(const ReplyRow& reply, const std::string& member) {
  const auto json = nlohmann::json::parse(reply.detail, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return 0;
  const auto found = json.find(member);
  return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::vector<int64_t> ReplyNumbers(const ReplyRow& reply, const std::string& member) {
  std::vector<int64_t> numbers;
  const auto json = nlohmann::json::parse(reply.detail, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains(member)) return numbers;
  for (const auto& number : json[member]) {
    if (number.is_number_integer()) numbers.push_back(number.get<int64_t>());
  }
  return numbers;
}

}  // namespace aiflow::api
