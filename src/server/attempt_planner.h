#pragma once

#include <memory>
#include <string>

#include "bundle/unpack.h"
#include "engine/attempt_tokens.h"
#include "engine/engine.h"
#include "server/home.h"
#include "server/python_interpreter.h"

namespace aiflow::server {

/// Plans attempts for a machine: docs/formats/task-environment.md. Engine thread only.
class LocalAttemptPlanner final : public AttemptPlanner {
 public:
  struct Addresses {
    std::string notification_uri;
    std::string server_uri;
  };

  /// `bundles` must outlive the planner.
  LocalAttemptPlanner(Home home, Addresses addresses, BundleDirectory& bundles,
                      AttemptTokens tokens, PythonInterpreter python)
      : home_(std::move(home)),
        addresses_(std::move(addresses)),
        bundles_(bundles),
        tokens_(std::move(tokens)),
        python_(std::move(python)) {}

  Result<AttemptSpec> Plan(const WorkflowRow& workflow, const SnapshotRow& snapshot,
                           const TaskExecutionRow& run, const Event& cause,
                           const AttemptInputs& inputs) override;

 private:
  Status PlanCommand(const SnapshotRow& snapshot, const TaskSpec& task,
                     const std::string& bundle_dir, AttemptSpec* plan);

  const Home home_;
  const Addresses addresses_;
  BundleDirectory& bundles_;
  const AttemptTokens tokens_;
  PythonInterpreter python_;
};

}  // namespace aiflow::server
