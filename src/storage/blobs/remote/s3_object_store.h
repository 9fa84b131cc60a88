#pragma once

#include <filesystem>
#include <string>

#include "storage/blobs/remote/http_client.h"
#include "storage/blobs/remote/object_store.h"
#include "storage/blobs/remote/retry.h"

namespace aiflow::remote {

struct S3Options {
  std::string url;  // http(s)://host[:port], without the bucket
  std::string bucket;
  std::string prefix;  // of keys, without slashes at its ends; may be empty
  std::string region = "us-east-1";
  bool virtual_host = false;               // https://BUCKET.host/key, else https://host/BUCKET/key
  bool oss = false;                        // which variables hold the credentials
  std::filesystem::path credentials_file;  // empty: from the environment
  std::string ca_file;
  int keys_per_page = 1'000;  // of a list; S3 allows no more
  RetryLimits retry;
};

/// A bucket of S3, or of what speaks as S3 does. Requests are signed by Signature Version 4 over
/// the SHA-256 of their body, so that a server refuses bytes that changed on the way. Credentials
/// are read anew for each request, so that they may be replaced at any time. Thread-safe.
class S3ObjectStore final : public ObjectStore {
 public:
  /// `stop` must outlive it.
  S3ObjectStore(S3Options options, const StopFlag& stop);

  Status Put(const std::string& name, std::string_view bytes) override;
  Result<std::string> Get(const std::string& name, size_t max_bytes) override;
  Result<std::optional<ObjectInfo>> Look(const std::string& name) override;
  Status Remove(const std::string& name) override;
  Status List(const std::function<Status(const ObjectInfo&)>& each) override;
  [[nodiscard]] std::string where() const override;
  [[nodiscard]] const RemoteCounters& counters() const override { return retrier_.counters(); }

 private:
  struct Call {
    std::string method;
    std::string path;   // after the bucket
    std::string query;  // sorted and encoded
    std::string_view body;
    size_t max_answer = 1 << 20;
  };
  Result<HttpAnswer> Send(const Call& call);
  [[nodiscard]] std::string Key(const std::string& name) const;
  [[nodiscard]] std::string BucketUrl() const;
  /// `doing` is "cannot put x".
  [[nodiscard]] Status Refused(const std::string& doing, const HttpAnswer& answer) const;
  [[nodiscard]] Status Failed(const std::string& doing, const Status& error) const;

  const S3Options options_;
  HttpClient http_;
  Retrier retrier_;
};

}  // namespace aiflow::remote
