#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/recurrence.h"

namespace aiflow {

/// The instant of "2025-03-30 00:59:30" in UTC; without a time, its midnight.
inline Millis Utc(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const int read =
      std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute, &second);
  EXPECT_TRUE(read == 3 || read == 6) << text;
  const std::chrono::sys_days midnight = std::chrono::year{year} / month / day;
  return midnight.time_since_epoch() + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second};
}

/// The inverse of Utc(); "none" for nullopt.
inline std::string Show(std::optional<Millis> t) {
  if (!t) return "none";
  const auto day = std::chrono::floor<std::chrono::days>(*t);
  const std::chrono::year_month_day date{std::chrono::sys_days{day}};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(*t - day)};
  char text[48];
  std::snprintf(text, sizeof text, "%d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

inline Recurrence Parsed(std::string_view expression, std::string_view default_zone = "") {
  Result<Recurrence> parsed = Recurrence::Parse(expression, default_zone);
  if (!parsed) {
    ADD_FAILURE() << parsed.error();
    parsed = Recurrence::Parse("interval@0 0 0 1", "");
  }
  return *parsed;
}

/// The message of the refusal; empty if the expression is accepted.
inline std::string Refusal(std::string_view expression, std::string_view default_zone = "") {
  const Result<Recurrence> parsed = Recurrence::Parse(expression, default_zone);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument);
  return parsed.error().message();
}

/// The next `count` due times after `begin`, in UTC.
inline std::vector<std::string> Dues(std::string_view expression, const std::string& begin,
                                     int count) {
  const Recurrence recurrence = Parsed(expression);
  std::vector<std::string> dues;
  std::optional<Millis> t = Utc(begin);
  for (int i = 0; i < count && t; ++i) {
    t = recurrence.Next(*t);
    dues.push_back(Show(t));
  }
  return dues;
}

}  // namespace aiflow
