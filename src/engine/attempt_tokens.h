#pragma once

#include <string>
#include <string_view>

#include "model/attempt_key.h"

namespace aiflow {

/// Makes and checks the token that proves that a report comes from its attempt: HMAC-SHA256 of the
/// attempt key under the metadata store's secret, in lower-case hex. The same attempt has the same
/// token on every server of the store. Immutable.
class AttemptTokens {
 public:
  explicit AttemptTokens(std::string secret) : secret_(std::move(secret)) {}

  [[nodiscard]] std::string TokenOf(const AttemptKey& attempt) const;
  /// Takes the same time for every wrong token.
  [[nodiscard]] bool Check(const AttemptKey& attempt, std::string_view token) const;

 private:
  std::string secret_;
};

}  // namespace aiflow
