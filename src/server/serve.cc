#include "server/serve.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <csignal>

namespace aiflow::server {

bool HangupEnds() {
  struct sigaction now {};
  if (sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) return false;  // nohup
  const int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

int ServeUntilSignal(const StopSignals& signals, const ServiceManager& manager, ServerLog& log,
                     bool hangup_ends) {
  manager.Tell("READY=1");
  int signal = signals.Wait();
  for (; signal == SIGHUP && !hangup_ends; signal = signals.Wait()) {
    log.Reopen();
    log.logger()->info("the log was opened anew on signal {}", signal);
  }
  manager.Tell("STOPPING=1");
  log.logger()->info("stopping on signal {}", signal);
  return signal;
}

}  // namespace aiflow::server
