#include "base/nearest.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

TEST(NearestTest, FindsTyposOnly) {
  const std::vector<std::string> names = {"workflow", "workflow-execution", "event", "why"};
  EXPECT_EQ(Nearest("worklfow", names), "workflow");
  EXPECT_EQ(Nearest("evnt", names), "event");
  EXPECT_EQ(Nearest("kubernetes", names), "");
}

}  // namespace
}  // namespace aiflow
