#include "api/access/tls.h"

#include <gtest/gtest.h>

#include "api/access/connection_for_test.h"
#include "api/access/tls_for_test.h"

namespace aiflow::api {
namespace {

class TlsTest : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const SelfSigned own_{directory_.path()};

  Status Refusal(const std::filesystem::path& certificate, const std::filesystem::path& key,
                 const std::filesystem::path& ca = {}) {
    const Result<Tls> tls = ReadTls(certificate, key, ca);
    return tls.has_value() ? Status::Ok() : tls.error();
  }
};

TEST_F(TlsTest, ReadsWhatFitsTogether) {
  const Result<Tls> tls = ReadTls(own_.certificate_file, own_.key_file, own_.certificate_file);
  ASSERT_TRUE(tls.has_value()) << tls.error();
  EXPECT_EQ(tls->certificate, own_.certificate);
  EXPECT_EQ(tls->key, own_.private_key);
  EXPECT_EQ(tls->client_ca, own_.certificate);
}

TEST_F(TlsTest, RefusesHalfOfIt) {
  EXPECT_EQ(Refusal("", own_.key_file).code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(own_.certificate_file, "").code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal("", "", own_.certificate_file).code(), Code::kInvalidArgument);
}

TEST_F(TlsTest, RefusesFilesThatAreMissingOrSomethingElse) {
  const std::filesystem::path none = directory_.path() / "none";
  EXPECT_EQ(Refusal(none, own_.key_file).code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(own_.certificate_file, none).code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(own_.certificate_file, own_.key_file, none).code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(own_.key_file, own_.key_file).code(), Code::kInvalidArgument);
  chmod(own_.certificate_file.c_str(), 0600);
  const Status status = Refusal(own_.certificate_file, own_.certificate_file);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("no private key"), std::string::npos) << status;
}

TEST_F(TlsTest, RefusesAKeyOfAnotherCertificateOrOneThatOthersMayRead) {
  const SelfSigned other(directory_.path(), "other");
  const Status status = Refusal(own_.certificate_file, other.key_file);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("not the key of"), std::string::npos) << status;
  chmod(own_.key_file.c_str(), 0644);
  EXPECT_EQ(Refusal(own_.certificate_file, own_.key_file).code(), Code::kPermissionDenied);
}

}  // namespace
}  // namespace aiflow::api
