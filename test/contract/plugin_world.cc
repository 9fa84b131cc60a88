#include "contract/plugin_world.h"

#include <csignal>
#include <iostream>
#include <map>

#include "plugin/attempt_book.h"
#include "plugin/plugin_messages.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

constexpr Millis kPatience{30'000};
/// Higher than any epoch of a test.
constexpr Epoch kLastEpoch = 1'000;

std::string LastLines(const fs::path& log) {
  std::string text = FileContents(log);
  constexpr size_t kMost = 4'000;
  if (text.size() > kMost) text.erase(0, text.size() - kMost);
  return text;
}

}  // namespace

PluginUnderTest& ThePlugin() {
  static PluginUnderTest plugin;
  return plugin;
}

std::map<std::string, std::string> OwnEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

PluginWorld::PluginWorld() {
  std::string name = (ThePlugin().dir / "aiflow-contract-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::cerr << "cannot make a directory in " << ThePlugin().dir << "\n";
    std::exit(1);
  }
  home_ = name;
  fs::create_directories(dir());
  process_ = std::make_unique<PluginProcess>(Command(), [](const std::string&) {});
}

PluginWorld::~PluginWorld() {
  EndEverything();
  process_.reset();
  const bool failed = testing::Test::HasFailure();
  if (failed) {
    std::cout << "The plug-in's log:\n"
              << LastLines(Command().log) << "\nIts directory: " << home_
              << (ThePlugin().keep ? "" : " (removed; --keep keeps it)") << std::endl;
  }
  if (ThePlugin().keep) return;
  std::error_code ignored;
  fs::remove_all(home_, ignored);
}

PluginCommand PluginWorld::Command() const {
  return {.executor = "contract",
          .argv = ThePlugin().argv,
          .environment = OwnEnvironment(),
          .config = ThePlugin().config,
          .directory = fs::current_path().string(),
          .socket = (home_ / "run" / "executor-contract.sock").string(),
          .state_dir = (home_ / "executors" / "contract").string(),
          .log = (home_ / "logs" / "executor-contract.log").string()};
}

void PluginWorld::Begin() {
  if (std::exchange(runs_, true)) return;
  const Status started = process_->Start(1, [] {});
  if (!started.ok()) ADD_FAILURE() << started;
}

std::unique_ptr<TaskExecutor> PluginWorld::NewExecutor() {
  Begin();
  PluginExecutorOptions options;
  options.name = "contract";
  options.home_id = "contract-" + home_.filename().string().substr(16);
  options.attempts_dir = attempts_dir();
  options.socket = process_->SocketHere();
  options.open_patience = kPatience;
  options.start_limit = kPatience;
  options.answer_limit = kPatience;
  options.list_interval = Millis(2'000);
  options.warn = [](const std::string& line) { std::cout << "[  SERVER  ] " << line << std::endl; };
  return std::make_unique<PluginExecutor>(std::move(options));
}

void PluginWorld::KillSupervisor() { process_->Kill("by the test", Millis(0)); }

void PluginWorld::KillSupervisorForGood() {
  process_->StopNow();
  runs_ = false;
}

void PluginWorld::ServerGone() {
  process_->Stop();
  runs_ = false;
}

std::unique_ptr<plugin_pb::ExecutorPlugin::Stub> PluginWorld::Connect() {
  Begin();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  const auto channel = grpc::CreateCustomChannel("unix:" + process_->SocketHere(),
                                                 grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kPatience)) {
    ADD_FAILURE() << "nobody listens at AIFLOW_EXECUTOR_SOCKET after 30 s; " << process_->problem();
  }
  return plugin_pb::ExecutorPlugin::NewStub(channel);
}

void PluginWorld::EndEverything() {
  if (!fs::exists(home_ / "run")) return;
  const auto stub = Connect();
  const auto deadline = std::chrono::system_clock::now() + kPatience;
  while (std::chrono::system_clock::now() < deadline) {
    plugin_pb::ListRequest request;
    request.set_epoch(kLastEpoch);
    plugin_pb::ListResponse list;
    grpc::ClientContext context;
    context.set_deadline(deadline);
    if (!stub->List(&context, request, &list).ok()) return;
    bool alive = !list.next_page_token().empty();
    for (const plugin_pb::Report& report : list.reports()) {
      const bool ended = report.status() == plugin_pb::ATTEMPT_STATUS_SUCCESS ||
                         report.status() == plugin_pb::ATTEMPT_STATUS_FAILED ||
                         report.status() == plugin_pb::ATTEMPT_STATUS_STOPPED;
      grpc::ClientContext another;
      another.set_deadline(deadline);
      if (ended) {
        plugin_pb::ForgetRequest forget;
        forget.set_epoch(kLastEpoch);
        forget.add_keys(report.key());
        plugin_pb::ForgetResponse forgotten;
        stub->Forget(&another, forget, &forgotten);
      } else {
        alive = true;
        plugin_pb::StopRequest stop;
        stop.set_epoch(kLastEpoch);
        stop.set_key(report.key());
        stop.set_token(report.token());
        stop.set_stop_grace_ms(100);
        plugin_pb::StopResponse stopped;
        stub->Stop(&another, stop, &stopped);
      }
    }
    if (!alive) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace aiflow
