#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/status.h"
#include "cli/address.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace aiflow::cli {

/// What the program touches outside itself: replaced in tests.
struct World {
  Terminal terminal;
  std::istream& in;
  Environment environment;
  std::function<std::unique_ptr<Client>(const std::string& address,
                                        const client::Credentials& credentials)>
      make_client;
  std::function<std::unique_ptr<EventClient>(const std::string& address,
                                             const client::Credentials& credentials)>
      make_event_client;
  const Clock& clock;
  std::filesystem::path executable;  // this program, absolute
  std::function<void(std::chrono::milliseconds)> sleep = [](std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
  };
};

/// One invocation of the program: global options, output, and the clients, made when first used.
/// Main thread only.
class Session {
 public:
  /// `program`: the name that it was called by.
  Session(const World& world, const std::string& program)
      : world_(world), program_(program), output_(world.terminal, program) {}

  /// Bound to the global options of the command line.
  AddressOptions& address_options() { return address_options_; }

  const World& world() const { return world_; }
  const std::string& program() const { return program_; }
  Output& output() { return output_; }
  std::filesystem::path Home() const {
    return HomeDirectory(address_options_.home, world_.environment);
  }

  Result<Client*> GetClient();
  Result<EventClient*> GetEventClient();
  /// The clients made next look for the server again: it may have come back at another address.
  void ForgetClients();
  /// Whether a notification server was named that need not be the one of GetClient().
  bool NotificationServerIsNamed() const;

  /// What to do when no server answers, as sentences.
  void SetStartHint(std::string hint) { start_hint_ = std::move(hint); }

  /// A new UUID: the request id of a call that changes something.
  static std::string NewId();

  /// Prints the status as one paragraph with what to do, and returns its exit code.
  int Fail(const Status& status);
  /// The same, with the nearest of `known` suggested for `word`.
  int Fail(const Status& status, std::string_view word, const std::vector<std::string>& known);

  /// Asks "question (y/n)" when a person sits there; true without asking otherwise.
  bool Confirm(std::string_view question, bool yes);
  /// The same, but without a terminal the answer is read from stdin; its end means no.
  bool ConfirmAlways(std::string_view question, bool yes);

 private:
  const World world_;
  const std::string program_;
  Output output_;
  AddressOptions address_options_;
  std::string start_hint_ =
      "Start a server with 'aiflow standalone', or name the right one with --server HOST:PORT, "
      "$AIFLOW_SERVER or --home.";
  std::unique_ptr<Client> client_;
  std::unique_ptr<EventClient> event_client_;
};

}  // namespace aiflow::cli
