#include "engine/attempt_tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/check.h"

namespace aiflow {

std::string AttemptTokens::TokenOf(const AttemptKey& attempt) const {
  const std::string text = attempt.ToString();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
             &size) != nullptr)
      << "HMAC-SHA256 is not available";
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string token;
  token.reserve(size * 2);
  for (unsigned int i = 0; i < size; ++i) {
    token.push_back(kHex[digest[i] >> 4]);
    token.push_back(kHex[digest[i] & 15]);
  }
  return token;
}

bool AttemptTokens::Check(const AttemptKey& attempt, std::string_view token) const {
  const std::string expected = TokenOf(attempt);
  return expected.size() == token.size() &&
         CRYPTO_memcmp(expected.data(), token.data(), expected.size()) == 0;
}

}  // namespace aiflow
