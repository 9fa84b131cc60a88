#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "storage/blobs/remote/stop_flag.h"

namespace aiflow::remote {

/// How long to wait for a connection.
inline constexpr Millis kConnectTimeout{5'000};
/// A transfer that moves nothing for so long is given up.
inline constexpr Millis kStallTimeout{15'000};

/// Who signs a request by AWS Signature Version 4.
struct SigV4 {
  std::string region;
  std::string access_key_id;
  std::string secret_access_key;
};

/// Bytes of the body of any other answer: an error is told whatever was asked for.
inline constexpr size_t kMaxErrorAnswer = 64 << 10;

/// One request. What it refers to must outlive it.
struct HttpRequest {
  std::string method;  // GET, HEAD, PUT, POST, DELETE
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string_view body;             // of PUT and POST
  const SigV4* sign = nullptr;
  Millis timeout{0};            // for all of it
  size_t max_answer = 1 << 20;  // bytes of the body of an answer 2xx
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  /// Empty when there is none.
  [[nodiscard]] std::string Header(const std::string& name) const;
};

/// Sends HTTP requests with libcurl. Connections are kept for later requests. Redirects are not
/// followed; http_proxy and the like of the environment are obeyed. Thread-safe.
class HttpClient {
 public:
  /// `ca_file`: PEM file of who signs the servers' certificates; empty: the system's authorities.
  /// `stop` must outlive it; once it is set, requests under way end with kCancelled.
  HttpClient(std::string ca_file, const StopFlag& stop);
  ~HttpClient();

  /// Any complete answer, whatever its status. kUnavailable: the server could not be reached, or
  /// did not answer completely in time. kFailedPrecondition: trying again is no use, as with a
  /// certificate that nobody trusts. kResourceExhausted: more than `max_answer`, or
  /// kMaxErrorAnswer. Messages hold neither the URL nor anything secret.
  Result<HttpAnswer> Send(const HttpRequest& request);

 private:
  class Handles;
  const std::string ca_file_;
  const StopFlag& stop_;
  const std::unique_ptr<Handles> handles_;
};

/// Everything but unreserved characters (RFC 3986) as %XX, also the slash.
std::string UrlEncode(std::string_view text);

}  // namespace aiflow::remote
