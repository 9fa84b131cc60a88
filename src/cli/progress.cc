#include "cli/progress.h"

#include <array>
#include <cstdio>
#include <utility>

#include "cli/text.h"

namespace aiflow::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{200};
constexpr const char* kWipe = "\r\x1b[K";

std::string MiB(size_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(bytes) / (1 << 20));
  return text.data();
}

}  // namespace

Progress::Progress(const Terminal& terminal, std::string what, std::chrono::milliseconds patience)
    : terminal_(terminal), what_(std::move(what)), patience_(patience) {
  if (!terminal_.err_is_terminal) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { Draw(stop); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (drawn_) terminal_.err << kWipe << std::flush;
}

void Progress::Set(size_t done, size_t total) {
  const std::lock_guard lock(mutex_);
  done_ = done;
  total_ = total;
}

std::string Progress::Line() const {
  std::string line = what_;
  if (total_ > 0) {
    line += " " + std::to_string(done_ * 100 / total_) + "% (" + MiB(done_) + " of " + MiB(total_) +
            " MiB)";
  }
  const auto spent = std::chrono::steady_clock::now() - begin_;
  line += " " + FormatElapsed(std::chrono::duration_cast<std::chrono::milliseconds>(spent).count());
  return Truncate(line, terminal_.width > 1 ? terminal_.width - 1 : 1);
}

void Progress::Draw(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds pause = patience_;
  for (;;) {
    wake_.wait_for(lock, stop, pause, [] { return false; });
    if (stop.stop_requested()) return;
    terminal_.err << kWipe << Line() << std::flush;
    drawn_ = true;
    pause = kRedraw;
  }
}

}  // namespace aiflow::cli
