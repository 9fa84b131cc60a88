#pragma once

#include "server/server_log.h"
#include "server/service_manager.h"
#include "server/stop_signals.h"

namespace aiflow::server {

/// Whether SIGHUP says that our terminal was closed, and not that the log was moved away. To be
/// asked before the signals are taken.
bool HangupEnds();

/// Says that the server is ready, and returns the signal that is to end it, which is told as well.
/// Until then SIGHUP opens the log anew, unless `hangup_ends`.
int ServeUntilSignal(const StopSignals& signals, const ServiceManager& manager, ServerLog& log,
                     bool hangup_ends);

}  // namespace aiflow::server
