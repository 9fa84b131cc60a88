#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::remote {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
};

/// From `file`, read as other secret files are: lines `name = value` with the names
/// aws_access_key_id, aws_secret_access_key and aws_session_token, as in AWS's own files (there the
/// section [default] counts), also without `aws_`. Without a file from the environment:
/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or with `oss` first
/// OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN. kUnauthenticated says what is
/// missing or wrong; kPermissionDenied for a file as of ReadSecretFile.
Result<S3Credentials> ReadS3Credentials(const std::filesystem::path& file, bool oss);

}  // namespace aiflow::remote
