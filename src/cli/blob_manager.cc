#include "cli/blob_manager.h"

#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "storage/blob_store.h"

namespace aiflow::cli {
namespace {

namespace fs = std::filesystem;
// Above all tries that a manager of ours makes for the largest bundle.
constexpr std::chrono::minutes kStoreLimit{30};
// Of the digest in the name: two bundles of one name never share it.
constexpr size_t kDigestDigits = 16;

/// A directory that only this user can read; removed with all it holds.
class PrivateDirectory {
 public:
  PrivateDirectory() {
    std::error_code none;
    std::string name = (fs::temp_directory_path(none) / "aiflow-upload-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~PrivateDirectory() {
    std::error_code none;
    if (!path_.empty()) fs::remove_all(path_, none);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  const fs::path& path() const { return path_; }  // empty: it could not be made

 private:
  fs::path path_;
};

bool Write(const fs::path& file, const std::string& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  return stream.good();
}

}  // namespace

Result<std::string> StoreInBlobManager(const fs::path& home, const std::string& python,
                                       const std::string& top_directory, const std::string& bytes) {
  const std::string subject = "cannot store the bundle in the blob manager of " +
                              (home / "aiflow_client.yaml").string() + ": ";
  const PrivateDirectory directory;
  const fs::path file =
      directory.path() / (top_directory + "-" + Sha256Hex(bytes).substr(0, kDigestDigits) + ".zip");
  if (directory.path().empty() || !Write(file, bytes)) {
    return Error(Code::kInternal, subject + "the temporary directory cannot be written");
  }
  const Result<ProcessOutput> output =
      RunProcess({"env", "AIFLOW_HOME=" + home.string(), python, "-m", "ai_flow.host",
                  "store-bundle", file.string()},
                 kStoreLimit);
  if (!output) return Error(output.error().code(), subject + output.error().message());
  if (output->exit_code != 0) {
    std::string reason = output->err;
    while (!reason.empty() && reason.back() == '\n') reason.pop_back();
    if (reason.empty()) reason = "it ended with exit code " + std::to_string(output->exit_code);
    return Error(Code::kInvalidArgument, subject + reason);
  }
  const auto json = nlohmann::json::parse(output->out, nullptr, /*allow_exceptions=*/false);
  const auto uri = json.is_object() ? json.find("uri") : json.end();
  if (uri == json.end() || !uri->is_string()) {
    return Error(Code::kInternal, subject + "ai_flow of " + python + " answered no uri");
  }
  return uri->get<std::string>();
}

}  // namespace aiflow::cli
