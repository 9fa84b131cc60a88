#include "softmax_model.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace digits {
namespace {

constexpr double kLearningRate = 0.002;  // pixels are 0..16

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
        const double step =
            kLearningRate * (probability[c] / total - (c == sample.digit.label ? 1.0 : 0.0));
        for (int i = 0; i < kPixels; ++i) model.weights_[c][i] -= step * sample.digit.pixels[i];
        model.weights_[c][kPixels] -= step;
      }
    }
  }
  return model;
}

SoftmaxModel::Scores SoftmaxModel::Score(const Digit& digit) const {
  Scores scores{};
  for (int c = 0; c < kClasses; ++c) {
    scores[c] = weights_[c][kPixels];
    for (int i = 0; i < kPixels; ++i) scores[c] += weights_[c][i] * digit.pixels[i];
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
  const std::filesystem::path aside = file.string() + "." + std::to_string(getpid());
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
    const std::vector<std::string> cells = Cells(lines[static_cast<size_t>(c)]);
    if (cells.size() != kPixels + 1) return std::nullopt;
    for (int i = 0; i <= kPixels; ++i) {
      model.weights_[c][i] = std::strtod(cells[static_cast<size_t>(i)].c_str(), nullptr);
    }
  }
  return model;
}

}  // namespace digits
