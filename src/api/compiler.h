#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// A snapshot as an old client adds it: what the workflow is stands only in its code.
struct PickledWorkflow {
  std::string ns;
  std::string name;
  std::string uri;        // where its bundle is
  std::string signature;  // of the bundle; compared when it is an MD5 in hex
  std::string pickled;
};
struct CompiledWorkflow {
  std::string spec_json;      // empty: there was nothing that could be compiled
  std::string bundle_digest;  // of a stored blob; empty: the bundle is not at hand, nor needed
  std::string bundle_name;
  int64_t bundle_size = 0;
};

/// A trigger's rule as an old client adds it, and the bundle whose modules it may use (empty:
/// none).
struct PickledRule {
  std::string pickled;
  std::string bundle_digest;
  std::string bundle_name;
};
/// As a current client sends it; an empty text is none.
struct CompiledRule {
  std::string condition_json;
  std::string params_json;
  std::string host_json;
};

/// Makes specifications from code of users, which runs in processes of its own. Thread-safe.
class Compiler {
 public:
  virtual ~Compiler() = default;

  /// Calls `done` once, on a thread that may block, or at once. kFailedPrecondition: why it cannot
  /// be compiled; kResourceExhausted: too many wait; kUnavailable: the server stops.
  virtual void Compile(PickledWorkflow workflow,
                       std::function<void(Result<CompiledWorkflow>)> done) = 0;
  virtual void Compile(PickledRule rule, std::function<void(Result<CompiledRule>)> done) = 0;
};

}  // namespace aiflow::api
