#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// What a server needs for TLS, read and found to fit together. gRPC takes the texts, an HTTP
/// server the files. Plain value; the key is a secret.
struct Tls {
  std::filesystem::path certificate_file;
  std::filesystem::path key_file;
  std::filesystem::path client_ca_file;  // empty: clients need no certificate
  std::string certificate;               // PEM, the server's own first
  std::string key;                       // PEM
  std::string client_ca;                 // PEM; empty as above
};

/// kInvalidArgument when one of certificate and key is missing, a file cannot be read, is no PEM,
/// or the key is not the certificate's; kPermissionDenied when others may read the key. Messages
/// name the file, never its contents.
Result<Tls> ReadTls(const std::filesystem::path& certificate_file,
                    const std::filesystem::path& key_file,
                    const std::filesystem::path& client_ca_file);

}  // namespace aiflow::api
