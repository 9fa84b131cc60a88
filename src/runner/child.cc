#include "runner/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>

#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/log_filter.h"
#include "runner/masker.h"

namespace aiflow::runner {
namespace {

void Tell(int start_pipe, ChildNote note, const std::string& text = {}) {
  std::string bytes(1, static_cast<char>(note));
  bytes += text.substr(0, 2048);  // a pipe takes this much at once
  // Nobody listening means that the runner is gone: the attempt goes on without it, and must not
  // die of the signal for that. The command finds the default again.
  std::signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] const ssize_t ignored = write(start_pipe, bytes.data(), bytes.size());
  std::signal(SIGPIPE, SIG_DFL);
}

void ResetSignals() {
  // By the bare system call: the C library keeps two signals to itself, which posix_spawn leaves
  // ignored. All zero is the default action.
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } const standard{};
  for (int signal = 1; signal <= 64; ++signal) {
    syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof(standard.mask));
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Keeps only the start pipe, as descriptor 3, which closes on exec.
int CloseAllBut(int start_pipe) {
  constexpr int kKept = 3;
  if (start_pipe != kKept) dup3(start_pipe, kKept, O_CLOEXEC);
  close_range(kKept + 1, ~0U, 0);
  return kKept;
}

Status WriteFile(const std::string& path, const std::string& contents) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  size_t done = 0;
  while (fd >= 0 && done < contents.size()) {
    const ssize_t written = write(fd, contents.data() + done, contents.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    done += static_cast<size_t>(written);
  }
  if (fd < 0 || done < contents.size()) {
    Status status(Code::kUnavailable, "cannot write " + path + ": " + ErrorText(errno));
    if (fd >= 0) close(fd);
    return status;
  }
  close(fd);
  return Status::Ok();
}

/// What the command writes to: its log, or the pipe to the filter of one who has secrets.
Result<int> OpenOutput(const std::string& dir, const std::vector<std::string>& secrets) {
  const bool filtered = !SecretSet(secrets).empty();
  if (filtered) {
    if (Status made = MakeLogPipe(dir); !made.ok()) return Error(std::move(made));
  }
  const std::string path = filtered ? LogPipePath(dir) : LogPath(dir);
  // Also to be read: who can read from a pipe does not die when nobody else does.
  const int flags = filtered ? O_RDWR : O_WRONLY | O_CREAT | O_APPEND;
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(Code::kUnavailable, "cannot open log " + path + ": " + ErrorText(errno));
  }
  if (filtered) {
    Status started = StartLogFilter(dir, secrets, FilterTask::kBegin);
    if (!started.ok()) return Error(std::move(started));
  }
  return fd;
}

Status ConnectStandardStreams(const std::string& dir, const std::vector<std::string>& secrets) {
  const Result<int> output = OpenOutput(dir, secrets);
  if (!output) return output.error();
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd >= 0) dup2(null_fd, STDIN_FILENO);
  dup2(*output, STDOUT_FILENO);
  dup2(*output, STDERR_FILENO);
  return Status::Ok();
}

/// What the runner makes is for its user alone; what the command makes is as its user wants it.
constexpr mode_t kPrivateUmask = 077;
constexpr mode_t kUsualUmask = 022;

/// The octal number in kUmaskVariable.
mode_t UmaskOf(const std::vector<std::string>& env) {
  const std::string name = std::string(kUmaskVariable) + "=";
  for (const std::string& entry : env) {
    if (!entry.starts_with(name)) continue;
    unsigned mask = 0;
    const char* const end = entry.data() + entry.size();
    const auto [read, error] = std::from_chars(entry.data() + name.size(), end, mask, 8);
    if (error == std::errc() && read == end && mask <= 0777) return mask;
  }
  return kUsualUmask;
}

