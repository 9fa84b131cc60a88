// Private to api/grpc.
#pragma once

#include "aiflow/v1/event_log.pb.h"
#include "base/status.h"
#include "eventlog/log_service.h"

namespace aiflow::api {

/// One page of events, either way. Bounded by bytes as well, so a page may be shorter than asked
/// for, also empty, and yet not the last. kOutOfRange names the first offset when events behind
/// `after_offset` were removed.
Status ListEvents(const LogService& log, const v1::ListEventsRequest& request,
                  v1::ListEventsResponse* response);

}  // namespace aiflow::api
