#include "model/hook_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HookCallTest, WhatIsKeptIsReadBack) {
  HookCall call;
  call.execution_id = ExecutionId(5);
  call.workflow_id = WorkflowId(2);
  call.ns = "team";
  call.workflow = "größe";
  call.status = ExecutionStatus::kSuccess;
  call.reason = "line\n\"quoted\"";
  call.begin_ms = 7;
  call.end_ms = 9;
  call.url = "http://localhost/x";
  const auto read = ParseHookCall(FormatHookCall(call));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(*read, call);
}

TEST(HookCallTest, TheMessageDoesNotTellWhereItGoes) {
  HookCall call;
  call.command = "mail ops";
  call.reason = "\xff broken";
  EXPECT_THAT(call.Message(), HasSubstr("\"status\":\"FAILED\""));
  EXPECT_THAT(call.Message(), Not(HasSubstr("mail")));
  EXPECT_THAT(call.Message(), HasSubstr("\xef\xbf\xbd broken")) << "bad UTF-8 is replaced";
}

TEST(HookCallTest, OtherTextIsRefused) {
  for (const char* text : {"", "[]", "{}", "{\"status\": \"RUNNING\"}", "{\"status\": 3}", "{"}) {
    EXPECT_FALSE(ParseHookCall(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace aiflow
