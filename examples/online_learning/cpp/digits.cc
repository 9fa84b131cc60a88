#include "digits.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace digits {
namespace {

constexpr size_t kSampleHead = 4;  // hour, index, event_time, label

std::vector<int> Numbers(const std::string& line) {
  std::vector<int> numbers;
  for (const std::string& cell : Cells(line)) numbers.push_back(std::atoi(cell.c_str()));
  return numbers;
}

}  // namespace

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
  return cells;
}

std::vector<Digit> LoadDigits(const std::filesystem::path& file) {
  std::vector<Digit> all;
  for (const std::string& line : ReadLines(file)) {
    const std::vector<int> numbers = Numbers(line);
    if (numbers.size() != kPixels + 1) continue;
    Digit digit;
    std::copy_n(numbers.begin(), kPixels, digit.pixels.begin());
    digit.label = numbers.back();
    all.push_back(digit);
  }
  return all;
}

std::string FormatSample(const Sample& sample) {
  std::string line = std::to_string(sample.hour) + "," + std::to_string(sample.index) + "," +
                     std::to_string(sample.event_time) + "," + std::to_string(sample.digit.label);
  for (const int pixel : sample.digit.pixels) line += "," + std::to_string(pixel);
  return line;
}

std::optional<Sample> ParseSample(const std::string& line) {
  const std::vector<int> numbers = Numbers(line);
  if (numbers.size() != kPixels + kSampleHead) return std::nullopt;
  Sample sample{numbers[0], numbers[1], numbers[2], {}};
  sample.digit.label = numbers[3];
  std::copy_n(numbers.begin() + kSampleHead, kPixels, sample.digit.pixels.begin());
  return sample;
}

std::vector<Sample> LoadSamples(const std::filesystem::path& file, int last_hour) {
  std::vector<Sample> samples;
  for (const std::string& line : ReadLines(file)) {
    const std::optional<Sample> sample = ParseSample(line);
    if (sample && sample->hour <= last_hour) samples.push_back(*sample);
  }
  return samples;
}

void AppendLine(const std::filesystem::path& file, const std::string& line) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const std::string whole = line + "\n";
  if (fd < 0 || write(fd, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
    std::perror(file.c_str());
    std::exit(1);
  }
  close(fd);
}

std::vector<std::string> ReadLines(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line) && !in.eof();) lines.push_back(line);
  return lines;
}

}  // namespace digits
