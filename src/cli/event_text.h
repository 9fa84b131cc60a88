#pragma once

#include <aiflow/v1/event_log.pb.h>

#include <string>

namespace aiflow::cli {

/// An event on one line, as the forerunner's command line printed it.
std::string EventText(const aiflow::v1::EventRecord& event);

}  // namespace aiflow::cli
