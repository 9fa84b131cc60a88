#include "runner/masker.h"

#include <gtest/gtest.h>

namespace aiflow::runner {
namespace {

std::string MaskedWith(const std::vector<std::string>& secrets, std::string_view text) {
  return Masked(SecretSet(secrets), text);
}

TEST(MaskerTest, EachOccurrenceOfASecretIsMasked) {
  EXPECT_EQ(MaskedWith({"hunter22"}, "a hunter22, hunter22hunter22 hunter2"),
            "a ***, ****** hunter2");
  EXPECT_EQ(MaskedWith({"hunter22"}, "hunter22"), "***");
  EXPECT_EQ(MaskedWith({"hunter22"}, ""), "");
}

TEST(MaskerTest, ASecretInTwoPiecesIsMaskedWhereverItIsCut) {
  const SecretSet secrets({"hunter22", "ter2", "first line\nsecond line"});
  const std::string text = "<hunter22> huhunter22 first line\nsecond line, second line.";
  const std::string whole = "<***> hu*** ***, ***.";
  EXPECT_EQ(Masked(secrets, text), whole);
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Masker masker(secrets);
      std::string out;
      masker.Feed(text.substr(0, first), &out);
      masker.Feed(text.substr(first, second - first), &out);
      masker.Feed(text.substr(second), &out);
      masker.Finish(&out);
      ASSERT_EQ(out, whole) << first << " " << second;
    }
  }
}

TEST(MaskerTest, WhatIsCertainIsNotHeldBack) {
  const SecretSet secrets({"hunter22"});
  Masker masker(secrets);
  std::string out;
  masker.Feed("password: hunt", &out);
  EXPECT_EQ(out, "password: ");
  masker.Feed("ing\n", &out);
  EXPECT_EQ(out, "password: hunting\n");
}

TEST(MaskerTest, OfOverlappingSecretsNothingIsLeft) {
  EXPECT_EQ(MaskedWith({"abcd", "cdef"}, "xabcdefx"), "x***x");
  EXPECT_EQ(MaskedWith({"abcdefgh", "bcde"}, "abcdefg"), "a***fg");
  EXPECT_EQ(MaskedWith({"abcdefgh", "bcde"}, "abcdefgh"), "***");
  EXPECT_EQ(MaskedWith({"0123456789", "4567", "5678"}, "0123456789"), "***");
  EXPECT_EQ(MaskedWith({"aaaa"}, std::string(10'000, 'a') + "b"), "***b");
}

TEST(MaskerTest, LongRunOfASecretIsNotHeldInMemory) {
  const SecretSet secrets({"aaaa"});
  Masker masker(secrets);
  std::string out;
  for (int i = 0; i < 1'000; ++i) masker.Feed(std::string(1'000, 'a'), &out);
  EXPECT_EQ(out, "***");
}

TEST(MaskerTest, LinesOfAValueAreSecretsThemselves) {
  const std::string key = "-----BEGIN-----\r\nMIIEvQ==\r\nab\n-----END-----\n";
  EXPECT_EQ(MaskedWith({key}, key), "***");
  EXPECT_EQ(MaskedWith({key}, "MIIEvQ==\nab\n-----END-----"), "***\nab\n***");
}

TEST(MaskerTest, ShortAndTrivialValuesAreNoSecrets) {
  const SecretSet none({"", "abc", "true", "FALSE", "null", "None", "1\n2\n3"});
  EXPECT_FALSE(none.empty()) << "the whole of 1\\n2\\n3 is a secret";
  EXPECT_TRUE(SecretSet({"", "abc", "true", "FALSE", "null", "None"}).empty());
  EXPECT_EQ(Masked(none, "abc true FALSE 1 2 1\n2\n3"), "abc true FALSE 1 2 ***");
}

TEST(MaskerTest, AnyByteMayBeInASecretOrBesideIt) {
  std::string secret;
  for (int byte = 1; byte < 256; ++byte) secret.push_back(static_cast<char>(byte));
  const std::string zero("\0", 1);
  EXPECT_EQ(MaskedWith({secret}, zero + secret + zero), zero + "***" + zero);
}

}  // namespace
}  // namespace aiflow::runner
