#include "server/legacy_compiler.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/json_depth.h"
#include "model/limits.h"
#include "server/host_compiler.h"
#include "server/legacy_bundle.h"

namespace aiflow::server {
namespace {

using Json = nlohmann::ordered_json;

/// What is printed around a specification: {"workflows": [{"spec": ...}]}.
constexpr size_t kLevelsAroundSpec = 3;

Status CheckPickled(const std::string& pickled) {
  if (pickled.size() <= limits::kMaxSpecBytes) return Status::Ok();
  return {Code::kInvalidArgument, "what is pickled has " + std::to_string(pickled.size()) +
                                      " bytes, more than kMaxSpecBytes " +
                                      std::to_string(limits::kMaxSpecBytes)};
}

/// cloudpickle has written protocol 2 and later ones for as long as old clients exist, and each
/// begins with the opcode PROTO.
bool IsPickle(const std::string& bytes) { return bytes.starts_with('\x80'); }

/// Of a depth that can be copied and written again, both of which recurse.
Result<Json> ParseObject(const std::string& text) {
  if (IsDeeperJson(text, limits::kMaxJsonDepth + kLevelsAroundSpec)) {
    return Error(Code::kFailedPrecondition, "the compiler printed JSON that nests deeper than " +
                                                std::to_string(limits::kMaxJsonDepth) + " levels");
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  return Error(Code::kFailedPrecondition, "the compiler did not print a JSON object");
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool HasHost(const Json& spec) {
  const auto host = spec.find("host");
  return host != spec.end() && !host->is_null();
}

/// The specification of `workflow` among those that its file defines.
Result<std::string> SpecOf(const api::PickledWorkflow& workflow, const std::string& file,
                           const std::string& output) {
  const Result<Json> compiled = ParseObject(output);
  if (!compiled.has_value()) return Error(compiled.error());
  std::string others;
  const auto list = compiled->find("workflows");
  if (list != compiled->end() && list->is_array()) {
    for (const Json& entry : *list) {
      const auto spec = entry.is_object() ? entry.find("spec") : entry.end();
      if (!entry.is_object() || spec == entry.end() || !spec->is_object()) continue;
      const std::string ns = TextOf(*spec, "namespace");
      const std::string name = TextOf(*spec, "name");
      if (ns == workflow.ns && name == workflow.name) return Dump(*spec);
      others.append(others.empty() ? "" : ", ").append(ns).append(".").append(name);
    }
  }
  return Error(Code::kFailedPrecondition,
               "its bundle's file " + file + " does not define it, only " + others);
}

}  // namespace

class LegacyCompiler::Core {
 public:
  Core(BlobStore& blobs, BundleDirectory& bundles, LegacyCompilerOptions options)
      : blobs_(blobs),
        bundles_(bundles),
        options_(std::move(options)),
        stop_fd_(eventfd(0, EFD_CLOEXEC)) {
    CHECK(stop_fd_ >= 0) << "eventfd";
  }
  ~Core() { close(stop_fd_); }

  /// Runs `compile` on a thread of the pool, then tells `done`; at once when it cannot wait.
  template <typename T>
  void Enqueue(std::function<Result<T>()> compile, std::function<void(Result<T>)> done) {
    // The queue is told whether to work or only to answer.
    Status refused = Add([compile = std::move(compile), done](bool stopping) {
      done(stopping ? Result<T>(Error(Stopping())) : compile());
    });
    if (!refused.ok()) done(Error(std::move(refused)));
  }

  Result<api::CompiledWorkflow> CompileWorkflow(const api::PickledWorkflow& workflow);
  Result<api::CompiledRule> CompileRule(const api::PickledRule& rule);
  void Stop();

 private:
  using Job = std::function<void(bool stopping)>;

  static Status Stopping() { return {Code::kUnavailable, "the server is stopping"}; }

  Status Add(Job job);
  void Work();
  /// One whose interpreter is chosen and environment set.
  Result<HostCompilation> Prepare(const std::string& command);
  Result<api::CompiledWorkflow> CompileBundle(const api::PickledWorkflow& workflow,
                                              const std::string& bytes);
  Result<api::CompiledWorkflow> CompilePickled(const api::PickledWorkflow& workflow,
                                               const Status& no_bundle);

  BlobStore& blobs_;
  BundleDirectory& bundles_;
  const LegacyCompilerOptions options_;
  const int stop_fd_;  // readable: stop
  std::mutex interpreter_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopped_ = false;
  std::deque<Job> waiting_;
  size_t idle_ = 0;
  std::vector<std::thread> threads_;
};

Status LegacyCompiler::Core::Add(Job job) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Stopping();
  if (waiting_.size() >= options_.max_waiting) {
    return {Code::kResourceExhausted, std::to_string(waiting_.size()) +
                                          " uploads of older clients wait to be compiled, the "
                                          "limit; try again in a minute"};
  }
  waiting_.push_back(std::move(job));
  if (idle_ < waiting_.size() && threads_.size() < options_.parallel) {
    threads_.emplace_back([this] { Work(); });
  }
  changed_.notify_one();
  return Status::Ok();
}

void LegacyCompiler::Core::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    const bool stopping = stopped_;
    lock.unlock();
    job(stopping);
    lock.lock();
  }
}

void LegacyCompiler::Core::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(stopped_, true)) {
      const uint64_t one = 1;
      CHECK(write(stop_fd_, &one, sizeof(one)) == sizeof(one)) << "eventfd";
    }
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

