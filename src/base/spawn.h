#pragma once

#include <spawn.h>

#include <string>
#include <vector>

namespace aiflow {

/// Starts argv[0] (looked up in PATH unless it has a slash) as the leader of a session of its own,
/// so that Ctrl-C at our terminal is not for it, with no signal blocked or ignored. `environment`
/// is complete: NAME=value. 0 and its number in `*pid`, or the errno of posix_spawnp. Thread-safe.
int SpawnInSession(const posix_spawn_file_actions_t& actions, std::vector<std::string> argv,
                   std::vector<std::string> environment, pid_t* pid);

}  // namespace aiflow
