#include "server/host_compiler.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/limits.h"
#include "server/bounded_process.h"

namespace aiflow::server {
namespace {

// The descriptors of the host, in the order of BoundedProcess::inherited.
constexpr char kLifelineFd[] = "3";
constexpr char kInputFile[] = "/dev/fd/4";

/// A file without a name: nothing is left behind, however this ends.
Result<Descriptor> FileOf(const std::string& bytes) {
  Descriptor file(memfd_create("aiflow", MFD_CLOEXEC));
  if (file.get() < 0) {
    return Error(Code::kUnavailable, std::string("memfd_create: ") + std::strerror(errno));
  }
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t size = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error(Code::kUnavailable, std::string("memfd: ") + std::strerror(errno));
    done += static_cast<size_t>(size);
  }
  return file;
}

/// Programs write any bytes, answers are UTF-8.
std::string TextOf(const LastLine& messages) {
  using Json = nlohmann::json;
  const std::string quoted =
      Json(messages.Text()).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted).get<std::string>();
}

Status Failure(const std::string& what, const LastLine& messages) {
  const std::string last = TextOf(messages);
  return {Code::kFailedPrecondition, last.empty() ? what : what + ": " + last};
}

}  // namespace

Result<std::string> CompileInHost(const HostCompilation& compilation, int stop_fd) {
  // Its other end is this process's alone, so that it closes when this process dies.
  Result<Pipe> lifeline = MakePipe();
  if (!lifeline.has_value()) return Error(lifeline.error());
  fcntl(lifeline->out.get(), F_SETFL, 0);  // the host waits in a read
  BoundedProcess process;
  process.inherited = {lifeline->out.get()};
  Descriptor input;
  std::string file = compilation.file;
  if (file.empty()) {
    Result<Descriptor> made = FileOf(compilation.input);
    if (!made.has_value()) return Error(made.error());
    input = *std::move(made);
    process.inherited.push_back(input.get());
    file = kInputFile;
  }
  process.argv = {compilation.interpreter, "-m", "ai_flow.host", compilation.command, file};
  process.environment = compilation.environment;
  process.environment["AIFLOW_LIFELINE_FD"] = kLifelineFd;
  process.directory = compilation.directory;
  process.timeout = compilation.timeout;
  process.kill_leftovers = true;
  process.memory = kMaxCompilerMemory;
  std::string output;
  LastLine messages;
  process.out = [&output](const char* bytes, size_t size) {
    if (output.size() + size > limits::kMaxSpecBytes) return false;
    output.append(bytes, size);
    return true;
  };
  process.err = [&messages](const char* bytes, size_t size) {
    messages.Take(bytes, size);
    return true;
  };
  const Result<BoundedEnd> ran = RunBounded(process, stop_fd);
  if (!ran.has_value()) return Error(ran.error());
  switch (ran->end) {
    case ProcessEnd::kStopped: return Error(Code::kUnavailable, "the server is stopping");
    case ProcessEnd::kTimeout:
      return Error(Failure("compile_timeout: compiling took longer than " +
                               std::to_string(compilation.timeout.count()) + " ms",
                           messages));
    case ProcessEnd::kTooMuchOutput:
      return Error(Code::kFailedPrecondition, "the specification has more than kMaxSpecBytes " +
                                                  std::to_string(limits::kMaxSpecBytes) + " bytes");
    case ProcessEnd::kExited: break;
  }
  if (ran->status != 0) {
    // Code 1: its last line says it all.
    const std::string last = TextOf(messages);
    if (last.find("No module named 'ai_flow'") != std::string::npos) {
      return Error(Code::kFailedPrecondition, compilation.interpreter +
                                                  " has no AIFlow SDK; set python_executable in " +
                                                  "aiflow_server.yaml to a Python that has it");
    }
    const bool told = ExitText(ran->status) == "exit code 1" && !last.empty();
    if (told) return Error(Code::kFailedPrecondition, last);
    return Error(Failure("the compiler failed, " + ExitText(ran->status), messages));
  }
  if (output.empty()) return Error(Failure("the compiler printed nothing", messages));
  return output;
}

}  // namespace aiflow::server
