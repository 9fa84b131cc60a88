#include "api/grpc/list_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

class ListEventsTest : public testing::Test {
 protected:
  ListEventsTest() : log_(SystemClock(), "log"), service_(log_, {}) {}

  void Append(const std::vector<Event>& events) { ASSERT_TRUE(log_.Append(events).has_value()); }

  /// Offsets of all pages, as a client reads them; checks that no page is larger than asked for.
  std::vector<int64_t> All(v1::ListEventsRequest request) {
    std::vector<int64_t> offsets;
    for (int pages = 0; pages < 10'000; ++pages) {
      v1::ListEventsResponse response;
      const Status status = ListEvents(service_, request, &response);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_LE(response.events_size(), request.page_size());
      for (const v1::EventRecord& event : response.events()) offsets.push_back(event.offset());
      if (response.next_page_token().empty()) return offsets;
      request.set_page_token(response.next_page_token());
    }
    ADD_FAILURE() << "the pages do not end";
    return offsets;
  }

  MemoryLog log_;
  LogService service_;
};

// What a client reads in pages, in either order, is what a plain loop over the events finds.
TEST_F(ListEventsTest, PagesHoldEachMatchingEventOnceInBothOrders) {
  std::mt19937 random(7);
  std::vector<Event> events(9'000);
  for (Event& event : events) {
    // Some keys are rare, so that pages look at many events for one.
    event.key = random() % 500 == 0 ? "rare" : random() % 2 == 0 ? "even" : "odd";
    event.kind = random() % 3 == 0 ? EventKind::kInternal : EventKind::kUser;
    event.ns = random() % 2 == 0 ? "a" : "b";
  }
  Append(events);
  for (int round = 0; round < 60; ++round) {
    v1::ListEventsRequest request;
    request.set_page_size(static_cast<int32_t>(1 + random() % 700));
    if (random() % 2 == 0) request.set_key(random() % 2 == 0 ? "rare" : "odd");
    if (random() % 3 == 0) request.set_namespace_("a");
    if (random() % 3 == 0) request.add_kinds(random() % 2 == 0 ? "INTERNAL" : "USER");
    if (random() % 4 == 0) request.set_include_internal(true);
    if (random() % 3 == 0) request.set_after_offset(static_cast<int64_t>(random() % 9'500));
    if (random() % 3 == 0) request.set_until_offset(static_cast<int64_t>(random() % 9'500));
    std::vector<int64_t> expected;
    for (size_t i = 0; i < events.size(); ++i) {
      const auto offset = static_cast<int64_t>(i + 1);
      const bool internal = events[i].kind == EventKind::kInternal;
      const bool wanted = request.kinds().empty() ? !internal || request.include_internal()
                                                  : (request.kinds(0) == "INTERNAL") == internal;
      if (wanted && (request.key().empty() || request.key() == events[i].key) &&
          (request.namespace_().empty() || request.namespace_() == events[i].ns) &&
          offset > request.after_offset() &&
          (request.until_offset() == 0 || offset <= request.until_offset())) {
        expected.push_back(offset);
      }
    }
    ASSERT_EQ(All(request), expected) << request.ShortDebugString();
    request.set_order_by("offset desc");
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(All(request), expected) << request.ShortDebugString();
  }
}

// As rules see it, whatever an old client called it.
TEST_F(ListEventsTest, TheDefaultNamespaceHasEventsWithoutOne) {
  Append({Event{.key = "a"}, Event{.key = "b", .ns = "default"}, Event{.key = "c", .ns = "DEFAULT"},
          Event{.key = "d", .ns = "other"}});
  v1::ListEventsRequest request;
  request.set_page_size(100);
  request.set_namespace_("default");
  EXPECT_EQ(All(request), (std::vector<int64_t>{1, 2, 3}));
  request.set_namespace_("other");
  EXPECT_EQ(All(request), (std::vector<int64_t>{4}));
}

TEST_F(ListEventsTest, APageIsBoundedByBytesAsWell) {
  Event event;
  event.key = "k";
  event.value = std::string(1 << 20, 'x');
  Append(std::vector<Event>(12, event));
  v1::ListEventsRequest request;
  request.set_page_size(100);
  v1::ListEventsResponse response;
  ASSERT_TRUE(ListEvents(service_, request, &response).ok());
  EXPECT_LT(response.events_size(), 6);
  EXPECT_EQ(All(request).size(), 12U);
  request.set_order_by("offset desc");
  EXPECT_EQ(All(request).size(), 12U);
}

TEST_F(ListEventsTest, BehindRemovedEventsAReaderIsToldWhereToBegin) {
  Append(std::vector<Event>(20, Event{.key = "k"}));
  ASSERT_TRUE(log_.DropBefore(11).has_value());
  while (log_.first() < 11) ASSERT_TRUE(log_.DropBefore(11).has_value());
  v1::ListEventsRequest request;
  request.set_page_size(100);
  EXPECT_EQ(All(request).front(), 11);
  request.set_after_offset(3);
  v1::ListEventsResponse response;
  const Status status = ListEvents(service_, request, &response);
  EXPECT_EQ(status.code(), Code::kOutOfRange);
  EXPECT_THAT(status.message(), testing::HasSubstr("11"));
}

TEST_F(ListEventsTest, TheTokenOfOneOrderIsNoneOfTheOther) {
  Append(std::vector<Event>(3, Event{.key = "k"}));
  v1::ListEventsRequest request;
  request.set_page_size(1);
  v1::ListEventsResponse response;
  ASSERT_TRUE(ListEvents(service_, request, &response).ok());
  request.set_page_token(response.next_page_token());
  request.set_order_by("offset desc");
  EXPECT_EQ(ListEvents(service_, request, &response).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace aiflow::api
