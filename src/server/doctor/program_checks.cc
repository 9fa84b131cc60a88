#include <httplib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "executor/attempt_store.h"
#include "executor/local/local_executor.h"
#include "server/bounded_process.h"
#include "server/doctor/checks.h"
#include "server/port_reservation.h"
#include "server/python_interpreter.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::seconds kHttpPatience{3};
constexpr Millis kPythonPatience{20'000};

/// What the interpreter prints for the version of the SDK; empty when it has none.
std::string SdkVersion(const std::string& interpreter) {
  std::string output;
  BoundedProcess process;
  process.argv = {interpreter, "-c", "import ai_flow; print(ai_flow.__version__)"};
  process.environment = ProcessEnvironment();
  process.directory = "/";
  process.timeout = kPythonPatience;
  process.out = [&output](const char* bytes, size_t size) {
    output.append(bytes, size);
    return output.size() < 4'096;
  };
  process.err = [](const char* /*bytes*/, size_t /*size*/) { return true; };
  const Result<BoundedEnd> end = RunBounded(process, -1);
  if (!end.has_value() || end->end != ProcessEnd::kExited || end->status != 0) return {};
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

void CheckPort(const Patient& patient, const std::string& role, const std::string& key,
               int64_t port, const std::string& option, Findings& findings) {
  if (port <= 0) return;  // off, or chosen by the system
  if (PortReservation::Take("127.0.0.1", static_cast<int>(port)).has_value()) return;
  const std::string who = WhoListens(static_cast<int>(port));
  findings.Problem("ports",
                   "port " + std::to_string(port) + " of the " + role + " is in use" +
                       (who.empty() ? "" : " by " + who),
                   "stop that, or choose another port with " + option + " or " + key +
                       (patient.config.origins.contains(key) ? "" : ", or all with --port-offset"));
}

}  // namespace

void CheckRunner(const Patient& patient, Findings& findings) {
  const std::filesystem::path binary = patient.executable.parent_path() / "aiflow-runner";
  if (access(binary.c_str(), X_OK) != 0) {
    return findings.Problem("runner", binary.string() + " is missing or cannot be run",
                            "install aiflow-runner beside aiflow");
  }
  const std::string live =
      patient.exists ? FindLiveAttempt(patient.home.attempts().string()) : std::string();
  if (live.empty()) return findings.Ok("runner", binary.string() + ", no task runs");
  if (patient.runs) return findings.Ok("runner", binary.string() + ", tasks run");
  findings.Warning("runner", "no server runs, but attempt " + live + " does",
                   "start the server: it takes its tasks over");
}

void CheckPython(const Patient& patient, Findings& findings) {
  const std::string& interpreter = patient.config.python_executable;
  const Result<std::string> version = AskPythonVersion(interpreter);
  const std::string advice = "set python_executable, where workflows have Python operators";
  if (!version.has_value()) {
    return findings.Warning("python", version.error().message(), advice);
  }
  const std::string sdk = SdkVersion(interpreter);
  const std::string text = interpreter + " is Python " + *version;
  if (sdk.empty()) {
    return findings.Warning("python", text + " without the SDK ai_flow",
                            "install it there, or " + advice);
  }
  if (sdk != Version()) {
    return findings.Warning("python", text + " with SDK " + sdk + ", and this is " + Version(),
                            "install the SDK of this version there");
  }
  findings.Ok("python", text + ", SDK " + sdk);
}

void CheckPorts(const Patient& patient, Findings& findings) {
  if (patient.runs) {
    return findings.Ok("ports", "the server has " + patient.endpoints.server_uri + ", " +
                                    patient.endpoints.notification_uri + " and " +
                                    patient.endpoints.http_url);
  }
  Findings found;
  const Config& config = patient.config;
  CheckPort(patient, "scheduler", "rpc_port", config.rpc_port, "--rpc-port", found);
  if (patient.config_error.empty()) {
    CheckPort(patient, "notification service", "notification_server_uri",
              config.notification_port(), "--notification-port", found);
  }
  CheckPort(patient, "HTTP port", "rest_port", config.rest_port, "--http-port", found);
  CheckPort(patient, "heartbeat service", "internal_rpc_port", config.internal_rpc_port,
            "--internal-rpc-port", found);
  const std::vector<Finding> list = found.Take();
  for (const Finding& finding : list) findings.Problem("ports", finding.text, finding.advice);
  if (list.empty()) findings.Ok("ports", "those of the configuration are free");
}

void CheckServer(const Patient& patient, Findings& findings) {
  if (!patient.runs) {
    return findings.Ok(
        "server", patient.endpoints.pid == 0 ? "none has run on this home" : "it does not run");
  }
  const std::string pid = "pid " + std::to_string(patient.endpoints.pid);
  if (patient.endpoints.version != Version()) {
    findings.Warning("server",
                     "it is version " + patient.endpoints.version + ", and this is " + Version(),
                     "restart it to use the new version");
  }
  // Within this machine it answers without TLS, also when clients need a certificate for it.
  std::string url = patient.endpoints.http_url;
  if (url.starts_with("https://")) url.erase(4, 1);
  httplib::Client client(url);
  client.set_connection_timeout(kHttpPatience);
  client.set_read_timeout(kHttpPatience);
  const httplib::Result answer = client.Get("/readyz");
  if (!answer) {
    return findings.Problem("server",
                            pid + " does not answer at " + patient.endpoints.http_url + ": " +
                                httplib::to_string(answer.error()),
                            "look into its log; `aiflow server stop` ends it, its tasks run on");
  }
  if (answer->status == 200) return findings.Ok("server", pid + " is ready");
  std::istringstream lines(answer->body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) findings.Problem("server", line, "see docs/operating.md");
  }
}

}  // namespace aiflow::server
