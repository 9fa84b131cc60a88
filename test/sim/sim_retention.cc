#include "sim_retention.h"

#include <optional>
#include <utility>

#include "base/clock.h"

namespace aiflow::sim {
namespace {

/// Steps of the world after which nobody waits for a reply any more.
constexpr int kPatience = 200;

class ClockOf final : public Clock {
 public:
  explicit ClockOf(const Chaos& chaos) : chaos_(chaos) {}
  Millis Now() const override { return chaos_.now; }
  std::chrono::nanoseconds Monotonic() const override { return chaos_.now; }

 private:
  const Chaos& chaos_;
};

Status Gone() { return {Code::kUnavailable, "the server is gone"}; }

}  // namespace

void SimRetention::Round(Millis keep) {
  durable_.chaos.Note("retention begins a round");
  const ClockOf clock(durable_.chaos);
  server::RetentionOptions options;
  options.keep = keep;
  options.executions_per_request = 3;
  options.runs_per_request = 4;
  server::Retention retention(*this, durable_.store, *this, *this, clock, options, nullptr);
  const server::RetentionReport report = retention.Round();
  durable_.chaos.Note("retention ends a round: " + std::to_string(report.executions) +
                      " executions, " + std::to_string(report.runs) + " runs");
}

void SimRetention::Submit(const Request& request, const std::string& /*request_id*/, Done done) {
  if (pulse_->dead) return done(Error(Gone()));
  struct Waiting {
    std::optional<Result<ReplyRow>> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  durable_.log.Append(
      FormatRequest(request),
      [waiting, &server = server_](const Result<AppendResult>& result) {
        if (!result.has_value()) {
          waiting->answer.emplace(Error(result.error()));
          return;
        }
        server.engine().OnCommitted(
            result->offset, [waiting](const ReplyRow& reply) { waiting->answer.emplace(reply); });
      },
      server_.pulse());
  for (int i = 0; i < kPatience && !waiting->answer.has_value() && !pulse_->dead; ++i) step_();
  done(waiting->answer.has_value() ? *waiting->answer : Error(Gone()));
}

void SimRetention::Read(std::function<void(const Result<const State*>&)> read) {
  read(Error(Gone()));
}

Offset SimRetention::committed() const {
  if (!pulse_->dead) committed_ = server_.engine().committed();
  return committed_;
}

Result<Offset> SimRetention::OffsetBefore(Millis time) const {
  if (pulse_->dead) return Error(Gone());
  return durable_.log.OffsetBefore(time);
}

/// The log's own thread does it, some time later.
void SimRetention::DropBefore(Offset offset, std::function<void(Result<Offset>)> done) {
  for (int64_t i = durable_.chaos.random.Below(4); i > 0 && !pulse_->dead; --i) step_();
  if (pulse_->dead) return done(Error(Gone()));
  if (offset > durable_.log.head() + 1) {
    return done(Error(Code::kInvalidArgument, "the log is not that long"));
  }
  const Offset first = durable_.log.DropBefore(offset);
  durable_.checker.model().OnDrop(first);
  done(first);
}

Status SimRetention::SweepExecutions(const std::function<bool(ExecutionId)>& /*pruned*/,
                                     const std::function<bool()>& /*stopping*/) {
  return pulse_->dead ? Gone() : Status::Ok();
}

Status SimRetention::SweepBlobs(const std::set<std::string>& named) {
  if (!pulse_->dead) durable_.checker.model().OnBlobSweep(named);
  return Status::Ok();
}

}  // namespace aiflow::sim
