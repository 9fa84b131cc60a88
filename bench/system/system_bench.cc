// Black-box figures of a real server that this program starts in a fresh home, beside the ceilings
// of the same run: `system_bench PATH/aiflow`. Load and server share the machine.
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include "aiflow/main.h"
#include "event_load.h"
#include "server_process.h"
#include "task_load.h"

namespace {

using aiflow::bench::ServerProcess;

/// The workflows that the task figures run; uploaded as this very program.
int RunWorkflowVerb(int argc, char** argv) {
  aiflow::Workflow reaction("bench_reaction");
  aiflow::BashTask react(reaction, "react", "echo $AIFLOW_EVENT_VALUE $EPOCHREALTIME >> times");
  reaction.KeepOpen();
  react.StartOn("bench_go").OnAlive(aiflow::OnAlive::kQueue);

  aiflow::Workflow chain("bench_chain");
  std::vector<aiflow::BashTask> links;
  for (int i = 0; i < aiflow::bench::kChainLength; ++i) {
    links.emplace_back(chain, "link" + std::to_string(i), "true");
    if (i > 0) links[i].StartAfter({links[i - 1]});
  }
  return aiflow::Main(argc, argv, {&reaction, &chain});
}

void Print(const char* figure, const std::string& value) {
  std::cout << "  " << figure;
  for (size_t i = std::strlen(figure); i < 52; ++i) std::cout << ' ';
  std::cout << value << std::endl;
}

std::string Milliseconds(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", ms);
  return text;
}

std::string PerSecond(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f /s", rate);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strncmp(argv[1], "--aiflow", 8) == 0) return RunWorkflowVerb(argc, argv);
  if (argc != 2) {
    std::cerr << "usage: system_bench PATH_OF_AIFLOW\n";
    return 2;
  }
  using namespace aiflow::bench;
  const EchoServer echo = EchoServer::Fork();  // before this process has threads

  ServerProcess server(argv[1]);
  if (const aiflow::Status status = server.Start(); !status.ok()) {
    std::cerr << "server: " << status << "\n";
    return 1;
  }
  Print("start to ready", Milliseconds(server.ready_ms()));
  const IdleFigures idle = server.MeasureIdle(std::chrono::seconds(10));
  char text[96];
  std::snprintf(text, sizeof text, "%.1f MB proportional, %.0f ms CPU in 60 s (scaled from 10 s)",
                idle.memory_mb, idle.cpu_ms_per_minute);
  Print("idle", text);

  for (const int in_flight : {1, 64}) {
    const double ceiling = EventRate(echo.address(), in_flight);
    const double rate = EventRate(server.notification_uri(), in_flight);
    std::snprintf(text, sizeof text, "%.0f /s, bare echo %.0f /s, ratio %.2f", rate, ceiling,
                  rate / ceiling);
    Print(("durable events, 200 bytes, " + std::to_string(in_flight) + " in flight").c_str(), text);
  }
  Print("fdatasync of 4 KiB appended", PerSecond(SyncRate(server.home())));

  const auto reaction = MeasureReaction(server, 300);
  if (!reaction) {
    std::cerr << "reaction: " << reaction.error() << "\n";
    return 1;
  }
  std::snprintf(text, sizeof text, "p50 %.2f ms, p99 %.2f ms (%zu events)", reaction->p50_ms,
                reaction->p99_ms, reaction->samples);
  Print("event sent -> first instruction of a bash task", text);

  const auto chain = MeasureChain(server, 5);
  if (!chain) {
    std::cerr << "chain: " << chain.error() << "\n";
    return 1;
  }
  Print(("chain of " + std::to_string(kChainLength) + " `true` tasks, per task").c_str(),
        Milliseconds(*chain));
  return 0;
}
