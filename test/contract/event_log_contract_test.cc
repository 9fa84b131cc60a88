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
class EventLogContractTest : public EventLogContract<World> {};
TYPED_TEST_SUITE(EventLogContractTest, EventLogWorlds);

TYPED_TEST(EventLogContractTest, AnEmptyLogHasHeadZeroAndFirstOne) {
  EXPECT_EQ(this->log().head(), 0);
  EXPECT_EQ(this->log().first(), 1);
  EXPECT_FALSE(this->log().log_id().empty());
  EXPECT_THAT(this->ReadAll(), IsEmpty());
  EXPECT_EQ(*this->log().OffsetAt(Millis(5000)), 0);
  EXPECT_EQ(*this->log().OffsetBefore(Millis(5000)), 0);
}

TYPED_TEST(EventLogContractTest, Rule1OffsetsAreDenseFromOneAcrossRestarts) {
  Offset expected = 0;
  for (int round = 0; round < 5; ++round) {
    const auto results = this->Append({this->Make("a"), this->Make("b"), this->Make("c")});
    for (const auto& result : results) EXPECT_EQ(result->offset, ++expected);
    EXPECT_EQ(this->log().head(), expected);
    this->Reopen();
    EXPECT_EQ(this->log().head(), expected);
  }
  const auto events = this->ReadAll();
  ASSERT_EQ(events.size(), 15u);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].offset, static_cast<Offset>(i) + 1);
  }
}

TYPED_TEST(EventLogContractTest, Rule1CreateTimeNeverGoesBack) {
  this->clock_.Set(5000);
  EXPECT_EQ(this->AppendOne(this->Make("a")).create_time, Millis(5000));
  this->clock_.Set(3000);
  EXPECT_EQ(this->AppendOne(this->Make("b")).create_time, Millis(5000));
  this->Reopen();
  EXPECT_EQ(this->AppendOne(this->Make("c")).create_time, Millis(5000));
  this->clock_.Set(6000);
  EXPECT_EQ(this->AppendOne(this->Make("d")).create_time, Millis(6000));
}

TYPED_TEST(EventLogContractTest, Rule2TheLogIdStaysAndAnotherLogHasAnother) {
  const std::string id = this->log().log_id();
  this->AppendOne(this->Make("a"));
  this->Reopen();
  EXPECT_EQ(this->log().log_id(), id);
}

TYPED_TEST(EventLogContractTest, AnEventComesBackAsItWasSent) {
  Event event;
  event.kind = EventKind::kTaskStatus;
  event.key = std::string("key\0with zero", 13);
  event.value = std::string(100'000, 'v');
  event.context = "{\"a\": \"\xc3\xa4\"}";
  event.ns = "DEFAULT";
  event.sender = "sender";
  event.id = "w/default/1";
  const AppendResult result = this->AppendOne(event);
  this->Reopen();
  event.offset = result.offset;
  event.create_time = result.create_time;
  EXPECT_THAT(this->ReadAll(), ElementsAre(event));
}

TYPED_TEST(EventLogContractTest, N3ARepeatedIdAnswersTheStoredEvent) {
  this->AppendOne(this->Make("other"));
  const Event event = this->Make("a", "1", "w/default/x");
  const AppendResult stored = this->AppendOne(event);
  this->clock_.Set(9000);
  for (int round = 0; round < 2; ++round) {
    const AppendResult again = this->AppendOne(event);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.offset, stored.offset);
    EXPECT_EQ(again.create_time, stored.create_time);
    EXPECT_EQ(this->log().head(), 2);
    this->Reopen();
  }
}

TYPED_TEST(EventLogContractTest, ARepeatedIdWithinOneBatchIsADuplicate) {
  const Event event = this->Make("a", "1", "w/default/x");
  const auto results = this->Append({event, this->Make("b"), event});
  EXPECT_FALSE(results[0]->duplicate);
  EXPECT_EQ(results[1]->offset, 2);
  EXPECT_TRUE(results[2]->duplicate);
  EXPECT_EQ(results[2]->offset, 1);
  EXPECT_EQ(results[2]->create_time, results[0]->create_time);
  EXPECT_EQ(this->log().head(), 2);
}

