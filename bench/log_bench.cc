/// How fast the event log takes events, beside the disk's own ceiling in the same run.
///
///   log_bench [directory] [events before]
///
/// Events have a value of 200 bytes and a fresh idempotency key each; every batch is synced.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/check.h"
#include "eventlog/log_service.h"
#include "storage/segments/segment_log.h"

namespace aiflow {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kMeasureSeconds = 2;

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

double ResidentMegabytes() {
  std::ifstream in("/proc/self/statm");
  int64_t pages = 0;
  int64_t resident = 0;
  in >> pages >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

/// Repeats `step`, which returns how many things it did, and returns things per second.
double Rate(const std::function<int64_t()>& step) {
  const auto begin = std::chrono::steady_clock::now();
  int64_t done = 0;
  while (SecondsSince(begin) < kMeasureSeconds) done += step();
  return static_cast<double>(done) / SecondsSince(begin);
}

/// Appends of 4 KiB to reserved space, each with fdatasync.
double SyncCeiling(const std::string& directory) {
  const std::string path = directory + "/ceiling";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(fd >= 0 && fallocate(fd, 0, 0, 256 << 20) == 0) << path;
  const std::string block(4096, 'x');
  off_t at = 0;
  const double rate = Rate([&] {
    CHECK(pwrite(fd, block.data(), block.size(), at) == static_cast<ssize_t>(block.size()));
    CHECK(fdatasync(fd) == 0);
    at += static_cast<off_t>(block.size());
    return 1;
  });
  close(fd);
  unlink(path.c_str());
  return rate;
}

class Producer {
 public:
  Event Next() {
    Event event;
    event.key = "key-" + std::to_string(next_ % 1000);
    event.value = std::string(200, 'v');
    event.ns = "default";
    event.sender = "bench";
    event.id = "c/1/" + std::to_string(next_++);
    return event;
  }

 private:
  int64_t next_ = 1;
};

std::unique_ptr<SegmentLog> OpenLog(const std::string& directory) {
  auto log = SegmentLog::Open(PosixFileSystem(), SystemClock(), directory, {});
  CHECK(log.has_value()) << log.error().ToString();
  return std::move(*log);
}

double AppendRate(SegmentLog& log, Producer& producer, size_t batch) {
  return Rate([&] {
    std::vector<Event> events;
    for (size_t i = 0; i < batch; ++i) events.push_back(producer.Next());
    CHECK(log.Append(events).has_value());
    return static_cast<int64_t>(batch);
  });
}

/// Through the service, with so many appends always waiting for their answer.
double ServiceRate(SegmentLog& log, Producer& producer, int in_flight) {
  std::mutex mutex;
  std::condition_variable changed;
  int free = in_flight;
  LogService service(log, {});
  const double rate = Rate([&] {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return free > 0; });
      --free;
    }
    service.AppendAsync(producer.Next(), Admission::kExternal, [&](Result<AppendResult> result) {
      CHECK(result.has_value()) << result.error().ToString();
      const std::lock_guard lock(mutex);
      ++free;
      changed.notify_one();
    });
    return int64_t{1};
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return free == in_flight; });
  return rate;
}

void Run(const std::string& directory, int64_t before) {
  const double ceiling = SyncCeiling(directory);
  std::printf("fdatasync of 4 KiB appends       %10.0f /s\n", ceiling);
  Producer producer;
  auto log = OpenLog(directory + "/log");
  while (log->head() < before) {
    std::vector<Event> events;
    for (int i = 0; i < 4000; ++i) events.push_back(producer.Next());
    CHECK(log->Append(events).has_value());
  }
  std::printf("events in the log                %10lld\n", static_cast<long long>(log->head()));
  for (const size_t batch : {1, 64, 1000}) {
    const double rate = AppendRate(*log, producer, batch);
    std::printf("append, batch %-5zu              %10.0f events/s, %.2f syncs of the ceiling\n",
                batch, rate, rate / static_cast<double>(batch) / ceiling);
  }
  for (const int in_flight : {1, 64, 512}) {
    std::printf("service, %3d in flight           %10.0f events/s\n", in_flight,
                ServiceRate(*log, producer, in_flight));
  }
  const double memory = ResidentMegabytes();
  const Offset head = log->head();
  auto begin = std::chrono::steady_clock::now();
  const auto count = log->Count({.key = "key-7"});
  std::printf("count of one key in %lld events: %.1f ms (%lld found)\n",
              static_cast<long long>(head), SecondsSince(begin) * 1e3,
              static_cast<long long>(count->first));
  begin = std::chrono::steady_clock::now();
  for (Offset at = 0; at < head;) at = log->Read(at, 4096, 8 << 20)->back().offset;
  std::printf("read from the begin              %10.0f events/s\n",
              static_cast<double>(head) / SecondsSince(begin));
  log.reset();
  begin = std::chrono::steady_clock::now();
  log = OpenLog(directory + "/log");
  std::printf("open %lld events: %.1f ms; memory %.0f MiB, before closing %.0f MiB\n",
              static_cast<long long>(log->head()), SecondsSince(begin) * 1e3, ResidentMegabytes(),
              memory);
}

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) {
  const std::filesystem::path parent =
      argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
  std::string directory = (parent / "log_bench_XXXXXX").string();
  CHECK(mkdtemp(directory.data()) != nullptr) << directory;
  aiflow::Run(directory, argc > 2 ? std::atoll(argv[2]) : 1'000'000);
  std::filesystem::remove_all(directory);
  return 0;
}
