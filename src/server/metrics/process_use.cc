#include "server/metrics/process_use.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace aiflow::server {
namespace {

/// The fields of /proc/self/stat behind the name of the program, which may hold anything: the first
/// is the state, number 3 in the manual.
std::vector<std::string> StatFields() {
  std::ifstream in("/proc/self/stat");
  const std::string line((std::istreambuf_iterator<char>(in)), {});
  const size_t end_of_name = line.rfind(')');
  std::vector<std::string> fields;
  if (end_of_name == std::string::npos) return fields;
  std::istringstream rest(line.substr(end_of_name + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

/// Seconds since the Unix epoch at which the machine started.
double BootTime() {
  std::ifstream in("/proc/stat");
  std::string word;
  double seconds = 0;
  while (in >> word) {
    if (word == "btime" && in >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

ProcessUse ReadProcessUse() {
  ProcessUse use;
  const std::vector<std::string> fields = StatFields();
  const auto number = [&fields](size_t manual) -> double {
    const size_t index = manual - 3;
    return index < fields.size() ? std::strtod(fields[index].c_str(), nullptr) : 0;
  };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  use.cpu_seconds = (number(14) + number(15)) / ticks;
  use.threads = static_cast<int64_t>(number(20));
  use.start_seconds = BootTime() + number(22) / ticks;
  use.virtual_bytes = static_cast<int64_t>(number(23));
  use.resident_bytes = static_cast<int64_t>(number(24)) * sysconf(_SC_PAGESIZE);
  std::error_code error;
  std::filesystem::directory_iterator it("/proc/self/fd", error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    ++use.open_files;
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    use.max_files = static_cast<int64_t>(limit.rlim_cur);
  }
  return use;
}

}  // namespace aiflow::server