TYPED_TEST(EventLogContractTest, Rule4TheSameIdWithAnotherPayloadIsRefusedAlone) {
  const Event event = this->Make("a", "1", "w/default/x");
  this->AppendOne(event);
  std::vector<Event> others(4, event);
  others[0].key = "b";
  others[1].value = "2";
  others[2].context = "{}";
  others[3].ns = "n";
  others.push_back(this->Make("new"));
  const auto results = this->Append(others);
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_FALSE(results[i].has_value()) << i;
    EXPECT_EQ(results[i].error().code(), Code::kAlreadyExists);
    EXPECT_THAT(results[i].error().message(), HasSubstr("offset 1"));
  }
  EXPECT_EQ(results[4]->offset, 2);
  EXPECT_EQ(this->log().head(), 2);
}

TYPED_TEST(EventLogContractTest, Rule4ARepetitionMayComeFromAnotherSender) {
  Event event = this->Make("a", "1", "w/default/x");
  this->AppendOne(event);
  event.sender = "a later run of the same task";
  const auto results = this->Append({event});
  ASSERT_TRUE(results[0].has_value()) << results[0].error();
  EXPECT_TRUE(results[0]->duplicate);
  EXPECT_EQ(results[0]->offset, 1);
}

TYPED_TEST(EventLogContractTest, EventsWithoutIdAreNeverDuplicates) {
  const auto results = this->Append({this->Make("a"), this->Make("a")});
  EXPECT_EQ(results[1]->offset, 2);
  EXPECT_FALSE(results[1]->duplicate);
}

TYPED_TEST(EventLogContractTest, ReadKeepsItsLimitsButGivesOneEventAtLeast) {
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i) events.push_back(this->Make("k", std::string(1000, 'x')));
  this->Append(events);
  EXPECT_EQ(this->log().Read(0, 7, 1 << 20)->size(), 7u);
  EXPECT_EQ(this->log().Read(3, 100, 5000)->size(), 5u);
  EXPECT_EQ(this->log().Read(3, 100, 1)->size(), 1u);
  EXPECT_EQ(this->log().Read(3, 100, 1)->front().offset, 4);
  EXPECT_THAT(*this->log().Read(20, 100, 1 << 20), IsEmpty());
  EXPECT_THAT(*this->log().Read(25, 100, 1 << 20), IsEmpty());
  EXPECT_EQ(this->log().Read(-1, 1, 1).error().code(), Code::kOutOfRange);
}

