#include "storage/sqlite/row_blobs.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace aiflow::sqlite {
namespace {

using Fired = std::vector<std::pair<TaskIndex, int64_t>>;
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

template <typename T>
void ExpectRoundTrip(const T& value) {
  T read;
  ASSERT_TRUE(Unpack(Pack(value), &read));
  EXPECT_EQ(read, value);
}

Event FullEvent() {
  return {.offset = 5,
          .create_time = Millis(-7),
          .kind = EventKind::kInternal,
          .key = "key",
          .value = std::string(70'000, 'v'),
          .context = std::string("a\0b", 3),
          .ns = "größe",
          .sender = "",
          .id = "i/1"};
}

TEST(RowBlobsTest, ReadsWhatItWrote) {
  ExpectRoundTrip(std::vector<Offset>{});
  ExpectRoundTrip(std::vector<Offset>{1, 300, 2, kMax, -1, std::numeric_limits<int64_t>::min()});
  ExpectRoundTrip(std::vector<uint8_t>{});
  ExpectRoundTrip(std::vector<uint8_t>{0, 1, 1, 255});
  ExpectRoundTrip(Fired{});
  ExpectRoundTrip(Fired{{0, 1}, {std::numeric_limits<TaskIndex>::max(), kMax}});
  ExpectRoundTrip(std::vector<TaskSnapshot>{});
  ExpectRoundTrip(std::vector<TaskSnapshot>{
      {0, 1, TaskStatus::kInit},
      {std::numeric_limits<TaskIndex>::max(), kMax, TaskStatus::kRetrying}});
  ExpectRoundTrip(Event{});
  ExpectRoundTrip(FullEvent());
}

TEST(RowBlobsTest, EmptyValuesTakeNoBytes) {
  EXPECT_EQ(Pack(std::vector<Offset>{}), "");
  EXPECT_EQ(Pack(std::vector<uint8_t>{}), "");
  EXPECT_EQ(Pack(Fired{}), "");
  EXPECT_EQ(Pack(std::vector<TaskSnapshot>{}), "");
  EXPECT_EQ(Pack(Event{}), "");
}

TEST(RowBlobsTest, TheBytesAreAsDocumented) {
  EXPECT_EQ(Pack(std::vector<Offset>{100, 101}), std::string("\x01\x02\xc8\x01\x02", 5));
  EXPECT_EQ(Pack(std::vector<uint8_t>{1, 0}), std::string("\x01\x01\x00", 3));
  EXPECT_EQ(Pack(Fired{{2, 3}}), std::string("\x01\x01\x04\x06", 4));
  EXPECT_EQ(Pack(std::vector<TaskSnapshot>{{2, 3, TaskStatus::kFailed}}),
            std::string("\x01\x01\x04\x06\x04", 5));
}

template <typename T>
void ExpectEveryDamageIsSeen(const T& value) {
  const std::string bytes = Pack(value);
  T read;
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(Unpack(bytes.substr(0, size), &read)) << size;
  }
  EXPECT_FALSE(Unpack(bytes + "x", &read));
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_FALSE(Unpack(newer, &read));
}

TEST(RowBlobsTest, RefusesCutLongerAndNewerBytes) {
  ExpectEveryDamageIsSeen(std::vector<Offset>{1, 300, 2});
  ExpectEveryDamageIsSeen(Fired{{0, 1}, {70'000, 5'000'000'000}});
  ExpectEveryDamageIsSeen(std::vector<TaskSnapshot>{{0, 1, TaskStatus::kSuccess},
                                                    {300, 70'000, TaskStatus::kRetrying}});
  Event event = FullEvent();
  event.value = "short";
  ExpectEveryDamageIsSeen(event);
}

TEST(RowBlobsTest, RefusesTasksAndStatusesThatCannotBe) {
  std::vector<TaskSnapshot> statuses;
  EXPECT_FALSE(Unpack(std::string("\x01\x01\x01\x06\x04", 5), &statuses));  // task -1
  EXPECT_FALSE(Unpack(std::string("\x01\x01\x04\x06\x08", 5), &statuses));  // status 8
}

TEST(RowBlobsTest, AHugeCountInDamagedBytesAllocatesNothing) {
  const std::string bytes = "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  std::vector<Offset> offsets;
  EXPECT_FALSE(Unpack(bytes, &offsets));
  Fired fired;
  EXPECT_FALSE(Unpack(bytes, &fired));
  std::vector<TaskSnapshot> statuses;
  EXPECT_FALSE(Unpack(bytes, &statuses));
}

}  // namespace
}  // namespace aiflow::sqlite
