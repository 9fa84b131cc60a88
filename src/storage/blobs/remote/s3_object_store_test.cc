#include "storage/blobs/remote/s3_object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "storage/blob_store.h"
#include "storage/blobs/remote/fault_server.h"
#include "storage/blobs/remote/s3_credentials.h"

namespace aiflow::remote {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kSecret = "s3cr3t/+key";

class S3ObjectStoreTest : public testing::Test {
 protected:
  S3ObjectStoreTest() {
    std::string name = fs::temp_directory_path() / "aiflow-s3-XXXXXX";
    dir_ = mkdtemp(name.data());
    Write("[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t/+key\n");
  }
  ~S3ObjectStoreTest() override { fs::remove_all(dir_); }

  void Write(const std::string& text, fs::perms mode = fs::perms::owner_read) {
    fs::remove(dir_ / "keys");
    std::ofstream(dir_ / "keys") << text;
    fs::permissions(dir_ / "keys", mode);
  }
  S3ObjectStore Store(const std::string& url) {
    S3Options options;
    options.url = url;
    options.bucket = "bucket";
    options.prefix = "a/b";
    options.credentials_file = dir_ / "keys";
    options.retry = {
        .attempts = 3, .total = Millis(20'000), .first_delay = Millis(1), .max_delay = Millis(5)};
    return {options, stop_};
  }

  fs::path dir_;
  StopFlag stop_;
};

FaultAnswer S3Error(int status, const std::string& code, const std::string& message) {
  return {.status = status,
          .body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + message +
                  "</Message><StringToSign>" + kSecret + "</StringToSign></Error>"};
}

TEST_F(S3ObjectStoreTest, APutIsSignedOverItsBody) {
  FaultServer server(InTurn({{}}));
  S3ObjectStore store = Store(server.url());
  EXPECT_TRUE(store.Put("ab/x", "bytes").ok());
  const FaultRequest request = server.requests().at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/bucket/a/b/ab/x");
  EXPECT_EQ(request.body, "bytes");
  EXPECT_EQ(request.headers.at("x-amz-content-sha256"), Sha256Hex("bytes"));
  EXPECT_EQ(request.headers.at("content-type"), "application/octet-stream");
  EXPECT_THAT(request.headers.at("authorization"),
              AllOf(StartsWith("AWS4-HMAC-SHA256 Credential=AKID/"),
                    HasSubstr("/us-east-1/s3/aws4_request"), HasSubstr("x-amz-content-sha256")));
}

TEST_F(S3ObjectStoreTest, ATokenOfASessionIsSentAndSigned) {
  Write("access_key_id=A\nsecret_access_key=B\nsession_token=TOKEN\n");
  FaultServer server(InTurn({{}}));
  S3ObjectStore store = Store(server.url());
  EXPECT_TRUE(store.Put("x", "").ok());
  const FaultRequest request = server.requests().at(0);
  EXPECT_EQ(request.headers.at("x-amz-security-token"), "TOKEN");
  EXPECT_THAT(request.headers.at("authorization"), HasSubstr("x-amz-security-token"));
}

TEST_F(S3ObjectStoreTest, NewCredentialsAreUsedAtOnce) {
  FaultServer server(InTurn({S3Error(403, "ExpiredToken", "expired"), {}}));
  S3ObjectStore store = Store(server.url());
  EXPECT_EQ(store.Put("x", "").code(), Code::kUnauthenticated);
  Write("access_key_id=OTHER\nsecret_access_key=B\n");
  EXPECT_TRUE(store.Put("x", "").ok());
  EXPECT_THAT(server.requests().at(1).headers.at("authorization"), HasSubstr("OTHER/"));
}

TEST_F(S3ObjectStoreTest, CredentialsThatOthersMayReadAreRefused) {
  Write("access_key_id=A\nsecret_access_key=B\n", fs::perms(0644));
  FaultServer server(InTurn({{}}));
  S3ObjectStore store = Store(server.url());
  const Status status = store.Put("x", "");
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_THAT(status.message(), HasSubstr("chmod 600"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(S3ObjectStoreTest, MissingCredentialsAreNamed) {
  Write("[other]\naws_access_key_id=A\naws_secret_access_key=B\n");
  S3ObjectStore store = Store("http://127.0.0.1:1");
  EXPECT_THAT(store.Put("x", "").message(), HasSubstr("no credentials in " + dir_.string()));
}

TEST_F(S3ObjectStoreTest, AMissingFileOfCredentialsIsNoMissingBlob) {
  fs::remove(dir_ / "keys");
  const Status status = Store("http://127.0.0.1:1").Get("x", 10).error();
  EXPECT_EQ(status.code(), Code::kUnauthenticated);
  EXPECT_THAT(status.message(), HasSubstr((dir_ / "keys").string()));
}

TEST_F(S3ObjectStoreTest, TheEnvironmentHoldsCredentialsToo) {
  setenv("AWS_ACCESS_KEY_ID", "A", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "B", 1);
  setenv("AWS_SESSION_TOKEN", "C", 1);
  setenv("OSS_ACCESS_KEY_ID", "O", 1);
  setenv("OSS_ACCESS_KEY_SECRET", "P", 1);
  EXPECT_EQ(ReadS3Credentials("", false)->access_key_id, "A");
  EXPECT_EQ(ReadS3Credentials("", false)->session_token, "C");
  EXPECT_EQ(ReadS3Credentials("", true)->secret_access_key, "P");
  EXPECT_EQ(ReadS3Credentials("", true)->session_token, "");
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                           "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"}) {
    unsetenv(name);
  }
  EXPECT_EQ(ReadS3Credentials("", true).error().code(), Code::kUnauthenticated);
}

TEST_F(S3ObjectStoreTest, AKeyThatWouldBreakAHeaderIsRefused) {
  Write("access_key_id=A B\nsecret_access_key=B\n");
  EXPECT_EQ(Store("http://127.0.0.1:1").Put("x", "").code(), Code::kUnauthenticated);
}

TEST_F(S3ObjectStoreTest, AnErrorSaysWhatWhereWhyAndWhatToDoAndNoSecret) {
  FaultServer server(InTurn({S3Error(403, "AccessDenied", "no &lt;PutObject&gt;\nfor you")}));
  S3ObjectStore store = Store(server.url());
  const Status status = store.Put("ab/x", "bytes");
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.message(), "blob store s3://bucket/a/b at " + server.url() +
                                  ": cannot put ab/x: HTTP 403, AccessDenied: no <PutObject> for "
                                  "you; let these credentials get, put, delete and list below the "
                                  "prefix");
}

TEST_F(S3ObjectStoreTest, EachKindOfRefusalHasItsAdvice) {
  struct Case {
    FaultAnswer answer;
    Code code;
    std::string advice;
  };
  FaultAnswer moved{.status = 301, .headers = {"x-amz-bucket-region: eu-west-1"}};
  for (const Case& one :
       {Case{S3Error(404, "NoSuchBucket", "x"), Code::kFailedPrecondition, "blob_store_bucket"},
        Case{S3Error(403, "SignatureDoesNotMatch", "x"), Code::kUnauthenticated,
             "valid credentials"},
        Case{S3Error(403, "RequestTimeTooSkewed", "x"), Code::kPermissionDenied, "clock"},
        Case{moved, Code::kFailedPrecondition, "the bucket is in eu-west-1"}}) {
    FaultServer server(InTurn({one.answer}));
    S3ObjectStore store = Store(server.url());
    const Status status = store.Get("x", 10).error();
    EXPECT_EQ(status.code(), one.code) << status;
    EXPECT_THAT(status.message(), AllOf(HasSubstr(one.advice), Not(HasSubstr(kSecret))));
  }
}

TEST_F(S3ObjectStoreTest, AStoreThatIsAwayIsNamed) {
  const std::string url = RefusingUrl();
  const Status status = Store(url).Get("x", 10).error();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr(url), HasSubstr("cannot connect"),
                                      HasSubstr("blob_store_url"), Not(HasSubstr(kSecret))));
}

TEST_F(S3ObjectStoreTest, WhatIsNotThereIsNoError) {
  FaultServer server(InTurn({S3Error(404, "NoSuchKey", "x")}));
  S3ObjectStore store = Store(server.url());
  EXPECT_EQ(store.Get("x", 10).error().code(), Code::kNotFound);
  EXPECT_FALSE(store.Look("x")->has_value());
  EXPECT_TRUE(store.Remove("x").ok());
}

TEST_F(S3ObjectStoreTest, LookTellsSizeAndAgeByTheStoresClock) {
  FaultServer server(InTurn({{.body = "12345",
                              .headers = {"Date: Thu, 01 Jan 1998 12:00:00 GMT",
                                          "Last-Modified: Thu, 01 Jan 1998 11:00:00 GMT"}}}));
  S3ObjectStore store = Store(server.url());
  const auto found = store.Look("x");
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ((*found)->size, 5);
  EXPECT_EQ((*found)->age, std::chrono::hours(1));
}

TEST_F(S3ObjectStoreTest, AListGoesOnPageByPage) {
  const auto page = [](const std::string& key, const std::string& more) {
    return FaultAnswer{
        .body = "<ListBucketResult xmlns=\"x\">" + more + "<Contents><Key>" + key +
                "</Key><LastModified>1998-01-01T10:00:00.000Z</LastModified><Size>7</Size>"
                "</Contents></ListBucketResult>",
        .headers = {"Date: Thu, 01 Jan 1998 12:00:00 GMT"}};
  };
  FaultServer server(InTurn({page("a/b/one",
                                  "<IsTruncated>true</IsTruncated>"
                                  "<NextContinuationToken>t/+=</NextContinuationToken>"),
                             page("a/b/t&amp;wo", "<IsTruncated>false</IsTruncated>")}));
  S3ObjectStore store = Store(server.url());
  std::vector<std::string> names;
  EXPECT_TRUE(store
                  .List([&](const ObjectInfo& object) {
                    names.push_back(object.name);
                    EXPECT_EQ(object.size, 7);
                    EXPECT_EQ(object.age, std::chrono::hours(2));
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_THAT(names, ElementsAre("one", "t&wo"));
  EXPECT_EQ(server.requests().at(0).target, "/bucket/?list-type=2&max-keys=1000&prefix=a%2Fb%2F");
  EXPECT_EQ(server.requests().at(1).target,
            "/bucket/?continuation-token=t%2F%2B%3D&list-type=2&max-keys=1000&prefix=a%2Fb%2F");
}

TEST_F(S3ObjectStoreTest, APageOfSomebodyElseIsNoEmptyList) {
  FaultServer server(InTurn({{.body = "<html>Log in to the network</html>"}}));
  S3ObjectStore store = Store(server.url());
  const Status status = store.List([](const ObjectInfo&) { return Status::Ok(); });
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("is it an S3 endpoint?"));
}

}  // namespace
}  // namespace aiflow::remote
