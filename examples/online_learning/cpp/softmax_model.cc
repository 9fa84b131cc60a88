#include "softmax_model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace digits {
namespace {

constexpr double kLearningRate = 0.05;
constexpr double kMaxPixel = 16.0;

}  // namespace

SoftmaxModel SoftmaxModel::Train(const std::vector<Sample>& samples, int passes) {
  SoftmaxModel model;
  for (int pass = 0; pass < passes; ++pass) {
    for (const Sample& sample : samples) {
      Scores probability = model.Score(sample.digit);
      const double highest = *std::max_element(probability.begin(), probability.end());
      double total = 0;
      for (double& p : probability) total += p = std::exp(p - highest);
      for (int c = 0; c < kClasses; ++c) {
        const double error = probability[c] / total - (c == sample.digit.label ? 1.0 : 0.0);
        auto& weights = model.weights_[c];
        weights[0] -= kLearningRate * error;
        for (int i = 0; i < kPixels; ++i) {
          weights[1 + i] -= kLearningRate * error * (sample.digit.pixels[i] / kMaxPixel);
        }
      }
    }
  }
  return model;
}

SoftmaxModel::Scores SoftmaxModel::Score(const Digit& digit) const {
  Scores scores{};
  for (int c = 0; c < kClasses; ++c) {
    scores[c] = weights_[c][0];
    for (int i = 0; i < kPixels; ++i) {
      scores[c] += weights_[c][1 + i] * (digit.pixels[i] / kMaxPixel);
    }
  }
  return scores;
}

int SoftmaxModel::Predict(const Digit& digit) const {
  const Scores scores = Score(digit);
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

double SoftmaxModel::Accuracy(const std::vector<Digit>& digits) const {
  if (digits.empty()) return 0;
  const auto right = std::count_if(digits.begin(), digits.end(), [this](const Digit& digit) {
    return Predict(digit) == digit.label;
  });
  return static_cast<double>(right) / static_cast<double>(digits.size());
}

void SoftmaxModel::Save(const std::filesystem::path& file) const {
  const std::filesystem::path aside = file.string() + ".part";
  {
    std::ofstream out(aside);
    out.precision(17);
    for (const auto& row : weights_) {
      for (size_t i = 0; i < row.size(); ++i) out << (i == 0 ? "" : ",") << row[i];
      out << "\n";
    }
  }
  std::filesystem::rename(aside, file);
}

std::optional<SoftmaxModel> SoftmaxModel::Load(const std::filesystem::path& file) {
  const std::vector<std::string> lines = ReadLines(file);
  if (lines.size() != kClasses) return std::nullopt;
  SoftmaxModel model;
  for (int c = 0; c < kClasses; ++c) {
    std::istringstream cells(lines[static_cast<size_t>(c)]);
    size_t i = 0;
    for (std::string cell; std::getline(cells, cell, ',') && i <= kPixels; ++i) {
      model.weights_[c][i] = std::strtod(cell.c_str(), nullptr);
    }
    if (i != kPixels + 1) return std::nullopt;
  }
  return model;
}

}  // namespace digits
