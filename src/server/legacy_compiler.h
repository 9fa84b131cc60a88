#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/compiler.h"
#include "base/clock.h"
#include "base/status.h"
#include "bundle/unpack.h"
#include "storage/blob_store.h"

namespace aiflow::server {

struct LegacyCompilerOptions {
  /// What runs Python. One thread at a time asks.
  std::function<Result<std::string>()> interpreter;
  std::map<std::string, std::string> environment;
  std::filesystem::path directory;  // where what has no bundle is compiled
  Millis timeout{60'000};           // of each process
  size_t parallel = 2;              // processes at a time
  size_t max_waiting = 32;          // beyond, refused: each may keep kMaxSpecBytes
};

/// Compiles what old clients send on threads of its own, which are made when first needed.
/// A snapshot is compiled from the workflow file of its bundle, as that is what its tasks run;
/// where the bundle is not at hand, from the pickled workflow, which can then have no code to run.
class LegacyCompiler final : public api::Compiler {
 public:
  /// `blobs` and `bundles` must outlive it.
  LegacyCompiler(BlobStore& blobs, BundleDirectory& bundles, LegacyCompilerOptions options);
  ~LegacyCompiler() override;

  void Compile(api::PickledWorkflow workflow,
               std::function<void(Result<api::CompiledWorkflow>)> done) override;
  void Compile(api::PickledRule rule, std::function<void(Result<api::CompiledRule>)> done) override;

  /// Ends what runs and answers it, and what waits, with kUnavailable. Every `done` has been called
  /// when it returns. Idempotent.
  void Stop();

 private:
  class Core;
  const std::unique_ptr<Core> core_;
};

}  // namespace aiflow::server
