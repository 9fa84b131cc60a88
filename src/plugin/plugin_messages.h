#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aiflow/executor/v1/executor_plugin.pb.h"
#include "base/status.h"
#include "executor/task_executor.h"
#include "model/attempt_key.h"

namespace aiflow::plugin {

namespace pb = ::aiflow::executor::v1;

/// The one version of the protocol that this server speaks.
inline constexpr int kProtocolVersion = 1;
/// A command, environment and files above this are refused: gRPC's default for what a plug-in may
/// receive is 4 MiB.
inline constexpr size_t kMaxPayloadBytes = size_t{3} << 20;
/// Of what a plug-in sends in one message.
inline constexpr int kMaxAnswerBytes = 16 << 20;
inline constexpr size_t kMaxReasonBytes = 4096;
/// Reports of one page of List: each may have an output.
inline constexpr int kListPage = 100;

/// How far an attempt has come, as its plug-in says.
enum class Stage { kAccepted, kRunning, kEnded };

/// A report whose form is right; whether it is true is another matter.
struct PluginReport {
  AttemptKey key;
  std::string token;
  Stage stage = Stage::kAccepted;
  AttemptReport report;  // not with kAccepted
};

/// "17-2-1-1", and nothing else that would name the same numbers.
std::optional<AttemptKey> ParseAttemptKey(std::string_view text);

/// Takes a report apart. What can be mended is (a reason that is too long, an output that does not
/// count); kInvalidArgument says what cannot.
Result<PluginReport> ReadReport(pb::Report report);

/// What the plug-in of `executor` is asked to start. What it cannot be given (too large, secrets
/// that it does not mask, text that is no UTF-8) becomes a refusal, which it only has to claim.
struct AttemptPlace {
  std::string executor;
  std::string attempts_dir;
  int64_t log_max_bytes = 0;
  bool masks_secrets = false;
};
pb::Attempt WriteAttempt(const AttemptSpec& spec, const AttemptPlace& place);

}  // namespace aiflow::plugin
