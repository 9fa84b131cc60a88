#include <aiflow/v1/event_log.grpc.pb.h>
#include <notification_service/notification_service.grpc.pb.h>

#include <limits>
#include <utility>

#include "cli/client.h"
#include "cli/grpc_call.h"

namespace aiflow::cli {
namespace {

namespace ns_v0 = ::notification_service;
constexpr int kPageSize = 500;

// The status that an acknowledgement carries as text: "ALREADY_EXISTS: event id ...".
Status ParseError(const std::string& text) {
  for (int code = 1; code <= static_cast<int>(Code::kUnauthenticated); ++code) {
    const std::string prefix = std::string(CodeName(static_cast<Code>(code))) + ": ";
    if (text.starts_with(prefix)) return {static_cast<Code>(code), text.substr(prefix.size())};
  }
  return {Code::kInvalidArgument, text};
}

template <typename Request>
Request RequestOf(const EventFilter& filter) {
  Request request;
  request.set_key(filter.key);
  request.set_namespace_(filter.ns);
  request.set_sender(filter.sender);
  request.set_start_offset(filter.begin_offset);
  request.set_end_offset(filter.end_offset);
  return request;
}

class GrpcEventClient : public EventClient {
 public:
  GrpcEventClient(const std::string& address, const client::Credentials& credentials)
      : call_(address, credentials),
        log_(v1::EventLog::NewStub(call_.channel())),
        service_(ns_v0::NotificationService::NewStub(call_.channel())) {}

  Result<v1::PublishResponse> Publish(const v1::PublishRequest& request,
                                      std::chrono::milliseconds timeout) override {
    v1::PublishResponse response;
    bool answered = false;
    const Status status = call_.Once(timeout, [&](grpc::ClientContext* context) {
      const auto stream = log_->Publish(context);
      answered = stream->Write(request) && stream->WritesDone() && stream->Read(&response);
      // The acknowledgement is all that was wanted: do not wait for the stream's own end.
      if (answered) context->TryCancel();
      const grpc::Status end = stream->Finish();
      return answered ? grpc::Status::OK : end;
    });
    if (!status.ok()) return Error(status);
    if (!answered) {
      return Error(Code::kInternal, "the notification server did not acknowledge the event");
    }
    if (!response.error().empty()) return Error(ParseError(response.error()));
    return response;
  }

  Status ListEvents(v1::ListEventsRequest request, const PageSink<v1::EventRecord>& sink) override {
    if (request.page_size() == 0) request.set_page_size(kPageSize);
    for (;;) {
      const auto page = call_.Unary(*log_, &v1::EventLog::Stub::ListEvents, request);
      if (!page) return page.error();
      if (!sink(page->events()) || page->next_page_token().empty()) return Status::Ok();
      request.set_page_token(page->next_page_token());
    }
  }

  Result<int64_t> CountEvents(const EventFilter& filter) override {
    const auto response = call_.Unary(*service_, &ns_v0::NotificationService::Stub::countEvents,
                                      RequestOf<ns_v0::CountEventsRequest>(filter));
    if (!response) return Error(response.error());
    if (response->return_code() != ns_v0::SUCCESS) {
      return Error(Code::kInvalidArgument, response->return_msg());
    }
    return response->event_count();
  }

  Result<int64_t> Head() override { return OffsetAt(std::numeric_limits<int64_t>::max()); }

  Result<int64_t> OffsetAt(int64_t time) override {
    ns_v0::TimeToOffsetRequest request;
    request.set_timestamp(time);
    return call_
        .Unary(*service_, &ns_v0::NotificationService::Stub::timestampToEventOffset, request)
        .map([](const auto& response) { return int64_t{response.offset()}; });
  }

  Result<std::vector<v1::Consumer>> ListConsumers() override {
    const auto response =
        call_.Unary(*log_, &v1::EventLog::Stub::ListConsumers, v1::ListConsumersRequest());
    if (!response) return Error(response.error());
    return std::vector<v1::Consumer>(response->consumers().begin(), response->consumers().end());
  }
  Result<v1::Consumer> RegisterConsumer(const v1::RegisterConsumerRequest& request) override {
    return call_.Unary(*log_, &v1::EventLog::Stub::RegisterConsumer, request);
  }
  Status DeleteConsumer(const std::string& name) override {
    v1::DeleteConsumerRequest request;
    request.set_name(name);
    const auto deleted = call_.Unary(*log_, &v1::EventLog::Stub::DeleteConsumer, request);
    return deleted ? Status::Ok() : deleted.error();
  }

  Status Subscribe(const v1::SubscribeRequest& request,
                   const std::function<bool(const v1::EventRecord&)>& sink) override {
    grpc::ClientContext context;
    const auto reader = log_->Subscribe(&context, request);
    v1::SubscribeResponse response;
    while (reader->Read(&response)) {
      for (const v1::EventRecord& event : response.events()) {
        if (sink(event)) continue;
        context.TryCancel();
        (void)reader->Finish();
        return Status::Ok();
      }
    }
    const Status end = call_.ToStatus(reader->Finish());
    // Streams of events have no end of their own: a server that stops may end one like this.
    return end.ok() ? Status(Code::kUnavailable, "the notification server ended the stream") : end;
  }

 private:
  const GrpcCall call_;
  const std::unique_ptr<v1::EventLog::Stub> log_;
  const std::unique_ptr<ns_v0::NotificationService::Stub> service_;
};

}  // namespace

std::unique_ptr<EventClient> MakeGrpcEventClient(const std::string& address,
                                                 const client::Credentials& credentials) {
  return std::make_unique<GrpcEventClient>(address, credentials);
}

}  // namespace aiflow::cli
