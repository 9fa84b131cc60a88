#include "storage/blobs/remote/s3_object_store.h"

#include <charconv>
#include <utility>

#include "storage/blob_store.h"
#include "storage/blobs/remote/s3_answer.h"
#include "storage/blobs/remote/s3_credentials.h"

namespace aiflow::remote {
namespace {

constexpr size_t kMaxPageBytes = size_t{8} << 20;

/// Its first half is the scheme, with the colon and the slashes.
std::pair<std::string, std::string> SplitUrl(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const size_t host = url.find("://");
  if (host == std::string::npos) return {"https://", url};
  return {url.substr(0, host + 3), url.substr(host + 3)};
}

/// What to do about a refusal.
std::string Advice(const HttpAnswer& answer, const std::string& code) {
  if (code == "NoSuchBucket") return "make the bucket, or correct blob_store_bucket";
  if (code == "RequestTimeTooSkewed") return "set the clock of this machine";
  if (code == "AuthorizationHeaderMalformed" || answer.status == 301 || answer.status == 307) {
    const std::string region = answer.Header("x-amz-bucket-region");
    return "correct blob_store_region" + (region.empty() ? "" : ": the bucket is in " + region) +
           ", or blob_store_url";
  }
  if (code == "SignatureDoesNotMatch" || code == "InvalidAccessKeyId" || code == "ExpiredToken" ||
      code == "InvalidToken" || answer.status == 401) {
    return "put valid credentials into blob_store_credentials_file or the environment";
  }
  if (answer.status == 403) {
    return "let these credentials get, put, delete and list below the prefix";
  }
  if (answer.status == 404 || answer.status == 405) {
    return "check blob_store_url, blob_store_bucket and blob_store_addressing";
  }
  return "see the store's own log";
}

Code CodeOf(const HttpAnswer& answer, const std::string& code) {
  if (answer.status == 401 || code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" ||
      code == "ExpiredToken" || code == "InvalidToken") {
    return Code::kUnauthenticated;
  }
  if (answer.status == 403) return Code::kPermissionDenied;
  return Code::kFailedPrecondition;
}

}  // namespace

S3ObjectStore::S3ObjectStore(S3Options options, const StopFlag& stop)
    : options_(std::move(options)), http_(options_.ca_file, stop), retrier_(options_.retry, stop) {}

std::string S3ObjectStore::where() const {
  return std::string(options_.oss ? "oss://" : "s3://") + options_.bucket +
         (options_.prefix.empty() ? "" : "/" + options_.prefix) + " at " + options_.url;
}

std::string S3ObjectStore::Key(const std::string& name) const {
  return options_.prefix.empty() ? name : options_.prefix + "/" + name;
}

std::string S3ObjectStore::BucketUrl() const {
  const auto [scheme, host] = SplitUrl(options_.url);
  if (options_.virtual_host) return scheme + options_.bucket + "." + host;
  return scheme + host + "/" + options_.bucket;
}

Status S3ObjectStore::Failed(const std::string& doing, const Status& error) const {
  std::string text = "blob store " + where() + ": " + doing + ": " + error.message();
  if (error.code() == Code::kUnavailable) {
    text += "; check that it runs and that this machine reaches blob_store_url";
  }
  return {error.code(), std::move(text)};
}

Status S3ObjectStore::Refused(const std::string& doing, const HttpAnswer& answer) const {
  const std::string code = XmlText(answer.body, "Code");
  return {CodeOf(answer, code), "blob store " + where() + ": " + doing + ": " +
                                    DescribeS3Error(answer) + "; " + Advice(answer, code)};
}

Result<HttpAnswer> S3ObjectStore::Send(const Call& call) {
  const std::string digest = Sha256Hex(call.body);
  return retrier_.Run([&](Millis timeout) -> Result<HttpAnswer> {
    const auto credentials = ReadS3Credentials(options_.credentials_file, options_.oss);
    if (!credentials.has_value()) return Error(credentials.error());
    const SigV4 sign{options_.region, credentials->access_key_id, credentials->secret_access_key};
    HttpRequest request;
    request.method = call.method;
    request.url = BucketUrl() + call.path + (call.query.empty() ? "" : "?" + call.query);
    // Only headers that have a value and reach the server may stand here: libcurl signs them all.
    request.headers = {"x-amz-content-sha256: " + digest};
    if (!credentials->session_token.empty()) {
      request.headers.push_back("x-amz-security-token: " + credentials->session_token);
    }
    if (call.method == "PUT")
      request.headers.emplace_back("Content-Type: application/octet-stream");
    request.body = call.body;
    request.sign = &sign;
    request.timeout = timeout;
    request.max_answer = call.max_answer;
    return http_.Send(request);
  });
}

Status S3ObjectStore::Put(const std::string& name, std::string_view bytes) {
  const std::string doing = "cannot put " + name;
  const auto answer = Send({.method = "PUT", .path = "/" + Key(name), .query = "", .body = bytes});
  if (!answer.has_value()) return Failed(doing, answer.error());
  return answer->status / 100 == 2 ? Status::Ok() : Refused(doing, *answer);
}

Result<std::string> S3ObjectStore::Get(const std::string& name, size_t max_bytes) {
  const std::string doing = "cannot get " + name;
  auto answer = Send(
      {.method = "GET", .path = "/" + Key(name), .query = "", .body = "", .max_answer = max_bytes});
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  if (answer->status == 200) return std::move(answer->body);
  if (answer->status == 404 && XmlText(answer->body, "Code") == "NoSuchKey") {
    return Error(Code::kNotFound, "");
  }
  return Error(Refused(doing, *answer));
}

Result<std::optional<ObjectInfo>> S3ObjectStore::Look(const std::string& name) {
  const std::string doing = "cannot look for " + name;
  const auto answer = Send({.method = "HEAD", .path = "/" + Key(name), .query = "", .body = ""});
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  // Without a body a bucket that is not there looks the same.
  if (answer->status == 404) return std::optional<ObjectInfo>();
  if (answer->status != 200) return Error(Refused(doing, *answer));
  ObjectInfo found{.name = name};
  const std::string size = answer->Header("content-length");
  std::from_chars(size.data(), size.data() + size.size(), found.size);
  found.age = AgeOf(*answer, answer->Header("last-modified"));
  return std::optional(found);
}

Status S3ObjectStore::Remove(const std::string& name) {
  const std::string doing = "cannot remove " + name;
  const auto answer = Send({.method = "DELETE", .path = "/" + Key(name), .query = "", .body = ""});
  if (!answer.has_value()) return Failed(doing, answer.error());
  const bool gone = answer->status == 404 && XmlText(answer->body, "Code") != "NoSuchBucket";
  return answer->status / 100 == 2 || gone ? Status::Ok() : Refused(doing, *answer);
}

Status S3ObjectStore::List(const std::function<Status(const ObjectInfo&)>& each) {
  const std::string doing = "cannot list";
  const std::string prefix = options_.prefix.empty() ? "" : options_.prefix + "/";
  std::string next;
  do {
    // Sorted by name, as the signature wants it.
    std::string query = next.empty() ? "" : "continuation-token=" + UrlEncode(next) + "&";
    query += "list-type=2&max-keys=" + std::to_string(options_.keys_per_page) +
             "&prefix=" + UrlEncode(prefix);
    const auto answer = Send(
        {.method = "GET", .path = "/", .query = query, .body = "", .max_answer = kMaxPageBytes});
    if (!answer.has_value()) return Failed(doing, answer.error());
    if (answer->status != 200) return Refused(doing, *answer);
    Result<S3Page> page = ParseS3Page(*answer);
    if (!page.has_value()) return Failed(doing, page.error());
    for (ObjectInfo& object : page->objects) {
      if (!object.name.starts_with(prefix)) continue;
      object.name.erase(0, prefix.size());
      AIFLOW_RETURN_IF_ERROR(each(object));
    }
    if (page->next == next) break;  // a store that never ends
    next = page->next;
  } while (!next.empty());
  return Status::Ok();
}

}  // namespace aiflow::remote
