#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aiflow {

/// The candidate that `word` was most likely meant to be, or empty when none is near: for "did you
/// mean". Takes time proportional to the product of the lengths.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace aiflow
