#include "server/byte_size.h"

#include <gtest/gtest.h>

namespace aiflow::server {
namespace {

TEST(ByteSize, ANumberAndAUnit) {
  EXPECT_EQ(ParseByteSize("0"), 0);
  EXPECT_EQ(ParseByteSize("17"), 17);
  EXPECT_EQ(ParseByteSize("4k"), 4096);
  EXPECT_EQ(ParseByteSize("64m"), 67'108'864);
  EXPECT_EQ(ParseByteSize("2g"), uint64_t{2} << 30);
}

TEST(ByteSize, EverythingElseIsRefused) {
  for (const char* text : {"", "m", "-1m", "1.5g", "64mb", "64M", " 1m", "1 m", "0x10",
                           "4611686018427387905", "4294967297g", "99999999999999999999"}) {
    EXPECT_EQ(ParseByteSize(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseByteSize("4294967296g"), uint64_t{1} << 62);
}

TEST(ByteSize, TextForPeople) {
  EXPECT_EQ(ByteSizeText(0), "0 bytes");
  EXPECT_EQ(ByteSizeText(1023), "1023 bytes");
  EXPECT_EQ(ByteSizeText(1536), "1.5 KiB");
  EXPECT_EQ(ByteSizeText(256U << 20), "256 MiB");
  EXPECT_EQ(ByteSizeText(uint64_t{3} << 40), "3 TiB");
}

}  // namespace
}  // namespace aiflow::server