TYPED_TEST(EventLogContractTest, N5ListFiltersByEverythingUntilIncludingTheEnd) {
  this->Append({this->From("a", "n1", "s1"), this->From("b", "n1", "s1"),
                this->From("a", "n2", "s1"), this->From("a", "n1", "s2"),
                this->From("a", "n1", "s1"), this->From("c", "", "")});
  EXPECT_THAT(this->Offsets({}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(this->Offsets({.key = "a"}), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(this->Offsets({.key = "a", .ns = "n1"}), ElementsAre(1, 4, 5));
  EXPECT_THAT(this->Offsets({.key = "a", .ns = "n1", .sender = "s1"}), ElementsAre(1, 5));
  EXPECT_THAT(this->Offsets({.key = "a", .after = 1, .until = 4}), ElementsAre(3, 4));
  EXPECT_THAT(this->Offsets({.after = 2, .until = 3}), ElementsAre(3));
  EXPECT_THAT(this->Offsets({.key = "a", .after = 1}, 2), ElementsAre(3, 4));
  EXPECT_THAT(this->Offsets({.after = 6}), IsEmpty());
  EXPECT_THAT(this->Offsets({.key = "nothing"}), IsEmpty());
  EXPECT_THAT(this->Offsets({.after = -5, .until = 99}), ElementsAre(1, 2, 3, 4, 5, 6));
}

TYPED_TEST(EventLogContractTest, InternalEventsAreListedOnRequestOnly) {
  Event internal = this->Make("a");
  internal.kind = EventKind::kInternal;
  Event status = this->Make("a");
  status.kind = EventKind::kStatusChanged;
  this->Append({internal, status});
  EXPECT_THAT(this->Offsets({.key = "a"}), ElementsAre(2));
  EXPECT_THAT(this->Offsets({.key = "a", .include_internal = true}), ElementsAre(1, 2));
  EXPECT_EQ(this->log().Count({})->first, 1);
  EXPECT_EQ(this->ReadAll().size(), 2u);
}

TYPED_TEST(EventLogContractTest, CountNamesSendersInOrderOfFirstAppearance) {
  this->Append({this->From("a", "", "z"), this->From("a", "", ""), this->From("a", "", "z"),
                this->From("b", "", "y"), this->From("a", "", "m")});
  const auto count = this->log().Count({.key = "a"});
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(count->first, 4);
  ASSERT_EQ(count->second.size(), 3u);
  EXPECT_EQ(count->second[0].sender, "z");
  EXPECT_EQ(count->second[0].count, 2);
  EXPECT_EQ(count->second[1].sender, "");
  EXPECT_EQ(count->second[2].sender, "m");
  EXPECT_EQ(this->log().Count({.after = 1, .until = 3})->first, 2);
}

TYPED_TEST(EventLogContractTest, TimesFindOffsets) {
  for (const int64_t time : {2000, 2000, 3000, 3000, 5000}) {
    this->clock_.Set(time);
    this->AppendOne(this->Make("a"));
  }
  const auto at = [&](int64_t time) { return *this->log().OffsetAt(Millis(time)); };
  const auto before = [&](int64_t time) { return *this->log().OffsetBefore(Millis(time)); };
  EXPECT_EQ(at(1999), 0);
  EXPECT_EQ(at(2000), 2);
  EXPECT_EQ(at(2999), 2);
  EXPECT_EQ(at(3000), 4);
  EXPECT_EQ(at(9999), 5);
  EXPECT_EQ(before(0), 0);
  EXPECT_EQ(before(2000), 0);
  EXPECT_EQ(before(2001), 2);
  EXPECT_EQ(before(5000), 4);
  EXPECT_EQ(before(5001), 5);
}

TYPED_TEST(EventLogContractTest, N13ClientIdsBeginAtOneAndAreNeverReused) {
  EXPECT_EQ(*this->log().RegisterClient("n", "s"), 1);
  EXPECT_EQ(*this->log().RegisterClient("n", "s"), 2);
  EXPECT_TRUE(this->log().DeleteClient(2).ok());
  EXPECT_FALSE(*this->log().ClientExists(2));
  this->Reopen();
  EXPECT_EQ(*this->log().RegisterClient("", ""), 3);
  EXPECT_TRUE(*this->log().ClientExists(1));
  EXPECT_FALSE(*this->log().ClientExists(2));
  EXPECT_TRUE(*this->log().ClientExists(3));
  EXPECT_FALSE(*this->log().ClientExists(0));
  EXPECT_FALSE(*this->log().ClientExists(-1));
  EXPECT_FALSE(*this->log().ClientExists(4));
}

TYPED_TEST(EventLogContractTest, N7DeletingAnUnknownClientIsAnError) {
  EXPECT_EQ(this->log().DeleteClient(7).code(), Code::kNotFound);
  EXPECT_EQ(*this->log().RegisterClient("", ""), 1);
  EXPECT_TRUE(this->log().DeleteClient(1).ok());
  EXPECT_EQ(this->log().DeleteClient(1).code(), Code::kNotFound);
}

TYPED_TEST(EventLogContractTest, N10AReaderBesideTheWriterSeesEveryOffsetInOrder) {
  constexpr Offset kEvents = 2000;
  std::thread writer([&] {
    for (Offset offset = 0; offset < kEvents; offset += 4) {
      this->Append(std::vector<Event>(4, this->Make("k", std::to_string(offset))));
    }
  });
  Offset seen = 0;
  while (seen < kEvents) {
    const auto events = this->log().Read(seen, 100, 1 << 20);
    ASSERT_TRUE(events.has_value()) << events.error();
    for (const Event& event : *events) ASSERT_EQ(event.offset, ++seen);
    if (events->empty()) std::this_thread::yield();
  }
  writer.join();
}

}  // namespace
}  // namespace aiflow
