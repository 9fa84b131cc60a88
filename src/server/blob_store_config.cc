#include "server/blob_store_config.h"

#include <algorithm>
#include <string_view>

#include "model/limits.h"
#include "server/byte_size.h"
#include "server/config_table.h"
#include "storage/blobs/remote/s3_object_store.h"
#include "storage/blobs/remote/webhdfs_object_store.h"

namespace aiflow::server {
namespace {

/// Every blob has place as a copy.
constexpr uint64_t kLeastCache = limits::kMaxBundleBytes;

bool SpeaksS3(const Config& config) {
  return config.blob_store == "s3" || config.blob_store == "oss";
}

/// Nothing that would have to be encoded: what signs requests differs in how it treats the rest.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

bool HasDots(std::string_view path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "." || part == "..") return true;
    begin = end + 1;
  }
  return false;
}

Status CheckUrl(const std::string& url) {
  const size_t host = url.find("://");
  if (host == std::string::npos || (!url.starts_with("http://") && !url.starts_with("https://"))) {
    return WrongKey("blob_store_url",
                    "must be http://host:port or https://host:port: " + WithoutPassword(url));
  }
  const std::string_view rest = std::string_view(url).substr(host + 3);
  if (rest.find('@') != std::string_view::npos) {
    return WrongKey("blob_store_url",
                    "names a user; keys belong into blob_store_credentials_file, a user of HDFS "
                    "into blob_store_user: " +
                        WithoutPassword(url));
  }
  const size_t slash = rest.find('/');
  if (rest.empty() || slash == 0 || (slash != std::string_view::npos && slash + 1 < rest.size()) ||
      rest.find_first_of("?# ") != std::string_view::npos) {
    return WrongKey("blob_store_url", "must end with the port or host: " + url);
  }
  return Status::Ok();
}

Status CheckS3(const Config& config) {
  if (config.blob_store == "oss" && config.blob_store_url.empty()) {
    return WrongKey("blob_store_url",
                    "is empty, but oss needs its endpoint, such as "
                    "https://s3.oss-cn-hangzhou.aliyuncs.com");
  }
  const std::string& bucket = config.blob_store_bucket;
  if (bucket.empty() || !IsPlain(bucket) || bucket.find('/') != std::string::npos) {
    return WrongKey("blob_store_bucket",
                    "must be a bucket's name of letters, digits, - and .: '" + bucket + "'");
  }
  if (config.blob_store_region.empty() || !IsPlain(config.blob_store_region) ||
      config.blob_store_region.find('/') != std::string::npos) {
    return WrongKey("blob_store_region", "must be a region: '" + config.blob_store_region + "'");
  }
  const std::string& prefix = config.blob_store_prefix;
  if (!IsPlain(prefix) || prefix.starts_with('/') || HasDots(prefix) ||
      prefix.find("//") != std::string::npos) {
    return WrongKey("blob_store_prefix",
                    "must be of letters, digits, -, _, . and single slashes, without one at its "
                    "beginning: " +
                        prefix);
  }
  if (const std::string& how = config.blob_store_addressing;
      how != "auto" && how != "path" && how != "virtual") {
    return WrongKey("blob_store_addressing", "must be auto, path or virtual: " + how);
  }
  return Status::Ok();
}

Status CheckWebHdfs(const Config& config) {
  if (config.blob_store_url.empty()) {
    return WrongKey("blob_store_url",
                    "is empty, but webhdfs needs its name node, such as http://namenode:9870");
  }
  const std::string& root = config.blob_store_prefix;
  if (root.size() < 2 || !root.starts_with('/') || HasDots(root) || !IsPlain(root) ||
      root.find("//") != std::string::npos) {
    return WrongKey("blob_store_prefix",
                    "must be an absolute directory of HDFS, such as /aiflow/blobs: '" + root + "'");
  }
  if (!IsPlain(config.blob_store_user)) {
    return WrongKey("blob_store_user", "is no user's name: " + config.blob_store_user);
  }
  return Status::Ok();
}

std::string WithoutEndSlashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

Status CheckBlobStore(const Config& config) {
  AIFLOW_RETURN_IF_ERROR(
      CheckDuration("blob_store_timeout", config.blob_store_timeout, "1s", "1h"));
  const std::optional<uint64_t> size = ParseByteSize(config.blob_cache_size);
  if (!size.has_value() || *size < kLeastCache || *size > uint64_t{INT64_MAX}) {
    return WrongKey("blob_cache_size", "must be a whole number and k, m or g, and at least 256m: " +
                                           config.blob_cache_size);
  }
  if (config.blob_store == "local") return Status::Ok();
  if (!config.blob_store_url.empty()) AIFLOW_RETURN_IF_ERROR(CheckUrl(config.blob_store_url));
  if (SpeaksS3(config)) return CheckS3(config);
  if (config.blob_store == "webhdfs") return CheckWebHdfs(config);
  return WrongKey("blob_store", "must be local, s3, oss or webhdfs: " + config.blob_store);
}

remote::RetryLimits BlobStoreLimits(const Config& config) {
  remote::RetryLimits limits;
  limits.attempts = static_cast<int>(config.blob_store_attempts);
  limits.total = CheckedDuration(config.blob_store_timeout);
  return limits;
}

int64_t BlobCacheSize(const Config& config) {
  return static_cast<int64_t>(ParseByteSize(config.blob_cache_size).value_or(kLeastCache));
}

std::unique_ptr<remote::ObjectStore> MakeObjectStore(const Config& config,
                                                     const remote::RetryLimits& limits,
                                                     const remote::StopFlag& stop) {
  const std::string url = WithoutEndSlashes(config.blob_store_url);
  const std::string prefix = WithoutEndSlashes(config.blob_store_prefix);
  if (config.blob_store == "webhdfs") {
    return std::make_unique<remote::WebHdfsObjectStore>(
        remote::WebHdfsOptions{.url = url,
                               .root = prefix,
                               .user = config.blob_store_user,
                               .ca_file = config.blob_store_ca_file,
                               .retry = limits},
        stop);
  }
  if (!SpeaksS3(config)) return nullptr;
  remote::S3Options s3;
  s3.url = url.empty() ? "https://s3." + config.blob_store_region + ".amazonaws.com" : url;
  s3.bucket = config.blob_store_bucket;
  s3.prefix = prefix;
  s3.region = config.blob_store_region;
  s3.oss = config.blob_store == "oss";
  s3.virtual_host = config.blob_store_addressing == "virtual" ||
                    (config.blob_store_addressing == "auto" && (s3.oss || url.empty()));
  s3.credentials_file = config.blob_store_credentials_file;
  s3.ca_file = config.blob_store_ca_file;
  s3.retry = limits;
  return std::make_unique<remote::S3ObjectStore>(std::move(s3), stop);
}

}  // namespace aiflow::server
