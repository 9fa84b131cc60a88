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

/// A digit that has arrived in the stream: a line of samples.csv.
struct Sample {
  int hour = 0;
  int index = 0;
  int event_time = 0;  // seconds
  Digit digit;
};

std::string FormatSample(const Sample& sample);
/// Nothing for a line that is no sample.
std::optional<Sample> ParseSample(const std::string& line);
/// The arrived samples of the hours up to `last_hour`.
std::vector<Sample> LoadSamples(const std::filesystem::path& file, int last_hour);

/// Appends one whole line, in one write.
void AppendLine(const std::filesystem::path& file, const std::string& line);
/// The complete lines of a file; none when it is not there.
std::vector<std::string> ReadLines(const std::filesystem::path& file);
/// The cells of a comma-separated line.
std::vector<std::string> Cells(const std::string& line);

}  // namespace digits
