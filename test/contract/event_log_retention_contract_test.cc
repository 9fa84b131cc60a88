// Removing old events: what goes, what stays, and what is known of what went.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "event_log_contract_fixture.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename World>
class EventLogRetentionTest : public EventLogContract<World> {
 protected:
  Event OfClient(int64_t client, int64_t sequence) {
    return this->Make("key", "v", "c/" + std::to_string(client) + "/" + std::to_string(sequence));
  }
  Status Refusal(const Event& event) {
    const auto result = this->Append({event})[0];
    return result ? Status::Ok() : result.error();
  }
};
TYPED_TEST_SUITE(EventLogRetentionTest, EventLogWorlds);

TYPED_TEST(EventLogRetentionTest, Rule5RemovesBelowTheOffsetAndNothingElse) {
  this->Fill(60);
  const std::vector<Event> before = this->ReadAll();
  Offset first = 1;
  for (const Offset offset : {1, 2, 20, 10, 45}) {
    const Offset kept = this->Drop(offset);
    EXPECT_GE(kept, first);
    EXPECT_LE(kept, std::max(first, offset));
    first = kept;
    EXPECT_EQ(this->log().head(), 60);
    const auto after = this->log().Read(first - 1, 1000, 1 << 30);
    ASSERT_TRUE(after.has_value()) << after.error();
    EXPECT_EQ(*after, std::vector<Event>(before.begin() + first - 1, before.end()));
    this->Reopen();
    EXPECT_EQ(this->log().first(), first);
    EXPECT_EQ(*this->log().Read(first - 1, 1000, 1 << 30), *after);
  }
  EXPECT_GT(first, 30);
}

TYPED_TEST(EventLogRetentionTest, Rule5ReadingBelowTheFirstOffsetNamesIt) {
  this->Fill(40);
  const Offset first = this->Drop(30);
  ASSERT_GT(first, 2);
  for (const Offset after : {Offset{0}, first - 2}) {
    const auto read = this->log().Read(after, 10, 1 << 20);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), Code::kOutOfRange);
    EXPECT_THAT(read.error().message(), HasSubstr("first offset is " + std::to_string(first)));
    EventFilter filter{.key = "key", .after = after, .refuse_gap = true};
    EXPECT_EQ(this->log().List(filter, 10, 1 << 20).error().code(), Code::kOutOfRange);
  }
  EXPECT_EQ(this->log().Read(first - 1, 1, 1)->front().offset, first);
  EXPECT_EQ(this->log().List({.after = first - 1, .refuse_gap = true}, 1, 1 << 20)->front().offset,
            first);
}

TYPED_TEST(EventLogRetentionTest, Rule5OldListsBeginAtTheFirstOffset) {
  this->Fill(40);
  const Offset first = this->Drop(30);
  EXPECT_EQ(this->Offsets({}).front(), first);
  EXPECT_EQ(this->Offsets({.key = "key", .after = 2}).size(), static_cast<size_t>(41 - first));
  EXPECT_THAT(this->Offsets({.until = first - 1}), IsEmpty());
  EXPECT_EQ(this->log().Count({})->first, 41 - first);
}

TYPED_TEST(EventLogRetentionTest, Rule1OffsetsAndTimesGoOnWhenEverythingWasRemoved) {
  this->clock_.Set(5000);
  this->Fill(30);
  EXPECT_EQ(this->Drop(31), 31);
  EXPECT_EQ(this->log().head(), 30);
  EXPECT_THAT(*this->log().Read(30, 10, 1 << 20), IsEmpty());
  EXPECT_EQ(this->log().Read(29, 10, 1 << 20).error().code(), Code::kOutOfRange);
  this->clock_.Set(100);
  for (int round = 0; round < 2; ++round) {
    this->Reopen();
    EXPECT_EQ(this->log().first(), 31);
    EXPECT_EQ(this->log().head(), 30);
    EXPECT_THAT(this->Offsets({}), IsEmpty());
  }
  const AppendResult result = this->AppendOne(this->Make("after"));
  EXPECT_EQ(result.offset, 31);
  EXPECT_EQ(result.create_time, Millis(5000));
  EXPECT_EQ(this->Drop(32), 32);
  EXPECT_EQ(this->AppendOne(this->Make("again")).offset, 32);
}

TYPED_TEST(EventLogRetentionTest, AnOffsetBeyondTheHeadIsRefused) {
  this->Fill(3);
  const auto refused = this->log().DropBefore(5);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("the last one is 3"));
  EXPECT_EQ(this->log().first(), 1);
  EXPECT_EQ(this->Drop(0), 1);
  EXPECT_EQ(this->Drop(-7), 1);
}

TYPED_TEST(EventLogRetentionTest, Rule4KeysOutliveTheirEvents) {
  this->clock_.Set(2000);
  this->Fill(40);
  ASSERT_EQ(this->Drop(41), 41);
  this->clock_.Set(3000);
  for (int round = 0; round < 2; ++round) {
    for (const Offset offset : {1, 17, 40}) {
      const auto repeated = this->Repeat(offset);
      ASSERT_TRUE(repeated.has_value()) << repeated.error();
      EXPECT_TRUE(repeated->duplicate);
      EXPECT_EQ(repeated->offset, offset);
      EXPECT_EQ(repeated->create_time, Millis(2000));
    }
    EXPECT_EQ(this->log().head(), 40);
    this->Reopen();
  }
  Event other = this->Make("key", "another value", "w/default/17");
  EXPECT_EQ(this->Refusal(other).code(), Code::kAlreadyExists);
  EXPECT_THAT(this->Refusal(other).message(), HasSubstr("offset 17"));
  EXPECT_FALSE(this->AppendOne(this->Make("key", "v", "w/default/new")).duplicate);
}

