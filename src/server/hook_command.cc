#include "server/hook_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "server/bounded_process.h"

namespace aiflow::server {
namespace {

/// Takes the output: the beginning to the log, the end for the error message.
class Output {
 public:
  explicit Output(const std::filesystem::path& path) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    log_ = Descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }

  void Take(const char* bytes, size_t size) {
    const size_t kept = std::min(size, kMaxHookOutputBytes - written_);
    Write(bytes, kept);
    written_ += kept;
    if (kept < size && !std::exchange(cut_, true)) {
      constexpr char kMark[] = "\n... more was written than is kept\n";
      Write(kMark, sizeof(kMark) - 1);
    }
    last_.Take(bytes, size);
  }

  [[nodiscard]] std::string LastLineText() const { return last_.Text(); }

 private:
  /// The log is for people: a full disk stops no hook.
  void Write(const char* bytes, size_t size) const {
    while (size > 0) {
      const ssize_t done = write(log_.get(), bytes, size);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return;
      bytes += done;
      size -= static_cast<size_t>(done);
    }
  }

  Descriptor log_;
  size_t written_ = 0;
  bool cut_ = false;
  LastLine last_;
};

std::map<std::string, std::string> EnvironmentOf(const HookDelivery& delivery,
                                                 const HookCommandOptions& options) {
  std::map<std::string, std::string> values = options.environment;
  const HookCall& call = delivery.call;
  values["AIFLOW_HOOK_KEY"] = delivery.key;
  values["AIFLOW_NAMESPACE"] = call.ns;
  values["AIFLOW_WORKFLOW"] = call.workflow;
  values["AIFLOW_WORKFLOW_EXECUTION_ID"] = std::to_string(call.execution_id.value());
  values["AIFLOW_STATUS"] = ExecutionStatusName(call.status);
  values["AIFLOW_REASON"] = call.reason;
  return values;
}

}  // namespace

std::string RunHookCommand(const HookDelivery& delivery, const HookCommandOptions& options,
                           int stop_fd) {
  Output output(options.log);
  BoundedProcess command;
  // The server's own umask is private; the command's is its user's.
  command.argv = {"bash", "-c", "umask \"${AIFLOW_UMASK:-0077}\"; " + delivery.call.command};
  command.environment = EnvironmentOf(delivery, options);
  command.directory = options.directory;
  command.timeout = options.timeout;
  command.grace = kHookKillGrace;
  command.out = [&output](const char* bytes, size_t size) {
    output.Take(bytes, size);
    return true;
  };
  const Result<BoundedEnd> ran = RunBounded(command, stop_fd);
  if (!ran.has_value()) return ran.error().message();
  if (ran->end == ProcessEnd::kStopped) return "the server stopped while it ran";
  if (ran->end == ProcessEnd::kExited && ran->status == 0) return "";
  std::string error =
      ran->end == ProcessEnd::kExited
          ? ExitText(ran->status)
          : "hook_timeout: it ran longer than " + std::to_string(options.timeout.count()) + " ms";
  if (const std::string last = output.LastLineText(); !last.empty()) error += ": " + last;
  return error;
}

}  // namespace aiflow::server
