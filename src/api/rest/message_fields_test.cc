#include "api/rest/message_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "aiflow/v1/event_log.pb.h"
#include "aiflow/v1/orchestrator.pb.h"

namespace aiflow::api::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(MessageFieldsTest, TextBecomesTheTypeOfTheField) {
  v1::ListEventsRequest request;
  EXPECT_TRUE(SetField("page_size", "7", &request).ok());
  EXPECT_TRUE(SetField("after_offset", "-9223372036854775808", &request).ok());
  EXPECT_TRUE(SetField("include_internal", "true", &request).ok());
  EXPECT_TRUE(SetField("key", "\xC3\xA4", &request).ok());
  EXPECT_TRUE(SetField("kinds", "USER", &request).ok());
  EXPECT_TRUE(SetField("kinds", "INTERNAL", &request).ok());
  EXPECT_EQ(request.page_size(), 7);
  EXPECT_EQ(request.after_offset(), INT64_MIN);
  EXPECT_TRUE(request.include_internal());
  EXPECT_EQ(request.key(), "\xC3\xA4");
  EXPECT_THAT(request.kinds(), ElementsAre("USER", "INTERNAL"));
}

TEST(MessageFieldsTest, FieldsWithinMessagesAreNamedByPath) {
  v1::PublishEventRequest request;
  EXPECT_TRUE(SetField("event.key", "k", &request).ok());
  EXPECT_EQ(request.event().key(), "k");
}

struct Refusal {
  const char* path;
  const char* value;
  const char* says;
};
class MessageFieldsRefuseTest : public testing::TestWithParam<Refusal> {};

TEST_P(MessageFieldsRefuseTest, SaysWhatIsWrong) {
  v1::ListEventsRequest request;
  request.set_sender("already");
  const Status status = SetField(GetParam().path, GetParam().value, &request);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MessageFieldsRefuseTest,
    testing::Values(
        Refusal{"page_sise", "1", "did you mean page_size?"},
        Refusal{"page", "1", "did you mean page_size?"}, Refusal{"zebra", "1", "is unknown here"},
        Refusal{"key.x", "1", "is unknown here"},
        Refusal{"page_size", "2147483648", "a whole number of 32 bits"},
        Refusal{"page_size", "1e3", "a whole number"}, Refusal{"page_size", "", "a whole number"},
        Refusal{"after_offset", "9223372036854775808", "of 64 bits"},
        Refusal{"include_internal", "1", "true or false"}, Refusal{"key", "\xFF", "is not UTF-8"},
        Refusal{"sender", "b", "is given twice"}));

TEST(MessageFieldsTest, BytesAndListsOfMessagesBelongInTheBody) {
  v1::UploadWorkflowsRequest upload;
  EXPECT_THAT(SetField("bundle_chunk", "x", &upload).message(), HasSubstr("in the body"));
  v1::AddNamespaceRequest add;
  EXPECT_THAT(SetField("properties", "x", &add).message(), HasSubstr("in the body"));
}

}  // namespace
}  // namespace aiflow::api::rest
