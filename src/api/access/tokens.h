#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace aiflow::api {

inline constexpr size_t kMaxTokens = 1'000;
inline constexpr size_t kMaxTokenNameBytes = 64;
inline constexpr size_t kMaxTokenBytes = 256;  // longer ones are not even looked at

/// One line of the file: the token itself is not kept, only its SHA-256.
struct TokenEntry {
  std::string name;
  std::string digest;   // 64 hexadecimal digits
  bool server = false;  // good for an AIFlow server that keeps its events here
  friend bool operator==(const TokenEntry&, const TokenEntry&) = default;
};

/// The tokens of a file, read again when the file has changed: who is added or removed is so for
/// the next call. A file that somebody else than its owner may read or write, or that is damaged,
/// holds no tokens. Thread-safe.
class Tokens {
 public:
  /// `problem` is told once per state of the file why it cannot be used; it must not block.
  explicit Tokens(std::filesystem::path file, std::function<void(const Status&)> problem = {});

  /// The time it takes does not depend on how much of a token is right.
  [[nodiscard]] bool Contains(std::string_view token) const;
  /// Whether it is there, and for servers; takes as long.
  [[nodiscard]] bool ContainsForServers(std::string_view token) const;
  /// Why the file cannot be used; OK also without a file.
  [[nodiscard]] Status Check() const;
  [[nodiscard]] size_t size() const;

 private:
  struct Table;
  [[nodiscard]] std::shared_ptr<const Table> Current() const;
  [[nodiscard]] bool Find(std::string_view token, bool for_servers) const;

  const std::filesystem::path file_;
  const std::function<void(const Status&)> problem_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Table> table_;  // guarded by mutex_
};

/// Adds a token, and returns it: it cannot be had again. The file is made for its owner alone.
/// kInvalidArgument for a name that is not 1 to 64 letters, digits, `_`, `-` or `.`; kAlreadyExists
/// for one in use; kResourceExhausted beyond kMaxTokens; kUnavailable when it cannot be written.
Result<std::string> AddToken(const std::filesystem::path& file, const std::string& name,
                             bool server = false);
/// kNotFound names the token.
Status RemoveToken(const std::filesystem::path& file, const std::string& name);
/// In the order of the file; none without a file.
Result<std::vector<TokenEntry>> ListTokens(const std::filesystem::path& file);

}  // namespace aiflow::api
