#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "server/doctor/checks.h"

namespace aiflow::server {
namespace {

std::string UserName(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found != nullptr) {
    return entry.pw_name;
  }
  return "user " + std::to_string(uid);
}

std::string ModeText(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof(text), "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::optional<struct stat> StatOf(const std::filesystem::path& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return info;
}

}  // namespace

void CheckHome(const Patient& patient, Findings& findings) {
  const std::string root = patient.home.root().string();
  const auto info = StatOf(patient.home.root());
  if (!info.has_value()) {
    return findings.Problem("home", root + ": " + std::strerror(errno),
                            "make it with `aiflow db init`, or name another with --home");
  }
  if (!S_ISDIR(info->st_mode)) {
    return findings.Problem("home", root + " is no directory",
                            "move it away, or name another home with --home");
  }
  const std::string owner = UserName(info->st_uid);
  const std::string text = root + ", of " + owner + ", mode " + ModeText(info->st_mode);
  if (info->st_uid != geteuid()) {
    return findings.Problem("home", text + ", and you are " + UserName(geteuid()),
                            "run aiflow as " + owner + ", or `chown -R` the home");
  }
  if (access(root.c_str(), R_OK | W_OK | X_OK) != 0) {
    return findings.Problem("home", text + ": " + std::strerror(errno),
                            "run `chmod 700 " + root + "`, or mount it writable");
  }
  if ((info->st_mode & 077) != 0) {
    return findings.Warning("home", text + ": others can look into it",
                            "run `chmod 700 " + root + "`");
  }
  findings.Ok("home", text);
}

void CheckConfig(const Patient& patient, Findings& findings) {
  if (!patient.config_error.empty()) {
    return findings.Problem("configuration", patient.config_error,
                            "correct it; `aiflow config show --origin` tells what is in force");
  }
  if (!patient.config.unused.empty()) {
    std::string keys;
    for (const std::string& key : patient.config.unused) keys += (keys.empty() ? "" : ", ") + key;
    return findings.Warning("configuration", "keys without effect: " + keys, "remove them");
  }
  findings.Ok("configuration", patient.config.origins.empty()
                                   ? "the defaults"
                                   : std::to_string(patient.config.origins.size()) +
                                         " settings are from the file or the environment");
}

void CheckSecrets(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  // A home that keeps others out keeps them from its files, whatever their modes.
  const auto root = StatOf(patient.home.root());
  const bool guarded = root.has_value() && (root->st_mode & 077) == 0;
  bool safe = true;
  for (const std::filesystem::path& path : {patient.home.config(), patient.home.metadata()}) {
    const auto info = StatOf(path);
    if (!info.has_value() || guarded || (info->st_mode & 077) == 0) continue;
    safe = false;
    findings.Warning(
        "secrets", path.string() + " has mode " + ModeText(info->st_mode) + ": others can read it",
        "run `chmod 600 " + path.string() + "`");
  }
  if (safe) findings.Ok("secrets", "others cannot read the files that may hold some");
}

}  // namespace aiflow::server
