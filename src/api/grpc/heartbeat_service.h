// Private to api/grpc.
#pragma once

#include "ai_flow/heartbeat_service.grpc.pb.h"

namespace aiflow::api {

/// Answers every beat. Attempts of the local executor are watched by their runner, not by beats.
class HeartbeatServiceAdapter final : public ai_flow::HeartbeatService::CallbackService {
 public:
  grpc::ServerUnaryReactor* send_heartbeat(grpc::CallbackServerContext* context,
                                           const ai_flow::HeartbeatRequest*,
                                           ai_flow::Response* response) override {
    response->set_return_code("0");
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace aiflow::api
