#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace aiflow::runner {

/// The protocol between a server and the runner of its home (docs/formats/runner-socket.md).
inline constexpr uint32_t kProtocolVersion = 2;
inline constexpr size_t kMaxMessage = 32U << 20;

/// First message of a connection.
struct Hello {
  uint32_t version = kProtocolVersion;
  int64_t epoch = 0;
};

/// What the server wants of an attempt.
enum class Verb : uint8_t {
  kStart = 2,  // run it, unless it was ever claimed: then say what became of it
  kAdopt = 3,  // it was seen running: say what became of it, never start it
  kStop = 4,   // end it; claim it for ever when it was never claimed
};

struct AttemptCommand {
  Verb verb = Verb::kStart;
  std::string attempt;  // text form of the attempt key
  std::string dir;      // absolute
  std::string token;
  int64_t epoch = 0;
  int64_t stop_grace_ms = 60'000;
  bool signal_group = true;
  bool seen_running = false;  // kStop: a missing claim means a lost directory
  int64_t log_max_bytes = 0;  // what the log keeps of its end; 0: all
  // kStart only:
  std::string refusal;  // not empty: claim it and fail with this reason
  std::string working_dir;
  std::vector<std::string> argv;
  std::vector<std::string> env;                            // "NAME=value", complete
  std::vector<std::pair<std::string, std::string>> files;  // variable, contents
  std::vector<std::string> secrets;                        // masked in all that it says
};

/// The server needs no more answers about this attempt.
struct Forget {
  std::string attempt;
};

/// End the runner. Its attempts run on, unless they are to be killed first.
struct Quit {
  bool kill = false;
};

struct Welcome {
  uint32_t version = kProtocolVersion;
  int64_t pid = 0;
};

/// A connection or command under an epoch that is not the highest one, or of another version.
struct Refused {
  uint32_t version = kProtocolVersion;
  int64_t highest_epoch = 0;
  std::string text;
};

struct Report {
  std::string attempt;
  std::string token;
  uint8_t status = 0;  // number of a TaskStatus
  int64_t pid = 0;
  int32_t exit_code = 0;
  std::string reason;
};

using Message = std::variant<Hello, AttemptCommand, Forget, Quit, Welcome, Refused, Report>;

/// The message as a frame: length, type, fields.
std::string EncodeMessage(const Message& message);

/// Takes frames out of a stream of bytes. Not thread-safe.
class MessageReader {
 public:
  /// Room for at least `size` more bytes; Commit says how many were put there.
  char* Reserve(size_t size);
  void Commit(size_t size);
  /// The next complete message, nothing when more bytes are needed, kInvalidArgument when the
  /// stream makes no sense (it then never will again).
  Result<std::optional<Message>> Next();

 private:
  std::string buffer_;
  size_t filled_ = 0;
  size_t taken_ = 0;
};

}  // namespace aiflow::runner
