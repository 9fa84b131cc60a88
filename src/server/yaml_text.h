#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <string>

namespace aiflow::server {

/// The node as one line of YAML that means the same.
std::string OneLine(const YAML::Node& node);

/// A scalar as JSON: a plain one may be null, a truth value or a number.
nlohmann::json ScalarJson(const YAML::Node& node, const std::string& text);

}  // namespace aiflow::server
