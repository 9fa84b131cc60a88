#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/compiler.h"
#include "api/observer_loop.h"
#include "api/spec_cache.h"
#include "engine/engine_handle.h"
#include "eventlog/log_service.h"
#include "model/rows.h"
#include "storage/blob_store.h"
#include "storage/queries.h"

namespace aiflow::api {

/// Everything the scheduler's services answer from, by reference; all of it outlives the services.
/// Thread-safe because its parts are.
struct Backend {
  LogService& log;
  EngineHandle& engine;
  const Queries& queries;
  BlobStore& blobs;
  SpecCache& specs;
  ObserverLoop& observers;
  /// Where the output of a run is; empty when there is none yet. Any thread.
  std::function<std::string(const WorkflowRow&, const TaskExecutionRow&)> log_path;
  /// Where the tasks of an execution run, there or not; empty function: not known. Any thread.
  std::function<std::string(const WorkflowRow&, ExecutionId)> working_dir;
  /// Unpacks a stored bundle ahead of its first use and returns its directory. Any thread.
  std::function<Result<std::string>(const std::string& digest)> unpack_bundle;
  /// Of what old clients send; nullptr: it stays as it is, and cannot run.
  Compiler* compiler = nullptr;
  /// Of recurrences that name none, nor does their workflow; empty: UTC.
  std::string default_timezone;
  // For GetServerInfo.
  std::string version;
  std::string home;
  std::string notification_uri;
  /// Logs that are being followed now.
  std::atomic<int> log_followers{0};
};

}  // namespace aiflow::api
