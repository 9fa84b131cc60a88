#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/status.h"

namespace aiflow::client {

/// How a client is to be let in, as settings say it; empty: nothing said.
struct CredentialSettings {
  std::string token;
  std::string token_file;
  std::string tls;                   // "true" or "false"
  std::string tls_ca_file;           // implies TLS; without it the system's authorities count
  std::string tls_certificate_file;  // for servers that ask clients for a certificate
  std::string tls_key_file;
};

/// What calls need to be let in. Never logged, printed or put into messages. Plain value.
struct Credentials {
  std::string token;
  bool tls = false;
  std::string ca;  // PEM
  std::string certificate;
  std::string key;
};

/// $AIFLOW_TOKEN, _TOKEN_FILE, _TLS, _TLS_CA, _TLS_CERTIFICATE and _TLS_KEY.
CredentialSettings SettingsOfEnvironment(
    const std::function<std::optional<std::string>(const std::string&)>& variable);

/// Those that $AIFLOW_NOTIFICATION_TOKEN_FILE, _TLS, _TLS_CA, _TLS_CERTIFICATE and _TLS_KEY name
/// for the notification server of a task, which is at $AIFLOW_NOTIFICATION_URI: for that address,
/// and for each of it where it is several with commas. Nothing for any other.
CredentialSettings SettingsOfTask(
    const std::string& address,
    const std::function<std::optional<std::string>(const std::string&)>& variable);

/// Each setting of `first` that says something, else that of `second`. A token and a file of one
/// are the same setting.
CredentialSettings Merge(CredentialSettings first, const CredentialSettings& second);

/// Whether they ask for TLS: they say so, or name who signs certificates and do not say otherwise.
bool MeansTls(const CredentialSettings& settings);

/// Reads the files. kInvalidArgument or kPermissionDenied names the file and what is wrong: one
/// that cannot be read, or a secret that other users may read.
Result<Credentials> ReadCredentials(const CredentialSettings& settings);

/// Whether `address` can only be a server on this machine: loopback or a unix socket.
bool IsLocal(const std::string& address);

/// The token that may be sent to `address`: none where it would go over the network in the clear.
std::string TokenFor(const std::string& address, const Credentials& credentials);

}  // namespace aiflow::client
