#include "engine/attempt_tokens.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

TEST(AttemptTokensTest, TheTokenIsTheHmacOfTheKey) {
  // printf 17-2-1-1 | openssl dgst -sha256 -hmac secret
  const AttemptTokens tokens("secret");
  EXPECT_EQ(tokens.TokenOf({ExecutionId(17), 2, 1, 1}),
            "1891417ff48890f73ee68177cd6f0249c0f6100b1bf37e3da24578df2887a6de");
}

TEST(AttemptTokensTest, OnlyTheTokenOfTheSameAttemptAndSecretIsRight) {
  const AttemptTokens tokens("secret");
  const AttemptKey attempt{ExecutionId(17), 2, 1, 1};
  const std::string token = tokens.TokenOf(attempt);
  EXPECT_TRUE(tokens.Check(attempt, token));
  EXPECT_FALSE(tokens.Check({ExecutionId(17), 2, 1, 2}, token));
  EXPECT_FALSE(tokens.Check({ExecutionId(17), 2, 2, 1}, token));
  EXPECT_FALSE(AttemptTokens("another").Check(attempt, token));
  EXPECT_FALSE(tokens.Check(attempt, ""));
  EXPECT_FALSE(tokens.Check(attempt, token + "0"));
}

}  // namespace
}  // namespace aiflow
