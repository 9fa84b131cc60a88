// Private to api/grpc.
#pragma once

#include <string>
#include <unordered_map>

#include "aiflow/v1/orchestrator.pb.h"
#include "api/execution_snapshot.h"
#include "eventlog/log_service.h"
#include "model/rows.h"

namespace aiflow::api {

/// Reads the events that caused something, each once per answer. For one answer only.
class CauseReader {
 public:
  explicit CauseReader(const LogService& log) : log_(log) {}
  /// Fills key and value of the event at `offset`, and in `text`, unless null, says which task and
  /// status a task's report is about (empty for other events). All stay empty when it is gone.
  void Read(Offset offset, std::string* key, std::string* value, std::string* text = nullptr);

 private:
  struct Shown {
    std::string key;
    std::string value;
    std::string text;
  };
  const LogService& log_;
  std::unordered_map<Offset, Shown> seen_;
};

/// The beginning of an event's value, enough to recognise it; the whole is in the log.
std::string ShortenValue(std::string text);

void ToProto(const NamespaceRow& row, v1::Namespace* proto);
void ToProto(const WorkflowRow& row, v1::Workflow* proto);
void ToProto(const ExecutionRow& row, const WorkflowRow& workflow, v1::WorkflowExecution* proto);
void ToProto(const TaskExecutionRow& row, CauseReader* causes, v1::TaskExecution* proto);
void ToProto(const CauseRow& row, CauseReader* causes, v1::CauseRecord* proto);
void ToProto(const ExecutionSnapshot& snapshot, CauseReader* causes,
             v1::WorkflowExecutionView* proto);

/// The members of a namespace's JSON object of strings, and back.
void PropertiesToProto(const std::string& json,
                       google::protobuf::Map<std::string, std::string>* properties);
std::string PropertiesToJson(const google::protobuf::Map<std::string, std::string>& properties);

}  // namespace aiflow::api
