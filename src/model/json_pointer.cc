#include "model/json_pointer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace aiflow {
namespace {

/// ~1 stands for /, ~0 for ~, read in one pass.
std::string Unescaped(std::string_view token) {
  std::string text;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~' || i + 1 == token.size()) {
      text.push_back(token[i]);
    } else {
      text.push_back(token[++i] == '1' ? '/' : '~');
    }
  }
  return text;
}

}  // namespace

bool IsJsonPointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (size_t i = text.find('~'); i != std::string_view::npos; i = text.find('~', i + 1)) {
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

const nlohmann::json* AtPointer(const nlohmann::json& document, std::string_view pointer) {
  if (document.is_discarded()) return nullptr;
  const nlohmann::json* at = &document;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (at->is_object()) {
      const auto found = at->find(Unescaped(token));
      if (found == at->end()) return nullptr;
      at = &*found;
      continue;
    }
    const bool index =
        at->is_array() && !token.empty() && token.size() <= 9 &&
        (token.front() != '0' || token.size() == 1) &&
        std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!index) return nullptr;
    const size_t position = std::stoul(std::string(token));
    if (position >= at->size()) return nullptr;
    at = &(*at)[position];
  }
  return at;
}

}  // namespace aiflow
