#include "server/blob_store_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Refusal(const std::string& text) {
  const Result<Config> config = ParseConfig(text, "/h");
  EXPECT_FALSE(config.has_value()) << text;
  return config.has_value() ? "" : config.error().message();
}

std::string Where(const std::string& text) {
  const remote::StopFlag stop;
  const Result<Config> config = ParseConfig(text, "/h");
  EXPECT_TRUE(config.has_value()) << config.error();
  const auto objects = MakeObjectStore(*config, BlobStoreLimits(*config), stop);
  return objects == nullptr ? "" : objects->where();
}

TEST(BlobStoreConfigTest, EachKindOfStoreIsMade) {
  EXPECT_EQ(Where(""), "");
  EXPECT_EQ(Where("{blob_store: s3, blob_store_bucket: b, blob_store_region: eu-west-1}"),
            "s3://b at https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(Where("{blob_store: s3, blob_store_bucket: b, blob_store_url: 'http://minio:9000/', "
                  "blob_store_prefix: a/b/}"),
            "s3://b/a/b at http://minio:9000");
  EXPECT_EQ(Where("{blob_store: oss, blob_store_bucket: b, "
                  "blob_store_url: 'https://s3.oss-cn-hangzhou.aliyuncs.com'}"),
            "oss://b at https://s3.oss-cn-hangzhou.aliyuncs.com");
  EXPECT_EQ(Where("{blob_store: webhdfs, blob_store_url: 'http://nn:9870', "
                  "blob_store_prefix: /aiflow/blobs}"),
            "webhdfs:/aiflow/blobs at http://nn:9870");
}

TEST(BlobStoreConfigTest, WhatIsMissingOrWrongIsNamed) {
  EXPECT_THAT(Refusal("blob_store: ftp"), HasSubstr("[blob_store] must be local, s3, oss"));
  EXPECT_THAT(Refusal("blob_store: s3"), HasSubstr("[blob_store_bucket]"));
  EXPECT_THAT(Refusal("{blob_store: oss, blob_store_bucket: b}"), HasSubstr("[blob_store_url]"));
  EXPECT_THAT(Refusal("blob_store: webhdfs"), HasSubstr("[blob_store_url]"));
  EXPECT_THAT(Refusal("{blob_store: webhdfs, blob_store_url: 'http://nn:9870', "
                      "blob_store_prefix: aiflow}"),
              HasSubstr("[blob_store_prefix] must be an absolute directory"));
  EXPECT_THAT(Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_prefix: a/../b}"),
              HasSubstr("[blob_store_prefix]"));
  EXPECT_THAT(Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_prefix: 'ä'}"),
              HasSubstr("[blob_store_prefix]"));
  EXPECT_THAT(Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_addressing: host}"),
              HasSubstr("[blob_store_addressing]"));
  EXPECT_THAT(Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_url: 'ftp://x'}"),
              HasSubstr("[blob_store_url]"));
  EXPECT_THAT(Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_url: 'http://x/b'}"),
              HasSubstr("[blob_store_url]"));
  EXPECT_THAT(Refusal("blob_cache_size: 1m"), HasSubstr("[blob_cache_size]"));
  EXPECT_THAT(Refusal("blob_store_timeout: soon"), HasSubstr("[blob_store_timeout]"));
}

TEST(BlobStoreConfigTest, KeysInTheUrlAreRefusedAndNotRepeated) {
  EXPECT_THAT(
      Refusal("{blob_store: s3, blob_store_bucket: b, blob_store_url: 'http://me:se@cr@x:9'}"),
      AllOf(HasSubstr("blob_store_credentials_file"), Not(HasSubstr("se@cr"))));
}

TEST(BlobStoreConfigTest, LimitsAreThoseOfTheSettings) {
  const Config config =
      *ParseConfig("{blob_store_timeout: 2m, blob_store_attempts: 9, blob_cache_size: 2g}", "/h");
  EXPECT_EQ(BlobStoreLimits(config).total, std::chrono::minutes(2));
  EXPECT_EQ(BlobStoreLimits(config).attempts, 9);
  EXPECT_EQ(BlobCacheSize(config), int64_t{2} << 30);
}

}  // namespace
}  // namespace aiflow::server
