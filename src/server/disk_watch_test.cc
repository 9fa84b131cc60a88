#include "server/disk_watch.h"

#include <gmock/gmock.h>

#include <vector>

namespace aiflow::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1U << 20;

class FakeClock final : public Clock {
 public:
  Millis Now() const override { return Millis(0); }
  std::chrono::nanoseconds Monotonic() const override { return now; }
  std::chrono::nanoseconds now = std::chrono::hours(1);
};

class DiskWatchTest : public ::testing::Test {
 protected:
  DiskWatch::Options Options(std::optional<uint64_t> reserve = 100 * kMiB) {
    return {.path = "/home",
            .reserve = reserve,
            .look = [this]() -> Result<DiskSpace> {
              ++looks_;
              if (broken_) return Error(Code::kUnavailable, "no such device");
              return space_;
            },
            .changed = [this](const DiskReport& report) { levels_.push_back(report.level); }};
  }
  void Pass(std::chrono::milliseconds time) { clock_.now += time; }

  DiskSpace space_{
      .size = 1'000 * kMiB, .free = 500 * kMiB, .inodes = 100'000, .free_inodes = 90'000};
  bool broken_ = false;
  int looks_ = 0;
  std::vector<DiskLevel> levels_;
  FakeClock clock_;
};

TEST_F(DiskWatchTest, AlarmsBelowTheReserveAndRefusesWhatIsNewBelowHalfOfIt) {
  DiskWatch watch(Options(), clock_);
  EXPECT_TRUE(watch.Admit(Admission::kExternal, 1).ok());

  space_.free = 99 * kMiB;
  Pass(std::chrono::seconds(1));
  EXPECT_TRUE(watch.Admit(Admission::kExternal, 1).ok());
  EXPECT_EQ(watch.level(), DiskLevel::kLow);

  space_.free = 49 * kMiB;
  Pass(std::chrono::seconds(1));
  const Status refused = watch.Admit(Admission::kExternal, 1);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.message(), AllOf(HasSubstr("/home"), HasSubstr("49 MiB free of 1000 MiB"),
                                       HasSubstr("disk_reserve"), HasSubstr("free some space")));
  EXPECT_THAT(levels_, ElementsAre(DiskLevel::kLow, DiskLevel::kFull));
}

TEST_F(DiskWatchTest, ReportsOfTheEngineAndWhatGivesSpaceBackAlwaysGetThrough) {
  space_.free = 0;
  DiskWatch watch(Options(), clock_);
  EXPECT_FALSE(watch.Admit(Admission::kExternal, 1).ok());
  EXPECT_TRUE(watch.Admit(Admission::kInternal, 1).ok());
  EXPECT_TRUE(watch.Admit(Admission::kRelief, 1).ok());
}

TEST_F(DiskWatchTest, GoesOnByItselfWhenThereIsSpaceAgain) {
  space_.free = 0;
  DiskWatch watch(Options(), clock_);
  EXPECT_FALSE(watch.Admit(Admission::kExternal, 1).ok());
  space_.free = 100 * kMiB;
  Pass(std::chrono::seconds(1));
  EXPECT_TRUE(watch.Admit(Admission::kExternal, 1).ok());
  EXPECT_THAT(levels_, ElementsAre(DiskLevel::kFull, DiskLevel::kFine));
}

TEST_F(DiskWatchTest, LooksOnceASecondOrOncePer16MiB) {
  DiskWatch watch(Options(), clock_);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(watch.Admit(Admission::kExternal, 1'000).ok());
  EXPECT_EQ(looks_, 1);
  Pass(std::chrono::milliseconds(999));
  EXPECT_TRUE(watch.Admit(Admission::kInternal, 1).ok());
  EXPECT_EQ(looks_, 1);
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(watch.Admit(Admission::kInternal, kMiB).ok());
  EXPECT_EQ(looks_, 3);
  Pass(std::chrono::seconds(1));
  EXPECT_TRUE(watch.Admit(Admission::kInternal, 1).ok());
  EXPECT_EQ(looks_, 4);
}

TEST_F(DiskWatchTest, ADiskThatCannotBeLookedAtIsWhatItWasBefore) {
  DiskWatch watch(Options(), clock_);
  space_.free = 0;
  EXPECT_EQ(watch.Look().level, DiskLevel::kFull);
  broken_ = true;
  EXPECT_EQ(watch.Look().level, DiskLevel::kFull);
  EXPECT_THAT(levels_, ElementsAre(DiskLevel::kFull));
}

TEST_F(DiskWatchTest, AReserveOfZeroSwitchesItOff) {
  space_.free = 0;
  DiskWatch watch(Options(0), clock_);
  EXPECT_TRUE(watch.Admit(Admission::kExternal, 1).ok());
  EXPECT_EQ(looks_, 0);
  EXPECT_EQ(watch.Look().level, DiskLevel::kFine);
}

TEST_F(DiskWatchTest, RunningOutOfInodesIsAnAlarmToo) {
  space_.free_inodes = 4'999;
  const DiskReport report = JudgeDisk(space_, 100 * kMiB, "/home");
  EXPECT_EQ(report.level, DiskLevel::kFull);
  EXPECT_THAT(report.text, HasSubstr("4999 free inodes of 100000"));
  space_.inodes = space_.free_inodes = 0;  // does not count them
  EXPECT_EQ(JudgeDisk(space_, 100 * kMiB, "/home").level, DiskLevel::kFine);
}

TEST(DefaultDiskReserve, Is256MiBButOfASmallDiskATenth) {
  EXPECT_EQ(DefaultDiskReserve(uint64_t{1} << 40), 256 * kMiB);
  EXPECT_EQ(DefaultDiskReserve(100 * kMiB), 10 * kMiB);
}

TEST(ReadDiskSpace, OfThisMachine) {
  const auto space = ReadDiskSpace("/");
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->size, 0U);
  EXPECT_LE(space->free, space->size);
  EXPECT_THAT(ReadDiskSpace("/no/such/place").error().message(), HasSubstr("/no/such/place"));
}

}  // namespace
}  // namespace aiflow::server
