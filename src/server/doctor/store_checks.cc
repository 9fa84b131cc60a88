#include <sstream>

#include "server/byte_size.h"
#include "server/doctor/checks.h"
#include "storage/sqlite/inspect.h"

namespace aiflow::server {
namespace {

/// From the META of the event log (docs/formats/event-log.md); empty when it cannot be read.
std::string LogIdOf(const Home& home) {
  const Result<std::string> text = ReadTextFile(home.log() / "META");
  if (!text.has_value()) return {};
  std::istringstream in(*text);
  for (std::string word; in >> word;) {
    if (word == "log-id" && in >> word) return word;
  }
  return {};
}

void JudgeVersion(const StoreInspection& found, Findings& findings) {
  const std::string versions = "schema " + std::to_string(found.version) + ", this program has " +
                               std::to_string(found.current_version);
  if (found.version > found.current_version) {
    findings.Problem("metadata", "written by a newer version: " + versions,
                     "install that version again, or name another home");
  } else if (found.version < found.current_version) {
    findings.Warning("metadata", "written by an older version: " + versions,
                     "make a backup; the next start, or `aiflow db upgrade`, upgrades it");
  }
}

}  // namespace

void CheckStore(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  const std::string path = patient.home.metadata().string();
  // Reading all of it would slow down a server that runs.
  const auto found = InspectSqliteStore(path, /*check=*/!patient.runs);
  if (!found.has_value() && found.error().code() == Code::kNotFound) {
    return findings.Warning("metadata", found.error().message(),
                            "`aiflow db init` or the first start makes it");
  }
  if (!found.has_value()) {
    return findings.Problem("metadata", path + ": " + found.error().message(),
                            "restore it from a backup, or begin anew with `aiflow db reset`");
  }
  if (!found->damage.empty()) {
    return findings.Problem("metadata", path + " is damaged: " + found->damage,
                            "stop the server and restore the home from a backup");
  }
  if (found->version != found->current_version) return JudgeVersion(*found, findings);
  const std::string log_id = LogIdOf(patient.home);
  if (!found->log_id.empty() && !log_id.empty() && found->log_id != log_id) {
    return findings.Problem(
        "metadata", "it belongs to the event log " + found->log_id + ", and log/ is " + log_id,
        "put aiflow.db and log/ of the same backup there");
  }
  std::error_code unknown;
  if (!found->log_id.empty() && log_id.empty() &&
      std::filesystem::exists(patient.home.log(), unknown)) {
    return findings.Problem("metadata", "its event log " + found->log_id + " is not in log/",
                            "restore log/ from a backup, or begin anew with `aiflow db reset`");
  }
  findings.Ok("metadata", path + ", schema " + std::to_string(found->version) +
                              ", decided up to event " + std::to_string(found->committed) +
                              (patient.runs ? "" : ", checked"));
}

void CheckLog(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  const std::string path = patient.home.log().string();
  std::error_code error;
  if (!std::filesystem::exists(patient.home.log(), error)) {
    if (std::filesystem::exists(patient.home.metadata(), error)) {
      return findings.Ok("event log", path +
                                          " does not exist: the first start makes it, or a "
                                          "notification server keeps the log");
    }
    return findings.Warning("event log", path + " does not exist",
                            "`aiflow db init` and the first start make it");
  }
  if (LogIdOf(patient.home).empty()) {
    return findings.Problem("event log", path + "/META is missing or damaged",
                            "restore the home from a backup");
  }
  uint64_t bytes = 0;
  int64_t files = 0;
  std::filesystem::directory_iterator it(patient.home.log(), error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const auto size = it->file_size(ignored);
    if (!ignored) bytes += size;
    ++files;
  }
  if (error) {
    return findings.Problem("event log", path + ": " + error.message(),
                            "let the owner of the home read it");
  }
  findings.Ok("event log", path + ", " + std::to_string(files) + " files, " + ByteSizeText(bytes));
}

}  // namespace aiflow::server
