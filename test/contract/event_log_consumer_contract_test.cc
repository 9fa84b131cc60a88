// Durable consumers and the owner of a log, the same in every log.
#include <string>

#include "event_log_contract_fixture.h"
#include "storage/consumer_table.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename World>
class EventLogConsumerContractTest : public EventLogContract<World> {
 protected:
  Offset Cursor(const std::string& name) {
    for (const Consumer& consumer : this->log().Consumers()) {
      if (consumer.name == name) return consumer.cursor;
    }
    return -1;
  }
};
TYPED_TEST_SUITE(EventLogConsumerContractTest, EventLogWorlds);

TYPED_TEST(EventLogConsumerContractTest, Rule5RetentionNeverCutsAboveTheLowestCursor) {
  this->Fill(40);
  ASSERT_TRUE(this->log().RegisterConsumer("slow", 10).has_value());
  ASSERT_TRUE(this->log().RegisterConsumer("fast", 30).has_value());
  EXPECT_LE(this->Drop(41), 11);
  EXPECT_FALSE(this->log().Read(10, 10, 1 << 20)->empty());
  ASSERT_TRUE(this->log().CommitConsumer("slow", 25).has_value());
  const Offset first = this->Drop(41);
  EXPECT_GT(first, 11);
  EXPECT_LE(first, 26);
  this->Reopen();
  EXPECT_LE(this->Drop(41), 26) << "forgotten by a restart";
  ASSERT_TRUE(this->log().DeleteConsumer("slow").ok());
  EXPECT_LE(this->Drop(41), 31);
  ASSERT_TRUE(this->log().DeleteConsumer("fast").ok());
  EXPECT_EQ(this->Drop(41), 41);
}

TYPED_TEST(EventLogConsumerContractTest, AConsumerIsThereAfterARestart) {
  this->Fill(5);
  this->clock_.Set(2'000);
  const auto made = this->log().RegisterConsumer("ns/reader-1", 2);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(*made, (Consumer{"ns/reader-1", 2, Millis(2'000), Millis(0)}));
  this->clock_.Set(3'000);
  ASSERT_TRUE(this->log().CommitConsumer("ns/reader-1", 4).has_value());
  this->Reopen();
  EXPECT_THAT(this->log().Consumers(),
              ElementsAre(Consumer{"ns/reader-1", 4, Millis(2'000), Millis(3'000)}));
}

TYPED_TEST(EventLogConsumerContractTest, RegisteringAgainChangesNothing) {
  this->Fill(5);
  ASSERT_TRUE(this->log().RegisterConsumer("c", 3).has_value());
  EXPECT_EQ(this->log().RegisterConsumer("c", 0)->cursor, 3);
}

TYPED_TEST(EventLogConsumerContractTest, ACursorNeverGoesBack) {
  this->Fill(5);
  ASSERT_TRUE(this->log().RegisterConsumer("c", 0).has_value());
  EXPECT_EQ(this->log().CommitConsumer("c", 4)->cursor, 4);
  EXPECT_EQ(this->log().CommitConsumer("c", 2)->cursor, 4);
}

TYPED_TEST(EventLogConsumerContractTest, ANewConsumerBeginsAtTheOldestEventAtLeast) {
  this->Fill(20);
  const Offset first = this->Drop(21);
  this->Fill(1);
  EXPECT_EQ(this->log().RegisterConsumer("c", 0)->cursor, first - 1);
}

TYPED_TEST(EventLogConsumerContractTest, WhatCannotBeIsRefused) {
  this->Fill(3);
  EXPECT_EQ(this->log().RegisterConsumer("", 0).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(this->log().RegisterConsumer("a b", 0).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(this->log().RegisterConsumer(std::string(201, 'a'), 0).error().code(),
            Code::kInvalidArgument);
  EXPECT_THAT(this->log().RegisterConsumer("c", 4).error().message(), HasSubstr("last event"));
  EXPECT_EQ(this->log().CommitConsumer("c", 1).error().code(), Code::kNotFound);
  EXPECT_EQ(this->log().DeleteConsumer("c").code(), Code::kNotFound);
  ASSERT_TRUE(this->log().RegisterConsumer("c", 0).has_value());
  EXPECT_EQ(this->log().CommitConsumer("c", 4).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(this->Cursor("c"), 0);
}

TEST(ConsumerTableTest, TheNumberOfConsumersHasALimit) {
  ConsumerTable table;
  for (size_t i = 0; i < ConsumerTable::kMaxConsumers; ++i) {
    ASSERT_TRUE(table.Register("c" + std::to_string(i), 0, 1, 0, Millis(1)).has_value());
  }
  const auto refused = table.Register("more", 0, 1, 0, Millis(1));
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr("max_consumers"));
}

TYPED_TEST(EventLogConsumerContractTest, TheOwnerStaysUntilItIsChanged) {
  EXPECT_EQ(this->log().owner(), "");
  ASSERT_TRUE(this->log().SetOwner("digest").ok());
  this->Reopen();
  EXPECT_EQ(this->log().owner(), "digest");
  ASSERT_TRUE(this->log().SetOwner("").ok());
  this->Reopen();
  EXPECT_EQ(this->log().owner(), "");
  EXPECT_THAT(this->log().Consumers(), IsEmpty());
}

}  // namespace
}  // namespace aiflow