TYPED_TEST(EventLogRetentionTest, Rule4KeysAreForgottenWhenTheWindowIsOver) {
  this->Fill(20);
  ASSERT_EQ(this->Drop(21), 21);
  this->Fill(20);
  const int64_t window = kIdempotenceWindow.count();
  this->clock_.Set(1000 + window - 1);
  EXPECT_EQ(this->Drop(41), 41);
  EXPECT_TRUE(this->Repeat(5)->duplicate);
  this->Reopen();
  EXPECT_TRUE(this->Repeat(5)->duplicate);
  // The first twenty went earlier than the others.
  this->clock_.Set(1000 + window);
  EXPECT_EQ(this->Drop(0), 41);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(this->Repeat(25)->duplicate);
    EXPECT_EQ(this->Repeat(25)->offset, 25);
    this->Reopen();
  }
  const auto anew = this->Repeat(5);
  ASSERT_TRUE(anew.has_value()) << anew.error();
  EXPECT_FALSE(anew->duplicate);
  EXPECT_EQ(anew->offset, 41);
  EXPECT_TRUE(this->Repeat(5)->duplicate);
}

TYPED_TEST(EventLogRetentionTest, Rule4NumbersOfARegisteredClientAreKnownAsLongAsItExists) {
  const int64_t client = *this->log().RegisterClient("n", "s");
  for (const int64_t sequence : {1, 2, 3, 5, 6}) this->AppendOne(this->OfClient(client, sequence));
  this->AppendOne(this->OfClient(client + 7, 1));  // of nobody we know
  ASSERT_EQ(this->Drop(7), 7);
  this->clock_.Set(5000 + kIdempotenceWindow.count());
  ASSERT_EQ(this->Drop(7), 7);
  for (int round = 0; round < 2; ++round) {
    for (const int64_t sequence : {1, 2, 3, 5, 6}) {
      const Status refused = this->Refusal(this->OfClient(client, sequence));
      EXPECT_EQ(refused.code(), Code::kAlreadyExists) << sequence;
      EXPECT_THAT(refused.message(), HasSubstr("was stored before"));
    }
    EXPECT_EQ(this->log().head(), 6);
    this->Reopen();
  }
  EXPECT_EQ(this->AppendOne(this->OfClient(client, 4)).offset, 7);  // a gap
  EXPECT_TRUE(this->AppendOne(this->OfClient(client, 4)).duplicate);
  EXPECT_EQ(this->AppendOne(this->OfClient(client, 7)).offset, 8);
  EXPECT_FALSE(this->AppendOne(this->OfClient(client + 7, 1)).duplicate);
  ASSERT_TRUE(this->log().DeleteClient(client).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(this->AppendOne(this->OfClient(client, 1 + round)).offset, 10 + round);
    this->Reopen();
  }
}

TYPED_TEST(EventLogRetentionTest, TimesFindOffsetsAmongWhatIsKept) {
  for (int64_t time = 1; time <= 40; ++time) {
    this->clock_.Set(time * 1000);
    this->Fill(1);
  }
  const Offset first = this->Drop(30);
  ASSERT_GT(first, 10);
  const auto at = [&](int64_t time) { return *this->log().OffsetAt(Millis(time)); };
  const auto before = [&](int64_t time) { return *this->log().OffsetBefore(Millis(time)); };
  EXPECT_EQ(at(5000), 0);
  EXPECT_EQ(at(first * 1000), first);
  EXPECT_EQ(at(99'000), 40);
  EXPECT_EQ(before(5000), first - 1);
  EXPECT_EQ(before(first * 1000 + 1), first);
}

// Rule 5: whoever reads along sees every event or is told that some are missing.
TYPED_TEST(EventLogRetentionTest, AReaderBesideRemovalsSeesNoGap) {
  constexpr Offset kEvents = 400;
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (Offset offset = 1; offset <= kEvents; ++offset) {
      this->AppendOne(this->Make("k", std::to_string(offset)));
      if (offset % 20 == 0) this->Drop(offset - 10);
    }
    written = true;
  });
  Offset seen = 0;
  while (!written || seen < kEvents) {
    const auto events = this->log().Read(seen, 7, 1 << 20);
    if (!events) {
      ASSERT_EQ(events.error().code(), Code::kOutOfRange) << events.error();
      ASSERT_LT(seen + 1, this->log().first());
      seen = this->log().first() - 1;
      continue;
    }
    for (const Event& event : *events) ASSERT_EQ(event.offset, ++seen);
    ASSERT_TRUE(this->log().OffsetAt(Millis(1000)).has_value());
    ASSERT_TRUE(this->log().Count({.key = "k"}).has_value());
  }
  writer.join();
  EXPECT_EQ(this->Drop(kEvents + 1), kEvents + 1);
}

}  // namespace
}  // namespace aiflow
