#include "server/config_file.h"

#include <system_error>

#include "server/home.h"

namespace aiflow::server {

namespace fs = std::filesystem;

Result<fs::path> InitConfigFile(const fs::path& path, const std::string& text) {
  const PrivateFiles private_files;
  if (Status made = MakeHomeDirectory(path.parent_path()); !made.ok()) {
    return Error(std::move(made));
  }
  std::error_code error;
  if (fs::exists(path, error)) return Error(Code::kAlreadyExists, path.string());
  if (Status written = WriteFileAtomically(path, text); !written.ok()) {
    return Error(std::move(written));
  }
  return path;
}

Result<std::string> ListConfigFile(const fs::path& path, const std::string& init) {
  const Result<std::string> text = ReadTextFile(path);
  if (text.has_value()) return text;
  return Error(Code::kNotFound, "Do not find config file " + path.string() +
                                    ": the defaults apply; '" + init + "' writes them there");
}

}  // namespace aiflow::server
