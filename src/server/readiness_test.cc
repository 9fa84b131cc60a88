#include "server/readiness.h"

#include <gmock/gmock.h>

namespace aiflow::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Readiness, NothingIsWrong) {
  const Readiness readiness =
      JudgeReadiness({.recover_from = 10, .recover_to = 20, .committed = 20});
  EXPECT_THAT(readiness.problems, IsEmpty());
  EXPECT_THAT(readiness.warnings, IsEmpty());
  EXPECT_EQ(readiness.Problems(), "");
}

TEST(Readiness, SeveralReasonsAtOnceOneALine) {
  ReadinessFacts facts;
  facts.engine = "database is locked";
  facts.recover_from = 100;
  facts.recover_to = 600;
  facts.committed = 350;
  facts.runner_away = 7;
  facts.disk.level = DiskLevel::kFull;
  facts.disk.text = "no space";
  facts.hosts.failing = 5;
  const Readiness readiness = JudgeReadiness(facts);
  EXPECT_THAT(readiness.problems,
              ElementsAre("database is locked", HasSubstr("recovering: 250 of 500 events"),
                          HasSubstr("the runner has not been reachable for 7 s"), "no space"));
  EXPECT_THAT(readiness.warnings, ElementsAre(HasSubstr("failed 5 times in a row")));
  EXPECT_THAT(readiness.Problems(), HasSubstr("database is locked\nrecovering: "));
}

TEST(Readiness, LittleSpaceIsAWarningOnly) {
  ReadinessFacts facts;
  facts.disk.level = DiskLevel::kLow;
  facts.disk.text = "little space";
  const Readiness readiness = JudgeReadiness(facts);
  EXPECT_THAT(readiness.problems, IsEmpty());
  EXPECT_THAT(readiness.warnings, ElementsAre("little space"));
}

TEST(Readiness, ABlobStoreThatIsAwayIsAWarning) {
  ReadinessFacts facts;
  facts.blob_store = "blob store s3://b: cannot connect";
  const Readiness readiness = JudgeReadiness(facts);
  EXPECT_THAT(readiness.problems, testing::IsEmpty());
  EXPECT_THAT(readiness.warnings, testing::ElementsAre(testing::HasSubstr("s3://b")));
}

}  // namespace
}  // namespace aiflow::server
