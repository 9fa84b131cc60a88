// REST over a real service within the process, on a log in memory; no sockets on the way.
#include "api/rest/transcoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/grpc/grpc_server.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;
using namespace std::chrono_literals;

class TranscoderTest : public testing::Test {
 protected:
  TranscoderTest()
      : log_(SystemClock(), "log"),
        service_(log_, {}),
        server_(*GrpcServer::StartNotification(service_, "127.0.0.1", 0)) {
    TranscoderOptions options;
    options.max_body_bytes = 4096;
    transcoder_ = *Transcoder::Make({{"aiflow.v1.EventLog", server_->InProcessChannel()}}, options);
  }

  HttpAnswer Call(const std::string& method, const std::string& target,
                  const std::string& body = "",
                  const std::map<std::string, std::string>& headers = {}) {
    const size_t question = target.find('?');
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.header = [headers](const std::string& name) {
      const auto found = headers.find(name);
      return found == headers.end() ? std::string() : found->second;
    };
    return transcoder_->Handle(request, [&body](const auto& take) {
      // In pieces, as a connection has them.
      for (size_t at = 0; at < body.size(); at += 1000) {
        if (!take(std::string_view(body).substr(at, 1000))) {
          return Status(Code::kCancelled, "not wanted");
        }
      }
      return Status::Ok();
    });
  }

