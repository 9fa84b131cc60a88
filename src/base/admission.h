#pragma once

namespace aiflow {

/// Who asks for room in a bounded queue. Outside senders are refused at 80% of its capacity; the
/// rest is for the engine's own events and the reports of runners, which must always find room.
/// What outside senders ask that ends or removes something is refused only there, and not when the
/// disk is nearly full.
enum class Admission { kExternal, kInternal, kRelief };

}  // namespace aiflow
