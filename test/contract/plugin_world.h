#pragma once

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aiflow/executor/v1/executor_plugin.grpc.pb.h"
#include "contract/executor_contract.h"
#include "plugin/plugin_executor.h"
#include "plugin/plugin_process.h"

namespace aiflow {

namespace plugin_pb = ::aiflow::executor::v1;

/// The plug-in that a program tries, as its command line says.
struct PluginUnderTest {
  std::vector<std::string> argv;
  std::string config = "{}";
  std::filesystem::path dir = std::filesystem::temp_directory_path();
  bool keep = false;  // the directories of the tests
};
PluginUnderTest& ThePlugin();

/// The environment of this process.
std::map<std::string, std::string> OwnEnvironment();

/// A home with one plug-in, in a directory of its own. At the end every attempt is stopped.
class PluginWorld final : public ExecutorWorld {
 public:
  PluginWorld();
  ~PluginWorld() override;

  std::unique_ptr<TaskExecutor> NewExecutor() override;
  void KillSupervisor() override;
  void KillSupervisorForGood() override;
  /// As a server does that is stopped: it ends its plug-in.
  void ServerGone() override;
  std::filesystem::path dir() const override { return home_ / "shared"; }

  /// Has the plug-in run.
  void Begin();
  /// How a plug-in of this home is started.
  PluginCommand Command() const;
  /// Waits until somebody listens.
  std::unique_ptr<plugin_pb::ExecutorPlugin::Stub> Connect();
  const std::filesystem::path& home() const { return home_; }
  std::string attempts_dir() const { return (home_ / "attempts").string(); }

 private:
  void EndEverything();

  std::filesystem::path home_;
  std::unique_ptr<PluginProcess> process_;
  bool runs_ = false;
};

}  // namespace aiflow
