#include "server/log_source.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "storage/blob_store.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

/// Of a fresh home only, and on this machine a refusal comes at once.
constexpr Millis kProbePatience{1'000};

/// The log that the metadata of the home belongs to; empty: none yet.
Result<std::string> BoundLog(const Home& home) {
  std::error_code error;
  if (!fs::exists(home.metadata(), error)) return std::string();
  SqliteOptions options;
  options.upgrade = true;
  const auto store = SqliteStore::Open(home.metadata(), options);
  if (!store.has_value()) return Error(store.error());
  const auto meta = (*store)->Meta();
  if (!meta.has_value()) return Error(meta.error());
  return meta->log_id;
}

/// What old events say was meant for who had the log then.
Status BeginAtHead(Store& store, Offset committed, Offset head) {
  if (committed >= head) return Status::Ok();
  const auto epoch = store.TakeLease("attaching to the log");
  if (!epoch.has_value()) return epoch.error();
  CommitBatch batch;
  batch.epoch = *epoch;
  batch.from_offset = committed;
  batch.to_offset = head;
  return store.Commit(batch);
}

}  // namespace

Result<client::Credentials> NotificationCredentials(const Config& config) {
  return client::ReadCredentials({.token = "",
                                  .token_file = config.notification_token_file,
                                  .tls = config.notification_tls,
                                  .tls_ca_file = config.notification_tls_ca_file,
                                  .tls_certificate_file = config.notification_tls_certificate_file,
                                  .tls_key_file = config.notification_tls_key_file});
}

std::map<std::string, std::string> NotificationVariables(const Config& config) {
  std::map<std::string, std::string> variables;
  const auto add = [&variables](const char* name, const std::string& value) {
    if (!value.empty()) variables[name] = value;
  };
  add("AIFLOW_NOTIFICATION_TOKEN_FILE", config.notification_token_file);
  add("AIFLOW_NOTIFICATION_TLS", config.notification_tls);
  add("AIFLOW_NOTIFICATION_TLS_CA", config.notification_tls_ca_file);
  add("AIFLOW_NOTIFICATION_TLS_CERTIFICATE", config.notification_tls_certificate_file);
  add("AIFLOW_NOTIFICATION_TLS_KEY", config.notification_tls_key_file);
  return variables;
}

Result<LogSource> ChooseLog(const Home& home, const Config& config) {
  std::error_code error;
  const bool own = fs::exists(home.log(), error);
  if (own && config.notification_server == "remote") {
    return Error(Code::kFailedPrecondition,
                 "notification_server is remote, but the home " + home.root().string() +
                     " has an event log of its own, which its metadata belongs to; set "
                     "notification_server to embedded, or begin anew with 'aiflow db reset'");
  }
  if (own) return LogSource::kEmbedded;
  const auto bound = BoundLog(home);
  if (!bound.has_value()) return Error(bound.error());
  if (config.notification_server == "remote") return LogSource::kRemote;
  if (config.notification_server == "embedded") {
    if (bound->empty()) return LogSource::kEmbedded;
    return Error(Code::kFailedPrecondition,
                 "the metadata of the home " + home.root().string() + " belongs to event log " +
                     *bound +
                     ", which is not in the home; if a notification server has it, use 'aiflow "
                     "server start' with notification_server: remote, else restore " +
                     home.log().string() + " from the backup of the metadata");
  }
  if (!bound->empty()) return LogSource::kRemote;
  const auto credentials = NotificationCredentials(config);
  if (!credentials.has_value()) return Error(credentials.error());
  return api::LogServerAnswers(config.notification_server_uri, *credentials, kProbePatience)
             ? LogSource::kRemote
             : LogSource::kEmbedded;
}

Result<std::unique_ptr<api::RemoteEventLog>> OpenRemoteLog(const Config& config, Store& store) {
  const auto meta = store.Meta();
  if (!meta.has_value()) return Error(meta.error());
  auto credentials = NotificationCredentials(config);
  if (!credentials.has_value()) return Error(credentials.error());
  api::RemoteLogOptions options;
  options.address = config.notification_server_uri;
  // Another use of the store's secret, so that neither tells the other.
  options.secret = Sha256Hex("event log of " + meta->secret);
  options.log_id = meta->log_id;
  options.credentials = *std::move(credentials);
  auto log = api::RemoteEventLog::Open(std::move(options));
  if (!log.has_value() || !meta->log_id.empty()) return log;
  // In this order: bound to the log, the metadata would have to read all of it.
  Status status = BeginAtHead(store, meta->committed, (*log)->head());
  if (status.ok()) status = store.BindLog((*log)->log_id());
  if (!status.ok()) return Error(std::move(status));
  return log;
}

}  // namespace aiflow::server
