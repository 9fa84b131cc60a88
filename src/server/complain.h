#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace aiflow::server {

/// Says on stderr, in the name of `program`, what went wrong; returns `exit_code`.
int Complain(std::string_view program, const std::string& message, int exit_code);

/// The exit code of a server that could not be started, of those in server_main.h.
int ExitCodeOf(const Status& status);

}  // namespace aiflow::server
