#include "storage/blobs/remote/s3_credentials.h"

#include <cstdlib>
#include <sstream>
#include <string_view>

#include "base/secret_file.h"

namespace aiflow::remote {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// A byte that is no visible ASCII would break a header.
bool IsPlain(const std::string& text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

S3Credentials FromEnvironment(bool oss) {
  if (oss && std::getenv("OSS_ACCESS_KEY_ID") != nullptr) {
    return {Variable("OSS_ACCESS_KEY_ID"), Variable("OSS_ACCESS_KEY_SECRET"),
            Variable("OSS_SESSION_TOKEN")};
  }
  return {Variable("AWS_ACCESS_KEY_ID"), Variable("AWS_SECRET_ACCESS_KEY"),
          Variable("AWS_SESSION_TOKEN")};
}

S3Credentials Parse(const std::string& text) {
  S3Credentials found;
  std::istringstream in(text);
  bool ours = true;
  for (std::string raw; std::getline(in, raw);) {
    const std::string_view line = Trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      ours = line == "[default]";
      continue;
    }
    const size_t equals = line.find('=');
    if (!ours || equals == std::string_view::npos) continue;
    std::string_view name = Trimmed(line.substr(0, equals));
    const std::string value(Trimmed(line.substr(equals + 1)));
    if (name.starts_with("aws_")) name.remove_prefix(4);
    if (name == "access_key_id") found.access_key_id = value;
    if (name == "secret_access_key" || name == "access_key_secret") found.secret_access_key = value;
    if (name == "session_token") found.session_token = value;
  }
  return found;
}

}  // namespace

Result<S3Credentials> ReadS3Credentials(const std::filesystem::path& file, bool oss) {
  std::string where = "the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)";
  S3Credentials found;
  if (file.empty()) {
    found = FromEnvironment(oss);
  } else {
    const Result<std::string> text = ReadSecretFile(file);
    if (!text.has_value()) {
      // A file that is missing must not be taken for a blob that is.
      const bool refused = text.error().code() == Code::kPermissionDenied;
      return Error(refused ? Code::kPermissionDenied : Code::kUnauthenticated,
                   text.error().message());
    }
    found = Parse(*text);
    where = file.string() + " (aws_access_key_id and aws_secret_access_key)";
  }
  if (found.access_key_id.empty() || found.secret_access_key.empty()) {
    return Error(Code::kUnauthenticated, "no credentials in " + where);
  }
  if (!IsPlain(found.access_key_id) || !IsPlain(found.secret_access_key) ||
      !IsPlain(found.session_token)) {
    return Error(Code::kUnauthenticated, "the credentials in " + where +
                                             " hold spaces or other characters that no key has");
  }
  return found;
}

}  // namespace aiflow::remote
