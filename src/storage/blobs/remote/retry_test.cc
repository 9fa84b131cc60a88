#include "storage/blobs/remote/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "storage/blobs/remote/fault_server.h"

namespace aiflow::remote {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr RetryLimits kQuick{
    .attempts = 3, .total = Millis(20'000), .first_delay = Millis(1), .max_delay = Millis(5)};

class RetryTest : public testing::Test {
 protected:
  Result<HttpAnswer> Get(const std::string& url, const RetryLimits& limits = kQuick,
                         size_t max_answer = 1 << 20) {
    Retrier retrier(limits, stop_);
    auto answer = retrier.Run([&](Millis timeout) {
      return http_.Send(
          {.method = "GET", .url = url, .timeout = timeout, .max_answer = max_answer});
    });
    retries_ = retrier.counters().retries;
    given_up_ = retrier.counters().given_up;
    return answer;
  }

  StopFlag stop_;
  HttpClient http_{"", stop_};
  int64_t retries_ = 0;
  int64_t given_up_ = 0;
};

TEST_F(RetryTest, WhatIsAnsweredIsAskedOnce) {
  FaultServer server(InTurn({{.body = "hello"}}));
  EXPECT_EQ(Get(server.url())->body, "hello");
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(retries_, 0);
}

TEST_F(RetryTest, ABusyServerIsAskedAgain) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    FaultServer server(InTurn({{.status = status}, {.body = "at last"}}));
    const auto answer = Get(server.url());
    ASSERT_TRUE(answer.has_value()) << status << " " << answer.error();
    EXPECT_EQ(answer->body, "at last");
    EXPECT_EQ(retries_, 1);
  }
}

TEST_F(RetryTest, ARefusalIsAnAnswer) {
  for (const int status : {301, 400, 403, 404, 409, 501}) {
    FaultServer server(InTurn({{.status = status}}));
    EXPECT_EQ(Get(server.url())->status, status);
    EXPECT_EQ(server.requests().size(), 1U) << status;
  }
}

TEST_F(RetryTest, AResetOrCutBodyIsFetchedAgain) {
  const std::string body(100'000, 'x');
  FaultServer server(InTurn(
      {{.body = body, .reset_after = 50'000}, {.body = body, .close_after = 10}, {.body = body}}));
  const auto answer = Get(server.url());
  ASSERT_TRUE(answer.has_value()) << answer.error();
  EXPECT_EQ(answer->body, body);
  EXPECT_EQ(retries_, 2);
}

TEST_F(RetryTest, ARefusedConnectionIsTriedSoOftenAndThenNamed) {
  const auto answer = Get(RefusingUrl());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), Code::kUnavailable);
  EXPECT_THAT(answer.error().message(),
              AllOf(HasSubstr("cannot connect"), HasSubstr("3 attempts")));
  EXPECT_EQ(retries_, 2);
  EXPECT_EQ(given_up_, 1);
}

TEST_F(RetryTest, AnEndlessRefusalNamesTheStatus) {
  FaultServer server(InTurn({{.status = 503}}));
  EXPECT_THAT(Get(server.url()).error().message(), HasSubstr("HTTP 503 (3 attempts"));
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(RetryTest, ASilentServerIsLeftWhenTheTimeIsOver) {
  FaultServer server(InTurn({{.silent = true}}));
  RetryLimits limits = kQuick;
  limits.total = Millis(200);
  const auto begun = std::chrono::steady_clock::now();
  const auto answer = Get(server.url(), limits);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message(), HasSubstr("no complete answer in time"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(RetryTest, RetryAfterThatIsBeyondTheTimeLimitEndsIt) {
  FaultServer server(InTurn({{.status = 429, .headers = {"Retry-After: 3000"}}}));
  EXPECT_EQ(Get(server.url()).error().code(), Code::kUnavailable);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(RetryTest, AnAnswerOverTheLimitIsNotTakenIn) {
  FaultServer server(InTurn({{.body = std::string(1'000, 'x')}}));
  EXPECT_EQ(Get(server.url(), kQuick, 999).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(Get(server.url(), kQuick, 1'000)->body.size(), 1'000U);
}

TEST_F(RetryTest, AStopEndsPauseAndTransfer) {
  FaultServer silent(InTurn({{.silent = true}}));
  RetryLimits limits = kQuick;
  limits.first_delay = limits.max_delay = Millis(15'000);
  for (const std::string& url : {silent.url(), RefusingUrl()}) {
    StopFlag stop;
    HttpClient http("", stop);
    Retrier retrier(limits, stop);
    std::thread stopper([&] { stop.Set(); });
    const auto answer = retrier.Run([&](Millis timeout) {
      return http.Send({.method = "GET", .url = url, .timeout = timeout});
    });
    stopper.join();
    EXPECT_EQ(answer.error().code(), Code::kCancelled);
  }
}

TEST_F(RetryTest, OtherProtocolsAreRefused) {
  EXPECT_EQ(Get("file:///etc/passwd").error().code(), Code::kFailedPrecondition);
}

TEST(UrlEncodeTest, KeepsWhatIsUnreserved) {
  EXPECT_EQ(UrlEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(UrlEncode("a/b c+ä"), "a%2Fb%20c%2B%C3%A4");
}

}  // namespace
}  // namespace aiflow::remote
