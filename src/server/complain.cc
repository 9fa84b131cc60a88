#include "server/complain.h"

#include <iostream>

#include "server/server_main.h"

namespace aiflow::server {

int Complain(std::string_view program, const std::string& message, int exit_code) {
  std::cerr << program << ": " << message << "\n" << std::flush;
  return exit_code;
}

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kAlreadyExists: return kExitPortInUse;
    case Code::kUnavailable: return kExitHomeInUse;
    case Code::kFailedPrecondition:
    case Code::kDataLoss: return kExitHomeMismatch;
    case Code::kInvalidArgument: return kExitUsage;
    default: return kExitFailure;
  }
}

}  // namespace aiflow::server
