#include "client/credentials.h"

#include <arpa/inet.h>

#include <fstream>
#include <iterator>

#include "base/secret_file.h"

namespace aiflow::client {
namespace {

constexpr size_t kMaxTokenBytes = 4'096;

Status ReadPublic(const std::string& file, std::string* text) {
  if (file.empty()) return Status::Ok();
  std::ifstream in(file, std::ios::binary);
  text->assign(std::istreambuf_iterator<char>(in), {});
  if (!in || text->empty()) return {Code::kInvalidArgument, "cannot read " + file};
  return Status::Ok();
}

Status ReadSecret(const std::string& file, std::string* text) {
  if (file.empty()) return Status::Ok();
  Result<std::string> read = ReadSecretFile(file);
  if (!read.has_value()) {
    const bool missing = read.error().code() == Code::kNotFound;
    return {missing ? Code::kInvalidArgument : read.error().code(), read.error().message()};
  }
  *text = *std::move(read);
  return Status::Ok();
}

/// A token is one word of ASCII; an editor may have put a newline behind it.
Status CheckToken(const std::string& where, std::string* token) {
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  bool good = !token->empty() && token->size() <= kMaxTokenBytes;
  for (const char c : *token) good = good && c > ' ' && c < '\x7f';
  if (good) return Status::Ok();
  return {Code::kInvalidArgument, where +
                                      " does not hold a token: one word, as `aiflow token add` "
                                      "printed it"};
}

/// From variables whose names begin with `prefix`; without a token itself.
CredentialSettings SettingsOf(
    const std::string& prefix,
    const std::function<std::optional<std::string>(const std::string&)>& variable) {
  const auto value = [&](const char* name) { return variable(prefix + name).value_or(""); };
  return {.token = "",
          .token_file = value("TOKEN_FILE"),
          .tls = value("TLS"),
          .tls_ca_file = value("TLS_CA"),
          .tls_certificate_file = value("TLS_CERTIFICATE"),
          .tls_key_file = value("TLS_KEY")};
}

}  // namespace

CredentialSettings SettingsOfEnvironment(
    const std::function<std::optional<std::string>(const std::string&)>& variable) {
  CredentialSettings settings = SettingsOf("AIFLOW_", variable);
  settings.token = variable("AIFLOW_TOKEN").value_or("");
  return settings;
}

CredentialSettings SettingsOfTask(
    const std::string& address,
    const std::function<std::optional<std::string>(const std::string&)>& variable) {
  const std::string mine = "," + variable("AIFLOW_NOTIFICATION_URI").value_or("") + ",";
  if (address.empty() || mine.find("," + address + ",") == std::string::npos) return {};
  return SettingsOf("AIFLOW_NOTIFICATION_", variable);
}

bool MeansTls(const CredentialSettings& settings) {
  return settings.tls == "true" || (settings.tls.empty() && !settings.tls_ca_file.empty());
}

CredentialSettings Merge(CredentialSettings first, const CredentialSettings& second) {
  if (first.token.empty() && first.token_file.empty()) {
    first.token = second.token;
    first.token_file = second.token_file;
  }
  const auto take = [&](std::string CredentialSettings::*member) {
    if ((first.*member).empty()) first.*member = second.*member;
  };
  take(&CredentialSettings::tls);
  take(&CredentialSettings::tls_ca_file);
  take(&CredentialSettings::tls_certificate_file);
  take(&CredentialSettings::tls_key_file);
  return first;
}

Result<Credentials> ReadCredentials(const CredentialSettings& settings) {
  Credentials credentials;
  credentials.token = settings.token;
  std::string where = "the setting of the token";
  Status status;
  if (settings.token.empty() && !settings.token_file.empty()) {
    where = settings.token_file;
    status = ReadSecret(settings.token_file, &credentials.token);
    if (status.ok()) status = CheckToken(where, &credentials.token);
  } else if (!settings.token.empty()) {
    status = CheckToken(where, &credentials.token);
  }
  if (!settings.tls.empty() && settings.tls != "true" && settings.tls != "false") {
    status = {Code::kInvalidArgument, "tls must be true or false: " + settings.tls};
  }
  credentials.tls = MeansTls(settings);
  if (settings.tls_certificate_file.empty() != settings.tls_key_file.empty()) {
    status = {Code::kInvalidArgument,
              "a client's certificate needs both tls_certificate_file and tls_key_file"};
  }
  if (status.ok() && credentials.tls) {
    status = ReadPublic(settings.tls_ca_file, &credentials.ca);
    if (status.ok()) status = ReadPublic(settings.tls_certificate_file, &credentials.certificate);
    if (status.ok()) status = ReadSecret(settings.tls_key_file, &credentials.key);
  }
  if (!status.ok()) return Error(std::move(status));
  return credentials;
}

bool IsLocal(const std::string& address) {
  if (address.starts_with("unix:") || address.starts_with("localhost:") ||
      address.starts_with("[::1]:")) {
    return true;
  }
  in_addr number{};  // not a name that only begins like one
  return inet_pton(AF_INET, address.substr(0, address.find(':')).c_str(), &number) == 1 &&
         (ntohl(number.s_addr) >> 24) == 127;
}

std::string TokenFor(const std::string& address, const Credentials& credentials) {
  return credentials.tls || IsLocal(address) ? credentials.token : std::string();
}

}  // namespace aiflow::client
