#include "server/host_planner.h"

#include <filesystem>
#include <utility>

namespace aiflow::server {
namespace {

/// Of a digest: enough to tell bundles apart.
constexpr size_t kNameChars = 16;

}  // namespace

Result<hosts::HostCommand> LocalHostPlanner::Plan(const ConditionQuestion& question) {
  const HostSpec& host = question.host;
  if (host.language != "python" && host.language != "cpp") {
    return Error(Code::kFailedPrecondition, host.language.empty()
                                                ? "the specification names no host"
                                                : "no host for the language " + host.language);
  }
  hosts::HostCommand command;
  std::string bundle_dir;
  if (!question.bundle_digest.empty()) {
    const Result<std::filesystem::path> unpacked = bundles_.Get(question.bundle_digest, blobs_);
    if (!unpacked.has_value()) return Error(unpacked.error());
    bundle_dir = (*unpacked / question.bundle_name).string();
  }
  std::string file;
  if (!host.file.empty()) {
    file = (std::filesystem::path(bundle_dir) / host.file).string();
    std::error_code error;
    if (bundle_dir.empty() || !std::filesystem::is_regular_file(file, error)) {
      return Error(Code::kFailedPrecondition, "its bundle has no file " + host.file);
    }
  }
  if (host.language == "cpp") {
    if (file.empty()) return Error(Code::kFailedPrecondition, "its host names no file");
    command.argv = {file, "--aiflow-serve-conditions"};
  } else {
    Result<std::string> interpreter = python_.For(host);
    if (!interpreter.has_value()) return Error(interpreter.error());
    command.argv = {*std::move(interpreter), "-m", "ai_flow.host", "serve-conditions"};
    if (!file.empty()) command.argv.push_back(file);
  }
  command.dir = bundle_dir.empty() ? home_.root().string() : bundle_dir;
  const std::string name = question.bundle_digest.substr(0, kNameChars);
  command.log = (home_.host_logs() / ((name.empty() ? "no-bundle" : name) + ".log")).string();
  command.env = environment_;
  command.env["AIFLOW_HOME"] = home_.root().string();
  command.env["AIFLOW_NOTIFICATION_URI"] = addresses_.notification_uri;
  command.env["AIFLOW_SERVER_URI"] = addresses_.server_uri;
  command.env["AIFLOW_BUNDLE_DIR"] = bundle_dir;
  // Output appears in the log when it is written, not when a buffer is full.
  command.env["PYTHONUNBUFFERED"] = "1";
  return command;
}

Result<std::string> LocalHostPlanner::ReadPickled(const std::string& digest) {
  return blobs_.Get(digest);
}

}  // namespace aiflow::server
