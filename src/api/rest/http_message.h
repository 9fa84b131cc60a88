#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace aiflow::api::rest {

/// What a request says before its body. Plain value.
struct HttpRequest {
  std::string method;  // GET
  std::string path;    // still encoded
  std::string query;   // still encoded; without the question mark
  /// The first header of that name, whatever its case; empty without one.
  std::function<std::string(const std::string& name)> header;
};

/// Reads the body from the connection, piece by piece: calls its argument with each piece until
/// that returns false. An error when the connection broke, or the body is larger than accepted.
using HttpBody = std::function<Status(const std::function<bool(std::string_view piece)>& take)>;

/// Text that comes over time, for server-sent events. Next is called by one thread; Cancel by any.
class TextStream {
 public:
  virtual ~TextStream() = default;
  enum class Next { kText, kNothingYet, kEnd };
  /// Waits at most `patience`. kEnd may come with a last text.
  virtual Next Read(std::string* text, std::chrono::milliseconds patience) = 0;
  /// After kEnd: how it ended.
  [[nodiscard]] virtual Status outcome() const = 0;
  virtual void Cancel() = 0;
};

/// The bytes of a file whose size is known, read from any place on.
struct Bytes {
  int64_t size = 0;
  /// Those before are gone; places keep counting from where they were.
  int64_t first = 0;
  /// Gives the bytes from `begin` on, at least one, to `take`, until it returns false or there is
  /// an error.
  std::function<Status(int64_t begin, int64_t end,
                       const std::function<bool(std::string_view)>& take)>
      read;
};

/// An answer: its body is `body`, or `stream`, or `bytes`.
struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::unique_ptr<TextStream> stream;
  std::optional<Bytes> bytes;
};

/// The HTTP status of an outcome.
int HttpStatusOf(Code code);

/// {"error": {"code": 5, "status": "NOT_FOUND", "message": "..."}}, with Retry-After where trying
/// again helps.
HttpAnswer ErrorAnswer(const Status& status);
/// The same with another HTTP status, for what no call has to do with.
HttpAnswer ErrorAnswer(int http_status, const Status& status);
/// The JSON of the error alone.
std::string ErrorJson(const Status& status);

}  // namespace aiflow::api::rest
