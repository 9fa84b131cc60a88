#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace digits {

inline constexpr int kPixels = 64;
inline constexpr int kClasses = 10;

/// One handwritten digit; pixels are 0..16.
struct Digit {
  std::array<int, kPixels> pixels{};
  int label = 0;
};

/// All lines of a file `p0,...,p63,label`. Empty when it cannot be read.
std::vector<Digit> LoadDigits(const std::filesystem::path& file);

/// A digit that has arrived in an hour of the stream.
struct Sample {
  int hour = 0;
  Digit digit;
};

std::string FormatSample(const Sample& sample);
/// Nothing for a line that is incomplete.
std::optional<Sample> ParseSample(const std::string& line);
/// The arrived samples of the hours up to `last_hour`.
std::vector<Sample> LoadStream(const std::filesystem::path& file, int last_hour);

/// Appends one whole line, as one write.
void AppendLine(const std::filesystem::path& file, const std::string& line);
std::vector<std::string> ReadLines(const std::filesystem::path& file);

}  // namespace digits
