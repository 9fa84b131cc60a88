#pragma once

#include <map>
#include <string>

#include "bundle/unpack.h"
#include "hosts/host_planner.h"
#include "server/attempt_planner.h"
#include "server/home.h"
#include "server/python_interpreter.h"
#include "storage/blob_store.h"

namespace aiflow::server {

/// Plans condition hosts for a machine: docs/formats/host-protocol.md. Used by one thread.
class LocalHostPlanner final : public hosts::HostPlanner {
 public:
  /// `bundles` and `blobs` must outlive the planner; `environment` is what every host gets.
  LocalHostPlanner(Home home, LocalAttemptPlanner::Addresses addresses, BundleDirectory& bundles,
                   const BlobStore& blobs, PythonInterpreter python,
                   std::map<std::string, std::string> environment)
      : home_(std::move(home)),
        addresses_(std::move(addresses)),
        bundles_(bundles),
        blobs_(blobs),
        python_(std::move(python)),
        environment_(std::move(environment)) {}

  Result<hosts::HostCommand> Plan(const ConditionQuestion& question) override;
  Result<std::string> ReadPickled(const std::string& digest) override;

 private:
  const Home home_;
  const LocalAttemptPlanner::Addresses addresses_;
  BundleDirectory& bundles_;
  const BlobStore& blobs_;
  PythonInterpreter python_;
  const std::map<std::string, std::string> environment_;
};

}  // namespace aiflow::server
