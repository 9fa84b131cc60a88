#include "api/page_token.h"

#include <algorithm>
#include <charconv>

namespace aiflow::api {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

std::string ToHex(std::string_view text) {
  std::string hex;
  hex.reserve(text.size() * 2);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kHex[byte >> 4]);
    hex.push_back(kHex[byte & 15]);
  }
  return hex;
}

bool FromHex(std::string_view hex, std::string* text) {
  if (hex.size() % 2 != 0) return false;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const size_t high = kHex.find(hex[i]);
    const size_t low = kHex.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    text->push_back(static_cast<char>(high << 4 | low));
  }
  return true;
}

}  // namespace

Result<Page> PageOf(std::string_view list, int32_t page_size, const std::string& token) {
  if (page_size < 0) {
    return Error(Code::kInvalidArgument, "page_size " + std::to_string(page_size) + " is negative");
  }
  Page page;
  const int64_t size =
      page_size == 0 ? kDefaultPageSize : std::min<int64_t>(page_size, kMaxPageSize);
  page.limit = size + 1;
  if (token.empty()) return page;

  const auto refuse = [&] {
    return Error(Code::kInvalidArgument,
                 "page_token " + token + " is not one of this list; begin without a token");
  };
  std::string text;
  if (!FromHex(token, &text) || !text.starts_with(list)) return refuse();
  std::string_view rest = std::string_view(text).substr(list.size());
  if (rest.starts_with("/i/")) {
    rest.remove_prefix(3);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), page.after);
    if (error != std::errc() || end != rest.data() + rest.size()) return refuse();
    return page;
  }
  if (!rest.starts_with("/n/")) return refuse();
  page.after_name = std::string(rest.substr(3));
  return page;
}

Result<bool> IsDescending(std::string_view field, const std::string& order_by) {
  if (order_by.empty() || order_by == field) return false;
  const std::string descending = std::string(field) + " desc";
  if (order_by == descending) return true;
  return Error(Code::kInvalidArgument,
               "order_by is " + std::string(field) + " or " + descending + ", but not " + order_by);
}

std::string TokenAfter(std::string_view list, int64_t id) {
  return ToHex(std::string(list) + "/i/" + std::to_string(id));
}

std::string TokenAfter(std::string_view list, const std::string& name) {
  return ToHex(std::string(list) + "/n/" + name);
}

}  // namespace aiflow::api
