#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace aiflow::server {

/// Of each process that compiles.
inline constexpr int64_t kMaxCompilerMemory = int64_t{4} << 30;

/// One run of `python -m ai_flow.host COMMAND FILE` (docs/formats/host-protocol.md).
struct HostCompilation {
  std::string interpreter;
  std::string command;  // compile, compile-rule, compile-workflow
  std::string file;     // absolute; empty: `input` is the file's content
  std::string input;
  std::filesystem::path directory;  // where it runs
  std::map<std::string, std::string> environment;
  Millis timeout{60'000};
};

/// What it printed, at most limits::kMaxSpecBytes. kFailedPrecondition: why it failed, with the
/// last line of its stderr; kUnavailable: it could not be started, or `stop_fd` (-1: none) became
/// readable. The process and what it started have ended when this returns, and end when this
/// process dies. Blocks; thread-safe.
Result<std::string> CompileInHost(const HostCompilation& compilation, int stop_fd);

}  // namespace aiflow::server
