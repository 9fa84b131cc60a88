#include "plugin/plugin_messages.h"

#include <gmock/gmock.h>

namespace aiflow::plugin {
namespace {

using testing::HasSubstr;

pb::Report Report(pb::AttemptStatus status) {
  pb::Report report;
  report.set_key("17-2-1-1");
  report.set_token("t");
  report.set_status(status);
  return report;
}

AttemptSpec Spec() {
  AttemptSpec spec;
  spec.key = {.execution = ExecutionId(17), .task = 2, .sequence = 1, .try_number = 1};
  spec.token = "t";
  spec.argv = {"echo"};
  return spec;
}

const AttemptPlace kPlace{.executor = "far", .attempts_dir = "/home/attempts"};

TEST(PluginMessagesTest, KeysAreTakenAsTheyAreWrittenOnly) {
  ASSERT_TRUE(ParseAttemptKey("17-2-1-3").has_value());
  EXPECT_EQ(ParseAttemptKey("17-2-1-3")->try_number, 3);
  for (const char* text :
       {"", "17", "17-2-1", "17-2-1-", "17-2-1-1-1", "017-2-1-1", "17-2-1-1 ", "../../etc",
        "-17-2-1-1", "17--2-1-1", "17-99999999999-1-1", "99999999999999999999-1-1-1"}) {
    EXPECT_FALSE(ParseAttemptKey(text).has_value()) << text;
  }
}

TEST(PluginMessagesTest, ReportsOfNoKeyOrStatusAreRefused) {
  EXPECT_FALSE(ReadReport(Report(pb::ATTEMPT_STATUS_UNSPECIFIED)).has_value());
  pb::Report other = Report(pb::ATTEMPT_STATUS_RUNNING);
  other.set_status(static_cast<pb::AttemptStatus>(77));
  EXPECT_THAT(ReadReport(other).error().message(), HasSubstr("status 77"));
  other = Report(pb::ATTEMPT_STATUS_RUNNING);
  other.set_key("../../x\n");
  EXPECT_THAT(ReadReport(other).error().message(), HasSubstr("no key of an attempt"));
}

TEST(PluginMessagesTest, ReasonIsOneLineWithinItsLimit) {
  pb::Report report = Report(pb::ATTEMPT_STATUS_FAILED);
  report.set_reason("first\nsecond " + std::string(10'000, 'x'));
  const auto read = ReadReport(report);
  ASSERT_TRUE(read.has_value());
  EXPECT_LE(read->report.reason.size(), kMaxReasonBytes);
  EXPECT_EQ(read->report.reason.find('\n'), std::string::npos);
}

TEST(PluginMessagesTest, FailureWithoutAReasonGetsOne) {
  pb::Report report = Report(pb::ATTEMPT_STATUS_FAILED);
  EXPECT_EQ(ReadReport(report)->report.reason, "its executor gives no reason");
  report.set_exit_code(4);
  EXPECT_EQ(ReadReport(report)->report.reason, "exit code 4");
}

TEST(PluginMessagesTest, OutputCountsWithSuccessAndAsTextOnly) {
  pb::Report report = Report(pb::ATTEMPT_STATUS_SUCCESS);
  report.set_output("out");
  EXPECT_EQ(ReadReport(report)->report.output, "out");
  report.set_output("\xff");
  EXPECT_EQ(ReadReport(report)->report.output, "");
  EXPECT_THAT(ReadReport(report)->report.reason, HasSubstr("no UTF-8"));
  report.set_output(std::string(65'537, 'x'));
  EXPECT_THAT(ReadReport(report)->report.reason, HasSubstr("more than 65536 bytes"));
  report = Report(pb::ATTEMPT_STATUS_FAILED);
  report.set_output("out");
  EXPECT_EQ(ReadReport(report)->report.output, "");
}

TEST(PluginMessagesTest, AttemptSaysWhereItsFilesAre) {
  AttemptSpec spec = Spec();
  spec.env = {{"A", "1"}};
  spec.files = {{"F", std::string("\0\xff", 2)}};
  const pb::Attempt attempt = WriteAttempt(spec, kPlace);
  EXPECT_EQ(attempt.key(), "17-2-1-1");
  EXPECT_EQ(attempt.attempt_dir(), "/home/attempts/17/2-1-1");
  EXPECT_EQ(attempt.log_path(), "/home/attempts/17/2-1-1/log");
  EXPECT_EQ(attempt.env().at("A"), "1");
  EXPECT_EQ(attempt.files().at("F"), std::string("\0\xff", 2));
  EXPECT_EQ(attempt.refusal(), "");
}

TEST(PluginMessagesTest, SecretsGoOnlyToWhoMasksThem) {
  AttemptSpec spec = Spec();
  spec.env = {{"PASSWORD", "hunter22"}};
  spec.secrets = {"hunter22", "1"};
  const pb::Attempt refused = WriteAttempt(spec, kPlace);
  EXPECT_THAT(refused.refusal(), HasSubstr("executor far masks no secrets"));
  EXPECT_THAT(refused.SerializeAsString(), testing::Not(HasSubstr("hunter22")));
  AttemptPlace masking = kPlace;
  masking.masks_secrets = true;
  const pb::Attempt attempt = WriteAttempt(spec, masking);
  EXPECT_EQ(attempt.refusal(), "");
  EXPECT_THAT(attempt.secrets(), testing::ElementsAre("hunter22"));
  spec.secrets = {"1", "true"};
  EXPECT_EQ(WriteAttempt(spec, kPlace).refusal(), "");
}

TEST(PluginMessagesTest, WhatAPlugInCannotBeGivenIsRefused) {
  AttemptSpec spec = Spec();
  spec.files = {{"F", std::string(kMaxPayloadBytes, 'x')}};
  const pb::Attempt large = WriteAttempt(spec, kPlace);
  EXPECT_THAT(large.refusal(), HasSubstr("no more than 3145728"));
  EXPECT_TRUE(large.files().empty());
  spec = Spec();
  spec.env = {{"BAD", "\xff"}};
  EXPECT_THAT(WriteAttempt(spec, kPlace).refusal(), HasSubstr("the variable BAD is no UTF-8"));
}

}  // namespace
}  // namespace aiflow::plugin
