#include "runner/messages.h"

#include <gtest/gtest.h>

#include <cstring>

namespace aiflow::runner {
namespace {

void Feed(MessageReader& reader, std::string_view bytes) {
  std::memcpy(reader.Reserve(bytes.size()), bytes.data(), bytes.size());
  reader.Commit(bytes.size());
}

AttemptCommand SampleStart() {
  return {.verb = Verb::kStart,
          .attempt = "17-2-1-1",
          .dir = "/home/attempts/17/2-1-1",
          .token = "secret",
          .epoch = 9,
          .stop_grace_ms = 1500,
          .signal_group = false,
          .seen_running = true,
          .log_max_bytes = 1LL << 40,
          .refusal = "no",
          .working_dir = "/work",
          .argv = {"bash", "-c", std::string(100'000, 'x')},
          .env = {"A=1", "B="},
          .files = {{"CONTEXT", std::string("\0\xff", 2)}},
          .secrets = {"one", "two\nlines"}};
}

TEST(MessagesTest, CommandArrivesAsItWasSentByteByByte) {
  const AttemptCommand sent = SampleStart();
  const std::string frame = EncodeMessage(sent);
  MessageReader reader;
  for (size_t i = 0; i + 1 < frame.size(); ++i) {
    Feed(reader, frame.substr(i, 1));
    if (i % 1000 == 0) {
      const auto none = reader.Next();
      ASSERT_TRUE(none && !*none);
    }
  }
  Feed(reader, frame.substr(frame.size() - 1));
  const auto message = reader.Next();
  ASSERT_TRUE(message && *message);
  const auto& got = std::get<AttemptCommand>(**message);
  EXPECT_EQ(got.verb, sent.verb);
  EXPECT_EQ(got.attempt, sent.attempt);
  EXPECT_EQ(got.dir, sent.dir);
  EXPECT_EQ(got.token, sent.token);
  EXPECT_EQ(got.epoch, sent.epoch);
  EXPECT_EQ(got.stop_grace_ms, sent.stop_grace_ms);
  EXPECT_EQ(got.signal_group, sent.signal_group);
  EXPECT_EQ(got.seen_running, sent.seen_running);
  EXPECT_EQ(got.refusal, sent.refusal);
  EXPECT_EQ(got.working_dir, sent.working_dir);
  EXPECT_EQ(got.argv, sent.argv);
  EXPECT_EQ(got.env, sent.env);
  EXPECT_EQ(got.files, sent.files);
  EXPECT_EQ(got.secrets, sent.secrets);
  EXPECT_EQ(got.log_max_bytes, sent.log_max_bytes);
}

TEST(MessagesTest, SeveralMessagesOfEachKindInOneReadArriveInOrder) {
  MessageReader reader;
  Feed(reader, EncodeMessage(Hello{.epoch = 7}) + EncodeMessage(Forget{"1-1-1-1"}) +
                   EncodeMessage(Quit{.kill = true}) + EncodeMessage(Welcome{.pid = 5}) +
                   EncodeMessage(Refused{.highest_epoch = 8, .text = "late"}) +
                   EncodeMessage(Report{"k", "t", 4, 77, -1, "why"}));
  const auto next = [&] { return reader.Next().value().value(); };
  EXPECT_EQ(std::get<Hello>(next()).epoch, 7);
  EXPECT_EQ(std::get<Forget>(next()).attempt, "1-1-1-1");
  EXPECT_TRUE(std::get<Quit>(next()).kill);
  EXPECT_EQ(std::get<Welcome>(next()).pid, 5);
  EXPECT_EQ(std::get<Refused>(next()).highest_epoch, 8);
  const auto report = std::get<Report>(next());
  EXPECT_EQ(report.status, 4);
  EXPECT_EQ(report.exit_code, -1);
  EXPECT_EQ(report.reason, "why");
  EXPECT_FALSE(reader.Next().value());
}

TEST(MessagesTest, EveryTruncatedCommandIsRefused) {
  AttemptCommand small = SampleStart();
  small.argv = {"true"};
  const std::string frame = EncodeMessage(small);
  for (size_t body = 1; body + 4 < frame.size(); ++body) {
    std::string cut = frame.substr(0, body + 4);
    for (size_t i = 0; i < 4; ++i) cut[i] = static_cast<char>(body >> (8 * i));
    MessageReader reader;
    Feed(reader, cut);
    EXPECT_FALSE(reader.Next()) << body;
  }
}

TEST(MessagesTest, FrameThatIsTooLongOrOfAnUnknownTypeIsRefused) {
  MessageReader endless;
  Feed(endless, std::string("\xff\xff\xff\xff\x01", 5));
  EXPECT_FALSE(endless.Next());
  MessageReader unknown;
  Feed(unknown, std::string("\x01\x00\x00\x00\x63", 5));
  EXPECT_FALSE(unknown.Next());
}

}  // namespace
}  // namespace aiflow::runner
