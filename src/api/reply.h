#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/rows.h"

namespace aiflow::api {

/// An integer member of a reply's detail; 0 when it is not there.
int64_t ReplyNumber(const ReplyRow& reply, const std::string& member);

/// An array of integers; empty when it is not there.
std::vector<int64_t> ReplyNumbers(const ReplyRow& reply, const std::string& member);

}  // namespace aiflow::api
