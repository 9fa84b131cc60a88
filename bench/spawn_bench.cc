// How fast `bash -c true` runs through the local executor and its runner, beside bare posix_spawn
// in the same run; and how long after Start the command's first instruction runs.
//   spawn_bench [TASKS_PER_ROUND]
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "executor/local/local_executor.h"

namespace {

using aiflow::AttemptReport;
using aiflow::AttemptSpec;
using aiflow::LocalExecutor;
using std::chrono::steady_clock;

constexpr std::array<int, 3> kParallelism = {1, 4, 16};

double Seconds(steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double BareRate(int tasks, int parallelism) {
  const auto begin = steady_clock::now();
  int running = 0;
  for (int started = 0; started < tasks || running > 0;) {
    if (started < tasks && running < parallelism) {
      char bash[] = "bash";
      char flag[] = "-c";
      char command[] = "true";
      char* argv[] = {bash, flag, command, nullptr};
      pid_t pid = 0;
      if (posix_spawnp(&pid, "bash", nullptr, nullptr, argv, environ) != 0) std::abort();
      ++started, ++running;
    } else {
      wait(nullptr);
      --running;
    }
  }
  return tasks / Seconds(steady_clock::now() - begin);
}

/// Keeps so many attempts in flight, one started for each that ends.
class Load {
 public:
  Load(const std::filesystem::path& dir, int parallelism)
      : executor_({.runner = {.binary = AIFLOW_RUNNER_BINARY, .dir = (dir / "runner").string()},
                   .attempts_dir = (dir / "attempts").string(),
                   .parallelism = parallelism,
                   .environment = aiflow::ProcessEnvironment()}),
        work_(dir / "work") {}

  void Open(int64_t execution) {
    execution_ = execution;
    const aiflow::Status status =
        executor_.Open(1, {}, [this](AttemptReport report) { OnReport(report); });
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str()), std::abort();
  }

  double Rate(int tasks) {
    const auto begin = steady_clock::now();
    for (int i = 0; i < tasks; ++i) executor_.Start(Spec("true"));
    AwaitEnds(tasks);
    return tasks / Seconds(steady_clock::now() - begin);
  }

  /// Milliseconds from Start to the first line that the command writes, for each of so many.
  std::vector<double> Latencies(int tasks, const std::string& fifo) {
    std::vector<double> result;
    const int fd = open(fifo.c_str(), O_RDWR);
    for (int i = 1; i <= tasks; ++i) {
      const auto begin = steady_clock::now();
      executor_.Start(Spec("echo > " + fifo));
      char byte = 0;
      if (read(fd, &byte, 1) != 1) std::abort();
      result.push_back(Seconds(steady_clock::now() - begin) * 1000);
      AwaitEnds(1);
    }
    close(fd);
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  AttemptSpec Spec(const std::string& command) {
    AttemptSpec spec;
    spec.key = {.execution = aiflow::ExecutionId(execution_), .sequence = ++sequence_};
    spec.token = "bench";
    spec.epoch = 1;
    spec.argv = {"bash", "-c", command};
    spec.working_dir = work_.string();
    return spec;
  }
  void OnReport(const AttemptReport& report) {
    if (!aiflow::IsFinished(report.status)) return;
    const std::lock_guard lock(mutex_);
    if (report.status != aiflow::TaskStatus::kSuccess) std::abort();
    ++ended_;
    changed_.notify_one();
  }
  void AwaitEnds(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= count; });
    ended_ -= count;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int ended_ = 0;
  int64_t execution_ = 0;
  int64_t sequence_ = 0;
  LocalExecutor executor_;
  const std::filesystem::path work_;
};

}  // namespace

int main(int argc, char** argv) {
  const int tasks = argc > 1 ? std::atoi(argv[1]) : 1000;
  std::string name = (std::filesystem::current_path() / "spawn-bench-XXXXXX").string();
  const std::filesystem::path dir = mkdtemp(name.data());
  std::printf("bash -c true, %d tasks a round, tasks/s\n", tasks);
  int64_t execution = 0;
  for (const int parallelism : kParallelism) {
    const double bare = BareRate(tasks, parallelism);
    Load load(dir, parallelism);
    load.Open(++execution);
    const double rate = load.Rate(tasks);
    std::printf("%2d at a time: posix_spawn %6.0f  executor %6.0f  ratio %.2f\n", parallelism, bare,
                rate, rate / bare);
  }
  const std::string fifo = (dir / "fifo").string();
  if (mkfifo(fifo.c_str(), 0600) != 0) return 1;
  {
    Load load(dir, 1);
    load.Open(++execution);
    const std::vector<double> latencies = load.Latencies(std::max(tasks / 5, 10), fifo);
    std::printf("start to first instruction of bash: p50 %.2f ms, p99 %.2f ms\n",
                latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100]);
  }
  const aiflow::Status quit = aiflow::RunnerConnection::Quit(
      {.binary = AIFLOW_RUNNER_BINARY, .dir = (dir / "runner").string()}, true);
  std::filesystem::remove_all(dir);
  return quit.ok() ? 0 : 1;
}
