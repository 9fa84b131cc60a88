#include "aiflow/main.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string_view>
#include <thread>

#include "model/spec_json.h"

#ifndef AIFLOW_SDK_VERSION
#define AIFLOW_SDK_VERSION "unknown"
#endif

namespace aiflow {
namespace {

constexpr int kUsageError = 2;

/// The spec as the server shall see it: with this program as host, when a task needs one.
WorkflowSpec WithHost(const Workflow& flow) {
  WorkflowSpec spec = flow.spec();
  for (const TaskSpec& task : spec.tasks) {
    if (task.op != OperatorKind::kHost) continue;
    std::error_code ignored;
    spec.host.language = "cpp";
    spec.host.file = std::filesystem::read_symlink("/proc/self/exe", ignored).filename().string();
    spec.host.sdk_version = AIFLOW_SDK_VERSION;
    break;
  }
  return spec;
}

int Compile(std::initializer_list<const Workflow*> workflows) {
  if (workflows.size() == 0) {
    std::cerr << "error: the program defines no workflow: pass at least one to aiflow::Main\n";
    return 1;
  }
  nlohmann::ordered_json out;
  out["workflows"] = nlohmann::ordered_json::array();
  out["warnings"] = nlohmann::ordered_json::array();
  for (const Workflow* flow : workflows) {
    const WorkflowSpec spec = WithHost(*flow);
    std::vector<std::string> warnings;
    if (const Status status = ValidateWorkflowSpec(spec, &warnings); !status.ok()) {
      std::cerr << "error: " << status.message() << "\n";
      return 1;
    }
    for (std::string& warning : warnings) {
      out["warnings"].push_back(spec.name + ": " + std::move(warning));
    }
    out["workflows"].push_back(
        {{"spec", nlohmann::ordered_json::parse(FormatWorkflowSpec(spec))}, {"content", ""}});
  }
  std::cout << out.dump() << "\n";
  return std::cout.flush() ? 0 : 1;
}

/// Turns SIGTERM into a stop request. Made before any other thread, so that all of them inherit the
/// blocked signal and only the waiting one takes it.
class StopOnSigterm {
 public:
  StopOnSigterm() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::thread([this] {
      int signal = 0;
      sigwait(&signals_, &signal);
      source_.request_stop();
    }).detach();
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
};

/// The last act of the process: its own result, for the case that nobody waits for it.
void WriteResult(int exit_code, const std::string& reason) {
  const char* path = std::getenv("AIFLOW_RESULT_FILE");
  if (path == nullptr) return;
  std::ofstream file(path, std::ios::trunc);
  file << (std::to_string(exit_code) + "\n" + (reason.empty() ? "" : reason + "\n")) << std::flush;
}

int CallFunction(const TaskFunction& function, TaskContext& context, std::string* reason) {
  int exit_code = 1;
  try {
    exit_code = function(context);
    *reason = context.failure();
  } catch (const std::exception& error) {
    *reason = std::string("exception: ") + error.what();
  } catch (...) {
    *reason = "exception of an unknown type";
  }
  if (exit_code != 0 && !reason->empty()) std::cerr << "task failed: " << *reason << std::endl;
  return exit_code;
}

int RunTask(std::initializer_list<const Workflow*> workflows) {
  // Never destroyed: its thread lives as long as the process.
  static StopOnSigterm& stop = *new StopOnSigterm;
  auto context = TaskContext::FromEnvironment(stop.token());
  if (!context) {
    std::cerr << "error: " << context.error().message() << "\n";
    return kUsageError;
  }
  std::string reason =
      "the program has no task " + (*context)->workflow() + "." + (*context)->task();
  int exit_code = 1;
  for (const Workflow* flow : workflows) {
    if (flow->spec().ns != (*context)->ns() || flow->spec().name != (*context)->workflow())
      continue;
    const TaskFunction* function = flow->function((*context)->task());
    if (function == nullptr) break;
    exit_code = CallFunction(*function, **context, &reason);
    break;
  }
  std::cout.flush();
  context->reset();
  WriteResult(exit_code, reason);
  std::fflush(nullptr);
  _exit(exit_code);
}

int Help(const char* program, std::initializer_list<const Workflow*> workflows) {
  std::cout << program << " defines these workflows:\n";
  for (const Workflow* flow : workflows) {
    std::cout << "  " << flow->spec().ns << "." << flow->spec().name << " ("
              << flow->spec().tasks.size() << " tasks)\n";
  }
  std::cout << "Upload it:  aiflow workflow upload " << program << "\n";
  return 0;
}

}  // namespace

int Main(int argc, char** argv, std::initializer_list<const Workflow*> workflows) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "--aiflow-compile") return Compile(workflows);
  if (verb == "--aiflow-run-task") return RunTask(workflows);
  if (verb.empty() || verb == "--help" || verb == "-h") return Help(argv[0], workflows);
  std::cerr << "error: unknown argument " << verb << "; try --help\n";
  return kUsageError;
}

}  // namespace aiflow
