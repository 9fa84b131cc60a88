#pragma once

namespace aiflow {

/// Who asks for room in a bounded queue. Outside senders are refused at 80% of its capacity; the
/// rest is for the engine's own events and the reports of runners, which must always find room.
enum class Admission { kExternal, kInternal };

}  // namespace aiflow
