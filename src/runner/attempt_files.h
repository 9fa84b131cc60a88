#pragma once

#include <string>

namespace aiflow::runner {

/// Names of the files in an attempt's directory (docs/formats/attempt-directory.md).
inline constexpr char kClaimFile[] = "claim";
inline constexpr char kLogFile[] = "log";
inline constexpr char kResultFile[] = "result";
inline constexpr char kOutputFile[] = "output";
/// Only of an attempt with secrets: what its log filter reads, and who that is.
inline constexpr char kLogPipe[] = "log.pipe";
inline constexpr char kFilterFile[] = "filter";

/// The environment variable by which strays of an attempt are recognised.
inline constexpr char kAttemptDirVariable[] = "AIFLOW_ATTEMPT_DIR";

inline std::string ClaimPath(const std::string& dir) { return dir + "/" + kClaimFile; }
inline std::string LogPath(const std::string& dir) { return dir + "/" + kLogFile; }
inline std::string ResultPath(const std::string& dir) { return dir + "/" + kResultFile; }

inline std::string OutputPath(const std::string& dir) { return dir + "/" + kOutputFile; }

inline std::string LogPipePath(const std::string& dir) { return dir + "/" + kLogPipe; }
inline std::string FilterPath(const std::string& dir) { return dir + "/" + kFilterFile; }

/// The environment variable that holds the umask of the command, in octal.
inline constexpr char kUmaskVariable[] = "AIFLOW_UMASK";

/// The file whose path the environment variable holds.
inline std::string VariableFile(const std::string& dir, const std::string& variable) {
  return dir + "/env." + variable;
}

}  // namespace aiflow::runner
