#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <streambuf>

namespace aiflow::cli {
namespace {

using testing::HasSubstr;

// Text that one thread prints and another waits for.
class SharedText : public std::streambuf {
 public:
  std::string WaitFor(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30),
                      [&] { return text_.find(wanted) != std::string::npos; });
    return text_;
  }

 protected:
  int overflow(int c) override {
    const char byte = static_cast<char>(c);
    xsputn(&byte, 1);
    return c;
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    const std::lock_guard lock(mutex_);
    text_.append(bytes, static_cast<size_t>(count));
    changed_.notify_all();
    return count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

TEST(Progress, ShowsHowFarItIsAndLeavesNothing) {
  SharedText shown;
  std::ostream err(&shown);
  std::ostringstream out;
  const Terminal terminal{.out = out, .err = err, .err_is_terminal = true};
  {
    Progress progress(terminal, "Uploading", std::chrono::milliseconds(0));
    progress.Set(1 << 20, 4 << 20);
    EXPECT_THAT(shown.WaitFor("25%"), HasSubstr("\r\x1b[KUploading 25% (1.0 of 4.0 MiB) 0."));
  }
  EXPECT_TRUE(shown.WaitFor("25%").ends_with("\r\x1b[K"));
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, IsSilentElsewhere) {
  std::ostringstream out;
  std::ostringstream err;
  const Terminal terminal{.out = out, .err = err};
  { const Progress progress(terminal, "Deleting", std::chrono::milliseconds(0)); }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace aiflow::cli
