#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chaos.h"
#include "model/requests.h"
#include "sim_server.h"

namespace aiflow::sim {

/// The people and programs outside: they upload, start, stop, send events, send again what was not
/// answered, and sometimes what was.
class Clients {
 public:
  explicit Clients(Durable& durable) : durable_(durable), chaos_(durable.chaos) {}

  /// The first uploads, and the executions of the reference workflow.
  void Begin();
  /// Does something new, by chance.
  void Act();
  /// So that a world can come to rest: nothing starts executions any more but people.
  void PauseStarters();
  /// Retries every quarantined event.
  void EndQuarantines();
  /// Stops every open execution but the reference's (`all`: also those).
  void StopOpen(bool all);
  /// Sends what is not known to be in the log through `server`. False when there was nothing to
  /// send.
  bool Send(SimServer& server);
  /// Sends something again that is in the log already.
  void SendAgain(SimServer& server);
  /// `server` is gone: what it had not acknowledged is unknown.
  void Lost();

  void CheckEnd() const;

 private:
  struct Item {
    Event event;
    bool request = false;
    bool sent = false;
    Offset offset = 0;  // 0: not acknowledged
    std::optional<ReplyRow> reply;
  };

  void Ask(const Request& request);
  void SendItem(SimServer& server, size_t index);
  void Acknowledged(SimServer& server, size_t index, const Result<AppendResult>& result);
  void Answered(size_t index, const ReplyRow& reply);
  std::string PutSpec(const WorkflowSpec& spec);
  void Upload();
  void Operate();
  // clients_model.cc
  void ActOnModel();
  void TouchNamespace();
  void AddRandomTrigger();
  void Backfill();
  std::string RandomParams();
  ExecutionId AnyExecution();

  Durable& durable_;
  Chaos& chaos_;
  std::vector<Item> items_;
  int64_t next_id_ = 0;
  int64_t triggers_ = 0;  // asked for
};

}  // namespace aiflow::sim
