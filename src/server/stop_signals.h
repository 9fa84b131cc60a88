#pragma once

#include <pthread.h>

#include <cerrno>
#include <csignal>

namespace aiflow::server {

/// Takes the signals that a server listens to, in every thread made from now on.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&wanted_);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) sigaddset(&wanted_, signal);
    pthread_sigmask(SIG_BLOCK, &wanted_, &before_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;  // NOLINT: a macro of the system
    sigaction(SIGPIPE, &ignore, &pipe_before_);
  }
  ~StopSignals() {
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int Wait() const {
    int signal = 0;
    while (sigwait(&wanted_, &signal) == EINTR) {
    }
    return signal;
  }

 private:
  sigset_t wanted_{};
  sigset_t before_{};
  struct sigaction pipe_before_ {};
};

}  // namespace aiflow::server
