#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "digits.h"

namespace digits {

/// Multinomial logistic regression over 64 pixels. Value type.
class SoftmaxModel {
 public:
  /// Stochastic gradient descent, a fixed number of passes: the same samples give the same model.
  static SoftmaxModel Train(const std::vector<Sample>& samples, int passes);
  static std::optional<SoftmaxModel> Load(const std::filesystem::path& file);
  /// Written aside and renamed, so that a reader sees a whole model.
  void Save(const std::filesystem::path& file) const;

  [[nodiscard]] int Predict(const Digit& digit) const;
  /// Share of digits predicted right.
  [[nodiscard]] double Accuracy(const std::vector<Digit>& digits) const;

 private:
  using Scores = std::array<double, kClasses>;
  [[nodiscard]] Scores Score(const Digit& digit) const;

  /// [class][pixel] is a weight, [class][64] the bias.
  std::array<std::array<double, kPixels + 1>, kClasses> weights_{};
};

}  // namespace digits
