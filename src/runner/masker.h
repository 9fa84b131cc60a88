#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aiflow::runner {

/// A value of fewer bytes is no secret: masking it would make a log unreadable and hide nothing.
inline constexpr size_t kMinSecretBytes = 4;
/// What stands in the place of a secret. Not longer than any secret is.
inline constexpr char kMask[] = "***";

/// Texts to look for, all at once: an automaton of Aho and Corasick. Immutable once made. Takes
/// about 20 bytes of memory for each of the texts.
class SecretSet {
 public:
  /// Of each value: the whole, and each of its lines, where they have kMinSecretBytes and are not
  /// one of true, false, null, none (in any case).
  explicit SecretSet(const std::vector<std::string>& values);

  [[nodiscard]] bool empty() const { return nodes_.size() == 1; }

 private:
  friend class Masker;
  /// The beginning of a text. The root, number 0, is the empty one.
  struct Node {
    uint32_t first_child = 0;
    uint32_t next_sibling = 0;
    uint32_t fail = 0;   // the longest proper ending of it that is a beginning, too
    uint32_t depth = 0;  // its length
    uint32_t match = 0;  // the length of the longest text that it ends with; 0: of none
    unsigned char byte = 0;
  };

  void Add(std::string_view text);
  void Link();
  [[nodiscard]] uint32_t Child(uint32_t node, unsigned char byte) const;
  [[nodiscard]] uint32_t Next(uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::array<uint32_t, 256> of_root_{};
};

/// Replaces secrets in a stream of bytes, however it is cut into pieces. Every byte of every
/// occurrence goes; occurrences that overlap become one mask. Holds back no more than the longest
/// secret. `secrets` must outlive it.
class Masker {
 public:
  explicit Masker(const SecretSet& secrets) : secrets_(secrets) {}

  /// Appends to `out` what of the stream is certain by now.
  void Feed(std::string_view bytes, std::string* out);
  /// The stream has ended: appends the rest.
  void Finish(std::string* out);

 private:
  enum class Mark : char { kPlain, kMaskBegins, kMasked };

  void Emit(size_t count, std::string* out);

  const SecretSet& secrets_;
  uint32_t state_ = 0;
  std::string held_;
  std::vector<Mark> marks_;  // of the bytes of held_
};

/// The whole text, masked.
std::string Masked(const SecretSet& secrets, std::string_view text);

}  // namespace aiflow::runner
