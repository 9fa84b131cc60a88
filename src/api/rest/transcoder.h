#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/rest/http_message.h"
#include "base/status.h"

namespace grpc {
class Channel;
}

namespace aiflow::api::rest {

struct TranscoderOptions {
  size_t max_body_bytes = 8 << 20;  // a larger one is refused, before it is kept
  size_t max_line_bytes = 8 << 20;  // one message of a body that is a stream of them
  std::chrono::milliseconds call_timeout{30'000};
  std::chrono::milliseconds upload_timeout{600'000};
};

/// REST over gRPC: whatever method has an HTTP annotation is called by reflection, and what it
/// answers becomes JSON. Nothing here is written per method. Thread-safe.
///
/// - A path variable and a query parameter is a field of the request, the body the rest of it.
/// - The header Idempotency-Key is the field request_id, or event_id, of the request.
/// - A method that streams its answer gives server-sent events (docs/rest.md). When what it streams
///   are bytes, it gives the bytes themselves, unless the client asks for text/event-stream.
/// - A method that streams its request takes a body with one JSON message per line.
class Transcoder {
 public:
  /// Which channel leads to which service, by full name. A channel within the process must
  /// not be called once its server has been shut down: stop what calls this first.
  /// kInvalidArgument: see Routes::Of.
  static Result<std::unique_ptr<Transcoder>> Make(
      std::map<std::string, std::shared_ptr<grpc::Channel>> services, TranscoderOptions options);
  ~Transcoder();

  /// Blocks until there is an answer, or what there is of it.
  HttpAnswer Handle(const HttpRequest& request, const HttpBody& body);

  /// The template of the path that answers such a request; empty: nothing does.
  [[nodiscard]] std::string RouteOf(const std::string& method, const std::string& path) const;

  /// The OpenAPI 3 document of all this; JSON.
  [[nodiscard]] const std::string& openapi() const;

 private:
  class Impl;
  explicit Transcoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::api::rest
