#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/condition_evaluator.h"

/// The lines that a server and a condition host say to each other: docs/formats/host-protocol.md.
/// Without their line ends.
namespace aiflow::hosts {

/// A longer line from a host is taken for nonsense.
inline constexpr size_t kMaxLineBytes = size_t{8} << 20;

/// `pickled`: the bytes of a trigger's rule; of a task's rule, empty.
std::string FormatQuestion(int64_t id, const ConditionQuestion& question, std::string_view pickled);

/// OK: the host is ready. kFailedPrecondition: what it says is wrong. kInvalidArgument: the line is
/// no greeting, or one of another protocol.
Status ReadGreeting(std::string_view line);

/// The answer to question `id`, an error of the condition included. kInvalidArgument: the line is
/// none.
Result<ConditionAnswer> ReadAnswer(std::string_view line, int64_t id);

}  // namespace aiflow::hosts
