#pragma once

#include <string>

namespace aiflow::server {

/// A token, as far as it may be told.
struct NamedToken {
  std::string name;
  bool server = false;  // for an AIFlow server
};

}  // namespace aiflow::server
