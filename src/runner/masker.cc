#include "runner/masker.h"

#include <algorithm>
#include <cctype>

namespace aiflow::runner {
namespace {

bool IsTrivial(std::string_view text) {
  constexpr std::array<std::string_view, 4> kWords = {"true", "false", "null", "none"};
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) {
    return std::equal(word.begin(), word.end(), text.begin(), text.end(), [](char a, char b) {
      return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
    });
  });
}

}  // namespace

SecretSet::SecretSet(const std::vector<std::string>& values) : nodes_(1) {
  for (const std::string& value : values) {
    Add(value);
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.size() < value.size()) Add(line);
    }
  }
  Link();
}

void SecretSet::Add(std::string_view text) {
  if (text.size() < kMinSecretBytes || IsTrivial(text)) return;
  uint32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    uint32_t child = Child(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({.next_sibling = nodes_[node].first_child,
                        .depth = nodes_[node].depth + 1,
                        .byte = byte});
      nodes_[node].first_child = child;
      if (node == 0) of_root_[byte] = child;
    }
    node = child;
  }
  nodes_[node].match = nodes_[node].depth;
}

void SecretSet::Link() {
  // By growing length, so that what a node falls back to is done before it.
  std::vector<uint32_t> order = {0};
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t parent = order[i];
    for (uint32_t child = nodes_[parent].first_child; child != 0;
         child = nodes_[child].next_sibling) {
      order.push_back(child);
      Node& node = nodes_[child];
      node.fail = parent == 0 ? 0 : Next(nodes_[parent].fail, node.byte);
      node.match = std::max(node.match, nodes_[node.fail].match);
    }
  }
}

uint32_t SecretSet::Child(uint32_t node, unsigned char byte) const {
  if (node == 0) return of_root_[byte];
  uint32_t child = nodes_[node].first_child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].next_sibling;
  return child;
}

uint32_t SecretSet::Next(uint32_t node, unsigned char byte) const {
  while (true) {
    const uint32_t child = Child(node, byte);
    if (child != 0 || node == 0) return child;
    node = nodes_[node].fail;
  }
}

void Masker::Feed(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    held_.push_back(c);
    marks_.push_back(Mark::kPlain);
    state_ = secrets_.Next(state_, static_cast<unsigned char>(c));
    const size_t match = secrets_.nodes_[state_].match;
    if (match == 0) continue;
    // It begins within what is held: a match is not longer than the state, which is.
    const auto begin = marks_.end() - static_cast<std::ptrdiff_t>(match);
    if (*begin == Mark::kPlain) *begin = Mark::kMaskBegins;
    std::fill(begin + 1, marks_.end(), Mark::kMasked);
  }
  // What the state is made of may still become, or belong to, a secret.
  Emit(held_.size() - secrets_.nodes_[state_].depth, out);
}

void Masker::Finish(std::string* out) {
  Emit(held_.size(), out);
  state_ = 0;
}

void Masker::Emit(size_t count, std::string* out) {
  for (size_t i = 0; i < count; ++i) {
    if (marks_[i] == Mark::kPlain) out->push_back(held_[i]);
    if (marks_[i] == Mark::kMaskBegins) out->append(kMask);
  }
  held_.erase(0, count);
  marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::string Masked(const SecretSet& secrets, std::string_view text) {
  std::string out;
  Masker masker(secrets);
  masker.Feed(text, &out);
  masker.Finish(&out);
  return out;
}

}  // namespace aiflow::runner
