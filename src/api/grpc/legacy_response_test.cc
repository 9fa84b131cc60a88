#include "api/grpc/legacy_response.h"

#include <gtest/gtest.h>

#include "ai_flow/message.pb.h"

namespace aiflow::api {
namespace {

TEST(LegacyResponseTest, EveryFailureHasTheCodeOfItsKind) {
  EXPECT_EQ(LegacyCode(Code::kOk), "0");
  EXPECT_EQ(LegacyCode(Code::kUnavailable), "2") << "overload: try again";
  EXPECT_EQ(LegacyCode(Code::kInvalidArgument), "1000");
  EXPECT_EQ(LegacyCode(Code::kFailedPrecondition), "1003");
  EXPECT_EQ(LegacyCode(Code::kAlreadyExists), "2001");
  EXPECT_EQ(LegacyCode(Code::kNotFound), "2002");
}

TEST(LegacyResponseTest, AFailureHasItsTextAndNoData) {
  ai_flow::Response response;
  SetLegacyError(Status(Code::kUnavailable, "too many requests wait"), &response);
  EXPECT_EQ(response.return_code(), "2");
  EXPECT_EQ(response.error_msg(), "too many requests wait");
  EXPECT_EQ(response.data(), "");
}

TEST(LegacyResponseTest, NothingFoundIsTheTextThatOldClientsLookFor) {
  ai_flow::Response response;
  SetLegacyNothing(&response);
  EXPECT_EQ(response.return_code(), "2002");
  EXPECT_EQ(response.error_msg(), "resource_does_not_exist");
}

}  // namespace
}  // namespace aiflow::api
