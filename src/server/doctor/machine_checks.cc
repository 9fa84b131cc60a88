#include <fcntl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "calendar/time_zone.h"
#include "server/byte_size.h"
#include "server/disk_watch.h"
#include "server/doctor/checks.h"

namespace aiflow::server {
namespace {

constexpr rlim_t kEnoughFiles = 4'096;
constexpr double kSlowSync = 50;  // ms
/// No clock of a machine that runs this is before the program was written: 2026-01-01.
constexpr int64_t kEarliest = 1'767'225'600'000;

/// Milliseconds of one write and sync of 4 KiB, the median of three; negative: errno.
double TimeSync(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  unlink(path.c_str());
  const std::array<char, 4096> block{};
  std::array<double, 3> times{};
  int error = 0;
  for (double& time : times) {
    const auto begun = SystemClock().Monotonic();
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        fdatasync(fd) != 0) {
      error = errno == 0 ? EIO : errno;
      break;
    }
    time = std::chrono::duration<double, std::milli>(SystemClock().Monotonic() - begun).count();
  }
  close(fd);
  if (error != 0) return -error;
  std::sort(times.begin(), times.end());
  return times[1];
}

/// When something in the event log was written last, or 0.
Millis LastWrite(const Home& home) {
  Millis last{0};
  std::error_code error;
  std::filesystem::directory_iterator it(home.log(), error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const auto written = std::filesystem::last_write_time(it->path(), ignored);
    if (ignored) continue;
    const auto since = std::chrono::file_clock::to_sys(written).time_since_epoch();
    last = std::max(last, std::chrono::duration_cast<Millis>(since));
  }
  return last;
}

std::string LimitText(rlim_t limit) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit);
}

}  // namespace

void CheckDisk(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  const auto space = ReadDiskSpace(patient.home.root());
  if (!space.has_value()) {
    return findings.Problem("disk", space.error().message(), "mount it again");
  }
  const DiskReport report =
      JudgeDisk(*space, patient.config.disk_reserve_bytes(), patient.home.root().string());
  const std::string advice = "free some space, or shorten history_retention";
  if (report.level == DiskLevel::kFull) return findings.Problem("disk", report.text, advice);
  if (report.level == DiskLevel::kLow) return findings.Warning("disk", report.text, advice);
  findings.Ok(
      "disk",
      ByteSizeText(space->free) + " free of " + ByteSizeText(space->size) +
          (space->inodes == 0 ? "" : ", " + std::to_string(space->free_inodes) + " free inodes") +
          (report.reserve == 0 ? ", no reserve" : ", reserve " + ByteSizeText(report.reserve)));
}

void CheckSyncSpeed(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  const double time =
      TimeSync((patient.home.root() / (".doctor." + std::to_string(getpid()))).string());
  if (time < 0) {
    return findings.Problem(
        "disk speed",
        std::string("cannot write in the home: ") + std::strerror(static_cast<int>(-time)),
        "let the owner of the home write in it, or free some space");
  }
  char text[64];
  std::snprintf(text, sizeof(text), "a sync takes %.1f ms", time);
  if (time > kSlowSync) {
    return findings.Warning("disk speed", text,
                            "every event waits for a sync: use a local disk, no network share");
  }
  findings.Ok("disk speed", text);
}

void CheckClock(const Patient& patient, Findings& findings) {
  const Millis now = SystemClock().Now();
  if (now.count() < kEarliest) {
    return findings.Problem("clock", "it is set to the past", "set the time of this machine");
  }
  const Millis last = LastWrite(patient.home);
  if (last > now + std::chrono::minutes(1)) {
    return findings.Warning("clock",
                            "it is " + std::to_string((last - now).count() / 1'000) +
                                " s behind the last write to the event log: it was set back",
                            "set the time of this machine; events keep the later time until then");
  }
  timex state{};
  if (adjtimex(&state) == TIME_ERROR && (state.status & STA_UNSYNC) != 0) {
    return findings.Warning("clock", "the kernel says that no time service keeps it right",
                            "run chrony or systemd-timesyncd, or leave it to the host of this "
                            "container");
  }
  findings.Ok("clock", "kept right by a time service");
}

void CheckTimeZones(const Patient& patient, Findings& findings) {
  for (const std::string& name : {std::string("Europe/Berlin"), std::string("America/New_York"),
                                  patient.config.default_timezone}) {
    if (const auto zone = TimeZone::Find(name); !zone.has_value()) {
      return findings.Problem("time zones", zone.error().message(), "install the package tzdata");
    }
  }
  findings.Ok("time zones",
              "the database is there, the default is " + patient.config.default_timezone);
}

void CheckLimits(const Patient& patient, Findings& findings) {
  rlimit files{};
  rlimit processes{};
  getrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_NPROC, &processes);
  const std::string text =
      "open files " + LimitText(files.rlim_cur) + ", processes " + LimitText(processes.rlim_cur);
  if (files.rlim_cur < kEnoughFiles) {
    return findings.Warning("limits", text,
                            "raise the limit of open files to " + std::to_string(kEnoughFiles) +
                                " or more: `ulimit -n`, LimitNOFILE= of a systemd unit");
  }
  // A task is a process or a few; beside them are the server's own threads.
  const auto wanted = static_cast<rlim_t>(patient.config.local_executor_parallelism * 4 + 256);
  if (processes.rlim_cur != RLIM_INFINITY && processes.rlim_cur < wanted) {
    return findings.Warning("limits", text,
                            "raise the limit of processes to " + std::to_string(wanted) +
                                " or more: `ulimit -u`, LimitNPROC= of a systemd unit");
  }
  findings.Ok("limits", text);
}

}  // namespace aiflow::server
