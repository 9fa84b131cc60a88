#include "engine/hook_courier.h"

#include <utility>

#include "model/event_keys.h"
#include "model/requests.h"
#include "scheduler/state_rep.h"

namespace aiflow {
namespace {

void Report(DurableAppender& appender, OutboxId id, int64_t tries, std::string error) {
  HookResult result;
  result.outbox_id = id.value();
  result.tries = tries;
  result.error = std::move(error);
  Event event = FormatRequest(result);
  event.sender = "hook";
  event.id = HookResultEventId(result);
  appender.Append(std::move(event), nullptr);
}

}  // namespace

void HookCourier::Begin(std::shared_ptr<DurableAppender> appender, std::string log_id) {
  appender_ = std::move(appender);
  log_id_ = std::move(log_id);
  handed_over_.clear();
}

void HookCourier::Deliver(std::span<const OutboxRow> rows, const State& state) {
  if (sender_ == nullptr) return;
  const auto& outbox = state.rep().outbox;
  std::erase_if(handed_over_,
                [&outbox](const auto& entry) { return !outbox.contains(entry.first); });
  for (const OutboxRow& row : rows) {
    if (row.kind != OutboxKind::kHook || row.due != Millis(0)) continue;
    const auto [entry, first] = handed_over_.try_emplace(row.id, row.tries);
    if (!first && entry->second >= row.tries) continue;
    entry->second = row.tries;
    Result<HookCall> call = ParseHookCall(row.publish.context);
    if (!call.has_value()) {
      Report(*appender_, row.id, row.tries, call.error().message());
      continue;
    }
    // With the log's id, as ids of rows are counted anew in every home.
    HookDelivery delivery{row.id, row.tries, log_id_ + "/hook/" + std::to_string(row.id.value()),
                          *std::move(call)};
    sender_->Send(std::move(delivery),
                  [appender = appender_, id = row.id, tries = row.tries](std::string error) {
                    Report(*appender, id, tries, std::move(error));
                  });
  }
}

}  // namespace aiflow
