#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "aiflow/errors.h"
#include "aiflow/task_context.h"
#include "verbs.h"

namespace aiflow {
namespace {

// The task's code was never reached.
constexpr int kCannotStart = 2;
constexpr int kStopped = 128 + SIGTERM;
/// What an operator's methods have after its Stop has returned.
constexpr std::chrono::seconds kUnwindTime{5};

struct Outcome {
  int exit_code = 0;
  std::string reason;
};

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
void WriteResult(const Outcome& outcome) {
  const char* path = std::getenv("AIFLOW_RESULT_FILE");
  if (path == nullptr) return;
  std::string reason = outcome.reason;
  for (char& c : reason) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::ofstream file(path, std::ios::trunc);
  file << (std::to_string(outcome.exit_code) + "\n" + (reason.empty() ? "" : reason + "\n"))
       << std::flush;
}

/// Ends the process; whoever comes first decides the outcome, the others wait for the end.
[[noreturn]] void End(const Outcome& outcome) {
  static std::mutex& ending = *new std::mutex;
  ending.lock();
  std::cout.flush();
  WriteResult(outcome);
  std::fflush(nullptr);
  _exit(outcome.exit_code);
}

/// Calls the code of a task; an exception of its is an outcome, too.
template <typename F>
Outcome Call(const TaskContext& context, F&& code) {
  Outcome outcome{1, ""};
  try {
    outcome.exit_code = code();
    outcome.reason = context.failure();
  } catch (const NonRetriableError& error) {
    outcome = {TaskContext::kDoNotRetry, error.what()};
  } catch (const std::exception& error) {
    outcome.reason = std::string("exception: ") + error.what();
  } catch (...) {
    outcome.reason = "exception of an unknown type";
  }
  return outcome;
}

Outcome RunOperator(Operator& task_operator, TaskContext& context) {
  // Runs in the thread that waited for the signal. Its destructor waits for a hook that has begun:
  // the work may end before its hook does, which has more to do perhaps.
  std::optional<std::stop_callback<std::function<void()>>> hook;
  hook.emplace(context.stop_token(), [&task_operator, &context] {
    const Outcome stopped = Call(context, [&] {
      task_operator.Stop(context);
      return 0;
    });
    if (stopped.exit_code != 0) std::cerr << "stop failed: " << stopped.reason << std::endl;
    std::thread([] {
      std::this_thread::sleep_for(kUnwindTime);
      End({kStopped, "stopped"});
    }).detach();
  });
  const Outcome outcome = Call(context, [&] {
    const int started = task_operator.Start(context);
    return started != 0 ? started : task_operator.AwaitTermination(context);
  });
  const bool was_stopped = context.stop_requested();
  hook.reset();
  return was_stopped ? Outcome{kStopped, "stopped"} : outcome;
}

Outcome RunIn(const Workflows& workflows, TaskContext& context) {
  for (const Workflow* flow : workflows) {
    if (flow->spec().ns != context.ns() || flow->spec().name != context.workflow()) continue;
    if (const TaskFunction* function = flow->function(context.task())) {
      return Call(context, [&] { return (*function)(context); });
    }
    if (Operator* task_operator = flow->task_operator(context.task())) {
      return RunOperator(*task_operator, context);
    }
    break;
  }
  return {kCannotStart, "the program has no task " + context.workflow() + "." + context.task() +
                            "; does it declare other tasks here than where it was uploaded?"};
}

}  // namespace

void RunTask(const Workflows& workflows) {
  // Never destroyed: its thread lives as long as the process.
  static StopOnSigterm& stop = *new StopOnSigterm;
  auto context = TaskContext::FromEnvironment(stop.token());
  if (!context) {
    std::cerr << "error: " << context.error().message() << "\n";
    End({kCannotStart, context.error().message()});
  }
  const Outcome outcome = RunIn(workflows, **context);
  if (outcome.exit_code != 0 && !outcome.reason.empty()) {
    std::cerr << "task failed: " << outcome.reason << std::endl;
  }
  context->reset();
  End(outcome);
}

}  // namespace aiflow
