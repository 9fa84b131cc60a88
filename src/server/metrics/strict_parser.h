#pragma once

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace aiflow::server {

/// Reads a page in the text format of Prometheus (0.0.4), for tests: fails the test where a scraper
/// could stumble. The values by sample, labels included as they stand.
inline std::map<std::string, double> ParseMetrics(const std::string& text) {
  static const std::regex kHelp(R"(# HELP ([a-z][a-z0-9_]*) (.+\.))");
  static const std::regex kType(R"(# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram))");
  static const std::regex kSample(
      R"rx(([a-z][a-z0-9_]*)(\{([a-z]+="[^"\\\n]*",?)+\})? (\+Inf|[0-9][0-9.e+-]*))rx");
  std::map<std::string, double> values;
  std::set<std::string> families;
  std::string family, type;
  std::istringstream in(text);
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      family = match[1];
      type.clear();
      EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_EQ(match[1], family);
      type = match[2];
      EXPECT_EQ(type == "counter", family.ends_with("_total")) << family;
    } else if (std::regex_match(line, match, kSample)) {
      std::string base = match[1];
      if (type == "histogram")
        base = std::regex_replace(base, std::regex("_(bucket|sum|count)$"), "");
      EXPECT_EQ(base, family) << line;
      EXPECT_NE(type, "") << line;
      const std::string sample = match[1].str() + match[2].str();
      EXPECT_TRUE(values.emplace(sample, std::stod(match[4])).second) << sample << " comes twice";
    } else {
      ADD_FAILURE() << "no line of the format: " << line;
    }
  }
  return values;
}

}  // namespace aiflow::server
