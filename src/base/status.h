#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace aiflow {

/// Error codes with the numbers and meanings of gRPC's, so that an adapter translates by cast.
enum class Code : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// "NOT_FOUND" for Code::kNotFound.
std::string_view CodeName(Code code);

/// The outcome of an operation that the world can make fail. A message names the subject, what
/// happened and the values, in one line. Immutable after construction.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }

  [[nodiscard]] bool ok() const { return code_ == Code::kOk; }
  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  /// "NOT_FOUND: workflow default.x does not exist"; "OK" when ok.
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

std::ostream& operator<<(std::ostream& out, const Status& status);

template <typename T>
using Result = tl::expected<T, Status>;

/// `return Error(Code::kNotFound, "...")` from a function that returns a Result.
inline tl::unexpected<Status> Error(Code code, std::string message) {
  return tl::unexpected<Status>(Status(code, std::move(message)));
}
inline tl::unexpected<Status> Error(Status status) {
  return tl::unexpected<Status>(std::move(status));
}

}  // namespace aiflow

/// Returns the status of `expression` from the enclosing function when it is not OK.
#define AIFLOW_RETURN_IF_ERROR(expression)                                      \
  do {                                                                          \
    if (::aiflow::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