  Json Send(const std::string& key, const std::string& event_id = "") {
    const HttpAnswer answer =
        Call("POST", "/api/v1/events", Json{{"key", key}}.dump(), {{"Idempotency-Key", event_id}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }

  static Json Error(const HttpAnswer& answer) {
    EXPECT_EQ(answer.content_type, "application/json");
    return Json::parse(answer.body)["error"];
  }

  MemoryLog log_;
  LogService service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<Transcoder> transcoder_;
};

TEST_F(TranscoderTest, ABodyBecomesARequestAndTheResponseJson) {
  const Json stored = Send("k");
  EXPECT_EQ(stored["event"]["key"], "k");
  EXPECT_EQ(stored["event"]["offset"], "1");  // 64-bit numbers are strings
  EXPECT_EQ(stored["duplicate"], false);      // and nothing is left out
}

TEST_F(TranscoderTest, TheIdempotencyKeyMakesARepetitionChangeNothing) {
  EXPECT_EQ(Send("k", "hour-1")["event"]["offset"], "1");
  const Json again = Send("k", "hour-1");
  EXPECT_EQ(again["event"]["offset"], "1");
  EXPECT_EQ(again["duplicate"], true);
  EXPECT_EQ(log_.head(), 1);
  const HttpAnswer other =
      Call("POST", "/api/v1/events", R"({"key":"other"})", {{"Idempotency-Key", "hour-1"}});
  EXPECT_EQ(other.status, 409);
}

TEST_F(TranscoderTest, AKeyInTheRequestAndAnotherInTheHeaderAreRefused) {
  const HttpAnswer answer =
      Call("POST", "/api/v1/events?event_id=a", R"({"key":"k"})", {{"Idempotency-Key", "b"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(Error(answer)["message"], HasSubstr("Idempotency-Key"));
  EXPECT_EQ(Call("POST", "/api/v1/events?event_id=a", R"({"key":"k"})", {{"Idempotency-Key", "a"}})
                .status,
            200);
}

TEST_F(TranscoderTest, QueryParametersAreFieldsOfTheRequest) {
  for (const char* key : {"a", "b", "a b"}) Send(key);
  const Json page = Json::parse(Call("GET", "/api/v1/events?key=a+b&kinds=USER").body);
  ASSERT_EQ(page["events"].size(), 1U);
  EXPECT_EQ(page["events"][0]["offset"], "3");
  EXPECT_EQ(page["next_page_token"], "");
}

TEST_F(TranscoderTest, PagesFollowEachOther) {
  for (int i = 0; i < 5; ++i) Send(std::to_string(i));
  std::string token;
  std::vector<std::string> keys;
  do {
    const Json page = Json::parse(
        Call("GET", "/api/v1/events?page_size=2&order_by=offset%20desc&page_token=" + token).body);
    for (const Json& event : page["events"]) keys.push_back(event["key"]);
    token = page["next_page_token"];
  } while (!token.empty());
  EXPECT_THAT(keys, ElementsAre("4", "3", "2", "1", "0"));
}

struct Refused {
  const char* method;
  const char* target;
  std::string body;
  int status;
  const char* says;
};
class TranscoderRefusesTest : public TranscoderTest, public testing::WithParamInterface<Refused> {};

TEST_P(TranscoderRefusesTest, SaysWhatIsWrongAndStoresNothing) {
  const Refused& refused = GetParam();
  const HttpAnswer answer = Call(refused.method, refused.target, refused.body);
  EXPECT_EQ(answer.status, refused.status) << answer.body;
  EXPECT_THAT(Error(answer)["message"], HasSubstr(refused.says));
  EXPECT_EQ(log_.head(), 0);
}

const std::string kDeep = "{\"key\":" + std::string(1500, '[') + std::string(1500, ']') + "}";
const std::string kLarge = "{\"key\":\"" + std::string(5000, 'x') + "\"}";

INSTANTIATE_TEST_SUITE_P(
    Cases, TranscoderRefusesTest,
    testing::Values(
        Refused{"POST", "/api/v1/events", "{\"key\":\"k\"", 400, "the body is not what"},
        Refused{"POST", "/api/v1/events", "[]", 400, "the body is not what"},
        Refused{"POST", "/api/v1/events", "\"k\"", 400, "the body is not what"},
        Refused{"POST", "/api/v1/events", "{\"kee\":\"k\"}", 400, "kee"},
        Refused{"POST", "/api/v1/events", "{\"key\":\"k\",\"offset\":\"x\"}", 400, "offset"},
        Refused{"POST", "/api/v1/events", "{\"key\":\"\\ud800\"}", 400, "the body is not what"},
        Refused{"POST", "/api/v1/events", "{\"key\":\"\xFF\"}", 400, ""},
        Refused{"POST", "/api/v1/events", kDeep, 400, ""},
        Refused{"POST", "/api/v1/events", kLarge, 413, "max_body_bytes 4096"},
        Refused{"POST", "/api/v1/events", "{}", 400, "key"},
        Refused{"GET", "/api/v1/events", "{}", 400, "has no body"},
        Refused{"GET", "/api/v1/events?page_size=-1", "", 400, "negative"},
        Refused{"GET", "/api/v1/events?after_offset=-1", "", 400, "negative"},
        Refused{"GET", "/api/v1/events?page_token=zz", "", 400, "page_token"},
        Refused{"GET", "/api/v1/events?order_by=key", "", 400, "order_by"},
        Refused{"GET", "/api/v1/events?kinds=MINE", "", 400, "MINE"},
        Refused{"GET", "/api/v1/events?key=a&key=b", "", 400, "is given twice"},
        Refused{"GET", "/api/v1/events?include_internal=false&include_internal=true", "", 400,
                "is given twice"},
        Refused{"GET", "/api/v1/events?key=%", "", 400, "no URL encoding"},
        Refused{"GET", "/api/v1/nothing", "", 404, "openapi.json"},
        Refused{"DELETE", "/api/v1/events", "", 405, "GET, POST"}));

TEST_F(TranscoderTest, AStreamIsToldAsServerSentEventsWithTheOffsetAsId) {
  Send("a");
  Send("b");
  HttpAnswer answer = Call("GET", "/api/v1/events/stream");
  EXPECT_EQ(answer.content_type, "text/event-stream");
  ASSERT_NE(answer.stream, nullptr);
  std::string text;
  ASSERT_EQ(answer.stream->Read(&text, 10s), TextStream::Next::kText);
  EXPECT_THAT(text, HasSubstr("id: 1\ndata: {"));
  EXPECT_THAT(text, HasSubstr("id: 2\ndata: {"));
  EXPECT_THAT(text, testing::EndsWith("\n\n"));
  // What comes later is told when it comes.
  Send("c");
  ASSERT_EQ(answer.stream->Read(&text, 10s), TextStream::Next::kText);
  EXPECT_THAT(text, HasSubstr("id: 3\n"));
  EXPECT_EQ(answer.stream->Read(&text, 1ms), TextStream::Next::kNothingYet);
}

TEST_F(TranscoderTest, AStreamGoesOnBehindTheLastIdThatWasSeen) {
  for (const char* key : {"a", "b", "c"}) Send(key);
  HttpAnswer answer = Call("GET", "/api/v1/events/stream", "", {{"Last-Event-ID", "2"}});
  std::string text;
  ASSERT_EQ(answer.stream->Read(&text, 10s), TextStream::Next::kText);
  EXPECT_THAT(text, testing::StartsWith("id: 3\n"));
  EXPECT_EQ(Call("GET", "/api/v1/events/stream", "", {{"Last-Event-ID", "x"}}).status, 400);
  // Also when the reader began with what is new.
  answer = Call("GET", "/api/v1/events/stream?from_now=true", "", {{"Last-Event-ID", "1"}});
  ASSERT_EQ(answer.stream->Read(&text, 10s), TextStream::Next::kText);
  EXPECT_THAT(text, testing::StartsWith("id: 2\n"));
}

// However many events a filter keeps from a reader, they cost neither stack nor memory.
TEST_F(TranscoderTest, AStreamPassesOverManyEventsThatItDoesNotTell) {
  Event other;
  other.key = "other";
  other.value = std::string(1000, 'x');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(log_.Append(std::vector<Event>(1000, other)).has_value());
  }
  Send("mine");
  HttpAnswer answer = Call("GET", "/api/v1/events/stream?keys=mine&keys=yours");
  std::string text;
  ASSERT_EQ(answer.stream->Read(&text, 60s), TextStream::Next::kText);
  EXPECT_THAT(text, testing::StartsWith("id: 100001\n"));
}

TEST_F(TranscoderTest, ACancelledStreamEnds) {
  HttpAnswer answer = Call("GET", "/api/v1/events/stream");
  answer.stream->Cancel();
  std::string text;
  EXPECT_EQ(answer.stream->Read(&text, 10s), TextStream::Next::kEnd);
  EXPECT_THAT(text, HasSubstr("event: error"));
}

TEST_F(TranscoderTest, AStreamThatIsRefusedAtOnceIsNoStream) {
  EXPECT_EQ(Call("GET", "/api/v1/events/stream?kinds=MINE").status, 400);
}

constexpr std::array kReading = {"Get", "List", "Watch", "Explain", "Read", "Subscribe"};

// GET changes nothing: only methods that read have it, and none that reads has another.
TEST(TranscoderRoutesTest, MethodsThatReadAreGetAndOthersAreNot) {
  MemoryLog log(SystemClock(), "log");
  LogService service(log, {});
  const auto server = *GrpcServer::StartNotification(service, "127.0.0.1", 0);
  const auto channel = server->InProcessChannel();
  const auto transcoder =
      *Transcoder::Make({{"aiflow.v1.EventLog", channel}, {"aiflow.v1.Orchestrator", channel}}, {});
  const Json document = Json::parse(transcoder->openapi());
  size_t operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [verb, operation] : methods.items()) {
      const std::string name = operation["operationId"];
      const bool reads = std::any_of(kReading.begin(), kReading.end(), [&name](const char* prefix) {
        return name.starts_with(prefix);
      });
      EXPECT_EQ(verb == "get", reads) << name << " is " << verb << " " << path;
      ++operations;
    }
  }
  EXPECT_GE(operations, 55U);
}

TEST(TranscoderRoutesTest, AnUnknownServiceIsRefused) {
  EXPECT_EQ(Transcoder::Make({{"aiflow.v1.Nothing", nullptr}}, {}).error().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace aiflow::api::rest
