#include "api/page_token.h"

#include <gtest/gtest.h>

namespace aiflow::api {
namespace {

TEST(PageTokenTest, DefaultAndLargestSizeHoldOneRowMore) {
  EXPECT_EQ(PageOf("w", 0, "")->limit, 101);
  EXPECT_EQ(PageOf("w", 7, "")->limit, 8);
  EXPECT_EQ(PageOf("w", 100'000, "")->limit, 1001);
  EXPECT_EQ(PageOf("w", -1, "").error().code(), Code::kInvalidArgument);
}

TEST(PageTokenTest, TokensCarryIdsAndNames) {
  EXPECT_EQ(PageOf("w", 0, TokenAfter("w", 42))->after, 42);
  EXPECT_EQ(PageOf("n", 0, TokenAfter("n", std::string("päge")))->after_name, "päge");
}

TEST(PageTokenTest, TokenOfAnotherListIsRefused) {
  EXPECT_EQ(PageOf("w", 0, TokenAfter("x", 42)).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(PageOf("w", 0, "zz").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(PageOf("w", 0, TokenAfter("w", 42).substr(2)).error().code(), Code::kInvalidArgument);
}

TEST(PageTokenTest, LastPageHasNoToken) {
  const Page page = *PageOf("w", 2, "");
  std::vector<int64_t> rows = {1, 2, 3};
  EXPECT_EQ(CutPage("w", page, &rows, [](int64_t id) { return id; }), TokenAfter("w", 2));
  EXPECT_EQ(rows.size(), 2U);
  EXPECT_EQ(CutPage("w", page, &rows, [](int64_t id) { return id; }), "");
}

}  // namespace
}  // namespace aiflow::api
