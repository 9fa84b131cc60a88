#include "cli/reconnect.h"

#include <utility>

namespace aiflow::cli {

Reconnect::Reconnect(Session& session, std::string server)
    : session_(session),
      server_(std::move(server)),
      last_seen_(session.world().clock.Monotonic()) {}

void Reconnect::Alive() {
  if (lost_) session_.output().Note("The " + server_ + " is back.");
  lost_ = false;
  last_seen_ = session_.world().clock.Monotonic();
}

bool Reconnect::Wait() {
  if (session_.world().clock.Monotonic() - last_seen_ > kPatience) return false;
  if (!lost_) session_.output().Note("The " + server_ + " is not reachable; waiting for it.");
  lost_ = true;
  session_.world().sleep(kPause);
  session_.ForgetClients();
  return true;
}

}  // namespace aiflow::cli
