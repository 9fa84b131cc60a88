#include "server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

namespace aiflow::bench {
namespace {

double Milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// What the threads that a process has now have run so far. By the scheduler's own account, as the
/// clock ticks of /proc/PID/stat are coarser than what an idle server needs in a minute.
double CpuMilliseconds(pid_t pid) {
  double nanoseconds = 0;
  std::error_code gone;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(tasks, gone)) {
    double ran = 0;
    std::ifstream(thread.path() / "schedstat") >> ran;
    nanoseconds += ran;
  }
  return nanoseconds / 1e6;
}

double ProportionalMegabytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string word; file >> word;) {
    if (word != "Pss:") continue;
    double kilobytes = 0;
    file >> kilobytes;
    return kilobytes / 1024.0;
  }
  return 0;
}

}  // namespace

ServerProcess::ServerProcess(std::filesystem::path binary) : binary_(std::move(binary)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "aiflow-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) != nullptr) home_ = pattern;
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!home_.empty()) std::filesystem::remove_all(home_, ignored);
}

Status ServerProcess::Start() {
  std::array<int, 2> out{};
  if (home_.empty() || pipe2(out.data(), O_CLOEXEC) != 0) {
    return {Code::kInternal, "no temporary home or pipe"};
  }
  const auto begin = std::chrono::steady_clock::now();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // a bench that crashes leaves nothing running
    dup2(out[1], STDOUT_FILENO);
    execl(binary_.c_str(), binary_.c_str(), "standalone", "--home", home_.c_str(), "--rpc-port",
          "0", "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0", nullptr);
    _exit(127);
  }
  close(out[1]);
  // The first line it prints is printed once it is ready.
  char first = 0;
  const bool printed = read(out[0], &first, 1) == 1;
  ready_ms_ = Milliseconds(std::chrono::steady_clock::now() - begin);
  // The pipe stays open for the server's further lines; they are few.
  if (!printed) return {Code::kUnavailable, "the server ended before it was ready"};
  std::ifstream file(home_ / "server.json");
  const auto endpoints = nlohmann::json::parse(file, nullptr, false);
  if (!endpoints.is_object()) return {Code::kUnavailable, "server.json is missing"};
  server_uri_ = endpoints.value("server_uri", "");
  notification_uri_ = endpoints.value("notification_uri", "");
  return Status::Ok();
}

IdleFigures ServerProcess::MeasureIdle(std::chrono::seconds time) const {
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const double before = CpuMilliseconds(pid_);
  std::this_thread::sleep_for(time);
  IdleFigures figures;
  figures.cpu_ms_per_minute =
      (CpuMilliseconds(pid_) - before) * 60.0 / static_cast<double>(time.count());
  figures.memory_mb = ProportionalMegabytes(pid_);
  return figures;
}

}  // namespace aiflow::bench