/// Everything the command finds around it, apart from its environment variables.
Status Prepare(const AttemptCommand& command, uint64_t descriptor_limit) {
  umask(kPrivateUmask);
  if (!command.refusal.empty()) return {Code::kInvalidArgument, command.refusal};
  if (command.argv.empty()) return {Code::kInvalidArgument, "the command is empty"};
  AIFLOW_RETURN_IF_ERROR(ConnectStandardStreams(command.dir, command.secrets));
  for (const auto& [variable, contents] : command.files) {
    AIFLOW_RETURN_IF_ERROR(WriteFile(VariableFile(command.dir, variable), contents));
  }
  const std::string& wd = command.working_dir.empty() ? command.dir : command.working_dir;
  AIFLOW_RETURN_IF_ERROR(MakeDirectories(wd));
  if (chdir(wd.c_str()) != 0) {
    return {Code::kUnavailable, "cannot enter directory " + wd + ": " + ErrorText(errno)};
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = descriptor_limit;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  umask(UmaskOf(command.env));
  return Status::Ok();
}

std::vector<std::string> FullEnvironment(const AttemptCommand& command) {
  std::vector<std::string> env = command.env;
  const auto add = [&](const std::string& name, const std::string& value) {
    std::erase_if(env, [&](const std::string& old) { return old.starts_with(name + "="); });
    env.push_back(name + "=" + value);
  };
  add(kAttemptDirVariable, command.dir);
  add("AIFLOW_LOG_FILE", LogPath(command.dir));
  add("AIFLOW_RESULT_FILE", ResultPath(command.dir));
  add("AIFLOW_OUTPUT", OutputPath(command.dir));
  for (const auto& [variable, contents] : command.files)
    add(variable, VariableFile(command.dir, variable));
  return env;
}

std::vector<char*> Pointers(std::vector<std::string>& texts, size_t* bytes) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
    *bytes += text.size() + 1 + sizeof(char*);
  }
  pointers.push_back(nullptr);
  return pointers;
}

/// Returns only when the command cannot be executed.
Status Execute(const AttemptCommand& command) {
  std::vector<std::string> argv = command.argv;
  std::vector<std::string> env = FullEnvironment(command);
  size_t bytes = 0;
  const std::vector<char*> argv_pointers = Pointers(argv, &bytes);
  std::vector<char*> env_pointers = Pointers(env, &bytes);
  environ = env_pointers.data();  // execvp looks the command up in the attempt's own PATH
  execvp(argv_pointers[0], argv_pointers.data());
  const int error = errno;
  std::string text = "cannot run " + CleanLine(command.argv[0], 200) + ": " + ErrorText(error);
  if (error == E2BIG) {
    text += " (arguments and environment take " + std::to_string(bytes) +
            " bytes; one may have 131071, all together about " +
            std::to_string(sysconf(_SC_ARG_MAX)) + ": pass large values by file)";
  }
  return {Code::kUnavailable, text};
}

}  // namespace

void RunChild(const AttemptCommand& command, const MachineIdentity& machine,
              uint64_t descriptor_limit, int start_pipe) {
  setsid();
  start_pipe = CloseAllBut(start_pipe);
  ResetSignals();
  const auto self = ReadProcessStat(getpid());
  const Claim claim{.attempt = command.attempt,
                    .token = command.token,
                    .epoch = command.epoch,
                    .pid = getpid(),
                    .start_time = self ? self->start_time : 0,
                    .boot_id = machine.boot_id,
                    .pid_namespace = machine.pid_namespace,
                    .claimed_ms = WallMillis()};
  int claim_fd = -1;
  const Status claimed = PublishClaim(command.dir, EncodeClaim(claim, nullptr), &claim_fd);
  if (!claimed.ok()) {
    const bool lost = claimed.code() == Code::kAlreadyExists;
    Tell(start_pipe, lost ? ChildNote::kLost : ChildNote::kNoClaim, claimed.message());
    _exit(127);
  }
  Tell(start_pipe, ChildNote::kClaimed);
  Status status = Prepare(command, descriptor_limit);
  if (status.ok()) status = Execute(command);
  [[maybe_unused]] const Status ignored = WriteResultTo(claim_fd, {.outcome = Outcome::kFailed,
                                                                   .exit_code = 127,
                                                                   .ended_ms = WallMillis(),
                                                                   .reason = status.message()});
  Tell(start_pipe, ChildNote::kNotExecuted, status.message());
  _exit(127);
}

}  // namespace aiflow::runner
