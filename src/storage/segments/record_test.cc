#include "storage/segments/record.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

Event Sample() {
  Event event;
  event.create_time = Millis(123456789012);
  event.kind = EventKind::kScheduling;
  event.key = "key";
  event.value = "value";
  event.context = "{}";
  event.ns = "default";
  event.sender = "me";
  event.id = "w/default/1";
  return event;
}

std::string Encoded(const Event& event) {
  std::string bytes;
  EncodeRecord(event, event.create_time, bytes);
  return bytes;
}

TEST(RecordTest, ComesBackAsItWas) {
  const std::string bytes = Encoded(Sample()) + "what follows";
  Event event;
  EXPECT_EQ(RecordSizeAt(bytes), RecordBytes(Sample()));
  ASSERT_TRUE(DecodeRecord(bytes, &event));
  EXPECT_EQ(event, Sample());
  RecordView view;
  ASSERT_TRUE(ViewRecord(bytes, &view));
  EXPECT_EQ(view.key, "key");
  EXPECT_EQ(view.id, "w/default/1");
  EXPECT_EQ(view.create_time, Sample().create_time);
}

TEST(RecordTest, EveryFlippedByteAndEveryTruncationIsNoticed) {
  const std::string bytes = Encoded(Sample());
  Event event;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x40);
    EXPECT_FALSE(DecodeRecord(flipped, &event)) << i;
    EXPECT_FALSE(DecodeRecord(std::string_view(bytes).substr(0, i), &event)) << i;
    RecordView view;
    (void)ViewRecord(flipped, &view);  // may be anything, but not out of bounds
    EXPECT_FALSE(ViewRecord(std::string_view(bytes).substr(0, i), &view)) << i;
  }
}

}  // namespace
}  // namespace aiflow
