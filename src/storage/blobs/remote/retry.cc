#include "storage/blobs/remote/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <random>

namespace aiflow::remote {
namespace {

using Time = std::chrono::steady_clock;

/// So many seconds, as a whole number; a date is not obeyed.
Millis AskedDelay(const HttpAnswer& answer) {
  const std::string text = answer.Header("retry-after");
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return Millis(0);
  return std::chrono::seconds(std::min<int64_t>(seconds, 3'600));
}

/// Between a half and all of it, so that many who were refused do not come back together.
Millis Scattered(Millis delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return Millis(std::uniform_int_distribution<int64_t>(delay.count() / 2, delay.count())(random));
}

std::string Seconds(Time::duration duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

}  // namespace

bool IsTransient(const HttpAnswer& answer) {
  if (answer.status == 501) return false;
  return answer.status == 408 || answer.status == 429 || answer.status >= 500;
}

Result<HttpAnswer> Retrier::Run(const Once& once) {
  const auto begun = Time::now();
  const auto end = begun + limits_.total;
  Millis delay = limits_.first_delay;
  std::string why;
  int attempt = 0;
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(end - Time::now());
    if (attempt == limits_.attempts || left <= Millis(0)) break;
    ++attempt;
    ++counters_.requests;
    Result<HttpAnswer> answer = once(left);
    if (answer.has_value() && !IsTransient(*answer)) return answer;
    if (!answer.has_value() && answer.error().code() != Code::kUnavailable) return answer;
    why = answer.has_value() ? "it answers HTTP " + std::to_string(answer->status)
                             : answer.error().message();
    const Millis asked = answer.has_value() ? AskedDelay(*answer) : Millis(0);
    const Millis pause = std::max(Scattered(delay), asked);
    delay = std::min(delay * 2, limits_.max_delay);
    if (attempt == limits_.attempts || Time::now() + pause >= end) break;
    ++counters_.retries;
    if (!stop_.Sleep(pause)) {
      return Error(Code::kCancelled, "given up as the program is stopping; last: " + why);
    }
  }
  ++counters_.given_up;
  return Error(Code::kUnavailable, why + " (" + std::to_string(attempt) +
                                       (attempt == 1 ? " attempt in " : " attempts in ") +
                                       Seconds(Time::now() - begun) + ")");
}

}  // namespace aiflow::remote
