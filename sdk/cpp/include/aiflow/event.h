#pragma once

#include <cstdint>
#include <string>

namespace aiflow {

/// An event as a consumer sees it.
struct ReceivedEvent {
  int64_t offset = 0;
  int64_t create_time = 0;  // epoch milliseconds
  std::string key;
  std::string value;
  std::string context;
  std::string ns;
  std::string sender;
};

}  // namespace aiflow
