#include "task_load.h"

#include <grpcpp/grpcpp.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "aiflow/event_client.h"
#include "aiflow/v1/orchestrator.grpc.pb.h"

namespace aiflow::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

double WallMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Uploads this program with the command line, as a user would.
Status Upload(const ServerProcess& server) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const pid_t pid = fork();
  if (pid == 0) {
    execl(server.binary().c_str(), "aiflow", "--home", server.home().c_str(), "workflow", "upload",
          self.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status == 0 ? Status::Ok() : Status(Code::kInternal, "aiflow workflow upload failed");
}

class Orchestrator {
 public:
  explicit Orchestrator(const ServerProcess& server)
      : stub_(v1::Orchestrator::NewStub(
            grpc::CreateChannel(server.server_uri(), grpc::InsecureChannelCredentials()))) {}

  Result<int64_t> Start(const std::string& workflow) {
    grpc::ClientContext context;
    v1::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_name(workflow);
    v1::StartWorkflowExecutionResponse response;
    const grpc::Status status = stub_->StartWorkflowExecution(&context, request, &response);
    if (!status.ok()) return Error(Code::kInternal, status.error_message());
    return response.execution_id();
  }

  /// Waits for the end; the status that the execution ended with.
  std::string WaitForEnd(int64_t execution) {
    grpc::ClientContext context;
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(execution);
    const auto reader = stub_->WatchWorkflowExecution(&context, request);
    v1::WorkflowExecutionView view;
    std::string status;
    while (reader->Read(&view)) status = view.execution().status();
    (void)reader->Finish();
    return status;
  }

  void Stop(int64_t execution) {
    grpc::ClientContext context;
    v1::WorkflowExecutionRequest request;
    request.set_execution_id(execution);
    v1::Empty response;
    (void)stub_->StopWorkflowExecution(&context, request, &response);
  }

 private:
  const std::unique_ptr<v1::Orchestrator::Stub> stub_;
};

size_t CountLines(const std::filesystem::path& path) {
  std::ifstream file(path);
  return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
}

}  // namespace

Result<Reaction> MeasureReaction(const ServerProcess& server, int events) {
  if (const Status status = Upload(server); !status.ok()) return Error(status);
  Orchestrator orchestrator(server);
  const Result<int64_t> execution = orchestrator.Start("bench_reaction");
  if (!execution) return Error(execution.error());
  const auto times = server.home() / "working_dir" / "default" / "bench_reaction" /
                     std::to_string(*execution) / "times";
  EventClient client(server.notification_uri());
  std::vector<double> sent(static_cast<size_t>(events));
  for (size_t i = 0; i < sent.size(); ++i) {
    sent[i] = WallMicroseconds();
    const auto result = client.Send("bench_go", std::to_string(i));
    if (!result) return Error(result.error());
    const auto end = steady_clock::now() + std::chrono::seconds(10);
    while (CountLines(times) <= i) {
      if (steady_clock::now() > end) return Error(Code::kDeadlineExceeded, "no task ran in 10 s");
      std::this_thread::sleep_for(milliseconds(1));
    }
    std::this_thread::sleep_for(milliseconds(20));  // the run ends, the server rests
  }
  orchestrator.Stop(*execution);

  std::vector<double> reaction;
  std::ifstream file(times);
  size_t index = 0;
  double seconds = 0;
  while (file >> index >> seconds) reaction.push_back((seconds * 1e6 - sent.at(index)) / 1e3);
  std::sort(reaction.begin(), reaction.end());
  return Reaction{reaction[reaction.size() / 2], reaction[reaction.size() * 99 / 100],
                  reaction.size()};
}

Result<double> MeasureChain(const ServerProcess& server, int runs) {
  Orchestrator orchestrator(server);
  std::vector<double> per_task;
  for (int run = 0; run < runs; ++run) {
    const auto begin = steady_clock::now();
    const Result<int64_t> execution = orchestrator.Start("bench_chain");
    if (!execution) return Error(execution.error());
    const std::string status = orchestrator.WaitForEnd(*execution);
    if (status != "SUCCESS") return Error(Code::kInternal, "the chain ended " + status);
    per_task.push_back(
        std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count() /
        kChainLength);
  }
  std::sort(per_task.begin(), per_task.end());
  return per_task[per_task.size() / 2];
}

}  // namespace aiflow::bench
