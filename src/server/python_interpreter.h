#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/status.h"
#include "model/workflow_spec.h"

namespace aiflow::server {

/// Chooses what runs the Python of a snapshot: the interpreter it was uploaded with, where this
/// machine has it in the same version, else the configured one. Not thread-safe.
class PythonInterpreter {
 public:
  /// Gives "3.11" for an interpreter that runs, else an error. The real one starts it once.
  using VersionOf = std::function<Result<std::string>(const std::string& interpreter)>;

  PythonInterpreter(std::string configured, VersionOf version_of)
      : configured_(std::move(configured)), version_of_(std::move(version_of)) {}

  /// kFailedPrecondition tells what versions were found and which key to set.
  Result<std::string> For(const HostSpec& host);

 private:
  /// As version_of_, remembered: an interpreter keeps its version.
  Result<std::string> Version(const std::string& interpreter);

  const std::string configured_;
  const VersionOf version_of_;
  std::map<std::string, std::string> versions_;
};

/// Runs the interpreter and asks it. Takes some milliseconds.
Result<std::string> AskPythonVersion(const std::string& interpreter);

}  // namespace aiflow::server
