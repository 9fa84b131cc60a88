#pragma once

#include <chrono>
#include <string>

#include "cli/session.h"

namespace aiflow::cli {

/// Waits for a server that went away while something was followed: a restart must not end it. Main
/// thread only.
class Reconnect {
 public:
  static constexpr std::chrono::seconds kPatience{60};  // since the last sign of life

  /// `server`: what the remarks call it, "notification server".
  Reconnect(Session& session, std::string server);

  /// Something came.
  void Alive();
  /// Pauses before the next attempt, whose clients look for the server anew. False: it has been
  /// away too long.
  bool Wait();

 private:
  static constexpr std::chrono::milliseconds kPause{300};

  Session& session_;
  const std::string server_;
  std::chrono::nanoseconds last_seen_;
  bool lost_ = false;
};

}  // namespace aiflow::cli
