#include <array>
#include <exception>
#include <utility>

#include "server/doctor/checks.h"

namespace aiflow::server {

Patient Examine(const std::filesystem::path& root, const std::filesystem::path& executable) {
  Patient patient{.home = Home(ResolveHome(root.string())), .executable = executable};
  std::error_code error;
  patient.exists = std::filesystem::is_directory(patient.home.root(), error);
  patient.endpoints = LastEndpoints(patient.home.root());
  patient.runs = patient.home.IsInUse();
  Result<Config> config = LoadConfig(patient.home.root());
  if (!config.has_value()) {
    patient.config_error = config.error().message();
    config = ParseConfig("", patient.home.root());
  }
  if (config.has_value()) patient.config = *std::move(config);
  return patient;
}

std::vector<Finding> Diagnose(const std::filesystem::path& home,
                              const std::filesystem::path& executable) {
  using Check = void (*)(const Patient&, Findings&);
  constexpr std::array<std::pair<const char*, Check>, 16> kChecks = {
      {{"home", CheckHome},
       {"configuration", CheckConfig},
       {"secrets", CheckSecrets},
       {"metadata", CheckStore},
       {"blob store", CheckBlobs},
       {"event log", CheckLog},
       {"disk", CheckDisk},
       {"disk speed", CheckSyncSpeed},
       {"clock", CheckClock},
       {"time zones", CheckTimeZones},
       {"limits", CheckLimits},
       {"runner", CheckRunner},
       {"executors", CheckExecutors},
       {"python", CheckPython},
       {"ports", CheckPorts},
       {"server", CheckServer}}};
  const Patient patient = Examine(home, executable);
  Findings findings;
  for (const auto& [subject, check] : kChecks) {
    try {
      check(patient, findings);
    } catch (const std::exception& error) {
      findings.Problem(subject, std::string("cannot be looked at: ") + error.what(),
                       "look at it by hand");
    }
  }
  return findings.Take();
}

}  // namespace aiflow::server
