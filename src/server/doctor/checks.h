#pragma once

#include <filesystem>

#include "server/config.h"
#include "server/doctor/finding.h"
#include "server/home.h"
#include "server/server_main.h"

/// What the doctor looks at. Each check stands for itself: it changes nothing, waits some seconds
/// at most, and makes do with whatever it finds.
namespace aiflow::server {

/// The patient.
struct Patient {
  Home home;
  std::filesystem::path executable;  // of this program
  bool exists = false;               // the home is a directory
  bool runs = false;                 // a server holds the home's lock
  Endpoints endpoints;               // of the last server; pid 0: none ever ran
  Config config;                     // in force, or the defaults where it is wrong
  std::string config_error;
};

Patient Examine(const std::filesystem::path& home, const std::filesystem::path& executable);

void CheckHome(const Patient& patient, Findings& findings);
void CheckConfig(const Patient& patient, Findings& findings);
void CheckSecrets(const Patient& patient, Findings& findings);
void CheckStore(const Patient& patient, Findings& findings);
void CheckBlobs(const Patient& patient, Findings& findings);
void CheckLog(const Patient& patient, Findings& findings);
void CheckDisk(const Patient& patient, Findings& findings);
void CheckSyncSpeed(const Patient& patient, Findings& findings);
void CheckClock(const Patient& patient, Findings& findings);
void CheckTimeZones(const Patient& patient, Findings& findings);
void CheckLimits(const Patient& patient, Findings& findings);
void CheckRunner(const Patient& patient, Findings& findings);
void CheckExecutors(const Patient& patient, Findings& findings);
void CheckPython(const Patient& patient, Findings& findings);
void CheckPorts(const Patient& patient, Findings& findings);
void CheckServer(const Patient& patient, Findings& findings);

/// Who listens on a TCP port of this machine, for people: "pid 4711 (python3)"; empty when that
/// cannot be found out.
std::string WhoListens(int port);

}  // namespace aiflow::server