Result<HostCompilation> LegacyCompiler::Core::Prepare(const std::string& command) {
  HostCompilation compilation;
  {
    const std::lock_guard lock(interpreter_mutex_);
    Result<std::string> interpreter = options_.interpreter();
    if (!interpreter.has_value()) return Error(interpreter.error());
    compilation.interpreter = *std::move(interpreter);
  }
  compilation.command = command;
  compilation.directory = options_.directory;
  compilation.environment = options_.environment;
  compilation.timeout = options_.timeout;
  return compilation;
}

Result<api::CompiledWorkflow> LegacyCompiler::Core::CompileWorkflow(
    const api::PickledWorkflow& workflow) {
  if (Status size = CheckPickled(workflow.pickled); !size.ok()) return Error(std::move(size));
  const Result<std::string> bytes = ReadLegacyBundle(workflow.uri, workflow.signature);
  if (bytes.has_value()) return CompileBundle(workflow, *bytes);
  if (bytes.error().code() == Code::kNotFound) return CompilePickled(workflow, bytes.error());
  return Error(bytes.error());
}

Result<api::CompiledWorkflow> LegacyCompiler::Core::CompileBundle(
    const api::PickledWorkflow& workflow, const std::string& bytes) {
  api::CompiledWorkflow compiled;
  Result<std::string> digest = blobs_.Put(bytes);
  if (!digest.has_value()) return Error(digest.error());
  compiled.bundle_digest = *std::move(digest);
  compiled.bundle_size = static_cast<int64_t>(bytes.size());
  const auto unpacked = bundles_.Get(compiled.bundle_digest);
  if (!unpacked.has_value()) {
    return Error(unpacked.error().code(),
                 "its bundle " + workflow.uri + ": " + unpacked.error().message());
  }
  const Result<LegacyWorkflowFile> file = FindLegacyWorkflowFile(*unpacked, workflow.uri);
  if (!file.has_value()) return Error(file.error());
  compiled.bundle_name = file->bundle_name;

  Result<HostCompilation> host = Prepare("compile");
  if (!host.has_value()) return Error(host.error());
  host->file = file->path;
  host->directory = file->path.parent_path();
  host->environment["AIFLOW_BUNDLE_DIR"] = host->directory;
  const Result<std::string> output = CompileInHost(*host, stop_fd_);
  if (!output.has_value()) return Error(output.error());
  Result<std::string> spec = SpecOf(workflow, file->path.filename(), *output);
  if (!spec.has_value()) return Error(spec.error());
  compiled.spec_json = *std::move(spec);
  return compiled;
}

Result<api::CompiledWorkflow> LegacyCompiler::Core::CompilePickled(
    const api::PickledWorkflow& workflow, const Status& no_bundle) {
  api::CompiledWorkflow compiled;
  if (!IsPickle(workflow.pickled)) return compiled;
  Result<HostCompilation> host = Prepare("compile-workflow");
  if (!host.has_value()) return Error(host.error());
  host->input = workflow.pickled;
  const Result<std::string> output = CompileInHost(*host, stop_fd_);
  if (!output.has_value()) {
    if (output.error().code() != Code::kFailedPrecondition) return Error(output.error());
    // Which of the two is to be mended is for the user to know.
    return Error(output.error().code(), output.error().message() +
                                            " (compiled from the pickled workflow, as " +
                                            no_bundle.message() + ")");
  }
  const Result<Json> spec = ParseObject(*output);
  if (!spec.has_value()) return Error(spec.error());
  if (HasHost(*spec)) {
    return Error(Code::kFailedPrecondition, "it has code to run, but " + no_bundle.message());
  }
  compiled.spec_json = Dump(*spec);
  return compiled;
}

Result<api::CompiledRule> LegacyCompiler::Core::CompileRule(const api::PickledRule& rule) {
  if (Status size = CheckPickled(rule.pickled); !size.ok()) return Error(std::move(size));
  Result<HostCompilation> host = Prepare("compile-rule");
  if (!host.has_value()) return Error(host.error());
  host->input = rule.pickled;
  if (!rule.bundle_digest.empty()) {
    const auto unpacked = bundles_.Get(rule.bundle_digest, blobs_);
    if (!unpacked.has_value()) return Error(unpacked.error());
    host->directory = *unpacked / rule.bundle_name;
    host->environment["AIFLOW_BUNDLE_DIR"] = host->directory;
  }
  const Result<std::string> output = CompileInHost(*host, stop_fd_);
  if (!output.has_value()) return Error(output.error());
  const Result<Json> json = ParseObject(*output);
  if (!json.has_value()) return Error(json.error());
  const auto text = [&json](const char* member) {
    const auto found = json->find(member);
    const bool empty = found == json->end() || found->is_null() || found->empty();
    return empty ? std::string() : Dump(*found);
  };
  return api::CompiledRule{text("condition"), text("params"), text("host")};
}

LegacyCompiler::LegacyCompiler(BlobStore& blobs, BundleDirectory& bundles,
                               LegacyCompilerOptions options)
    : core_(std::make_unique<Core>(blobs, bundles, std::move(options))) {}

LegacyCompiler::~LegacyCompiler() { Stop(); }

void LegacyCompiler::Compile(api::PickledWorkflow workflow,
                             std::function<void(Result<api::CompiledWorkflow>)> done) {
  core_->Enqueue<api::CompiledWorkflow>(
      [core = core_.get(), workflow = std::move(workflow)] {
        return core->CompileWorkflow(workflow);
      },
      std::move(done));
}

void LegacyCompiler::Compile(api::PickledRule rule,
                             std::function<void(Result<api::CompiledRule>)> done) {
  core_->Enqueue<api::CompiledRule>(
      [core = core_.get(), rule = std::move(rule)] { return core->CompileRule(rule); },
      std::move(done));
}

void LegacyCompiler::Stop() { core_->Stop(); }

}  // namespace aiflow::server
