#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aiflow {

/// How many characters must be added, taken away or changed to make one text of the other
/// (Levenshtein's distance). Takes time proportional to the product of the lengths.
size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate that `word` was most likely meant to be, or empty when none is near: for "did you
/// mean". Takes time proportional to the product of the lengths.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace aiflow
