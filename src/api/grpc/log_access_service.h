// Private to api/grpc.
#pragma once

#include <string>

#include "aiflow/internal/v1/log_access.grpc.pb.h"
#include "api/access/access.h"
#include "api/grpc/log_calls.h"
#include "eventlog/log_service.h"

namespace aiflow::api {

/// aiflow.internal.v1.LogAccess: what the log's owner may do, and nobody else. Every call is
/// checked against the digest of the secret that the log keeps; one that brings a token must bring
/// one for servers. Thread-safe.
class LogAccessServiceAdapter final : public aiflow::internal::v1::LogAccess::CallbackService {
 public:
  /// Both must outlive the service.
  LogAccessServiceAdapter(LogService& log, const Access& access) : log_(log), access_(access) {}

  grpc::ServerUnaryReactor* Attach(grpc::CallbackServerContext* context,
                                   const aiflow::internal::v1::AttachRequest* request,
                                   aiflow::internal::v1::AttachResponse* response) override;
  grpc::ServerUnaryReactor* WaitEvents(grpc::CallbackServerContext* context,
                                       const aiflow::internal::v1::WaitEventsRequest* request,
                                       aiflow::internal::v1::WaitEventsResponse* response) override;
  grpc::ServerUnaryReactor* Append(grpc::CallbackServerContext* context,
                                   const aiflow::internal::v1::AppendRequest* request,
                                   aiflow::internal::v1::AppendResponse* response) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const aiflow::internal::v1::ListRequest* request,
                                 aiflow::internal::v1::ListResponse* response) override;
  grpc::ServerUnaryReactor* Count(grpc::CallbackServerContext* context,
                                  const aiflow::internal::v1::CountRequest* request,
                                  aiflow::internal::v1::CountResponse* response) override;
  grpc::ServerUnaryReactor* FindOffset(grpc::CallbackServerContext* context,
                                       const aiflow::internal::v1::FindOffsetRequest* request,
                                       aiflow::internal::v1::FindOffsetResponse* response) override;
  grpc::ServerUnaryReactor* CommitCursor(grpc::CallbackServerContext* context,
                                         const aiflow::internal::v1::CommitCursorRequest* request,
                                         aiflow::internal::v1::LogPosition* response) override;

 private:
  /// Whether the call may be that of a server.
  Status CheckToken(const grpc::CallbackServerContext& context) const;
  /// Whether the call comes from the log's owner.
  Status Authorize(const grpc::CallbackServerContext& context) const;

  LogService& log_;
  const Access& access_;
  AnswersUnderWay under_way_;
};

}  // namespace aiflow::api
