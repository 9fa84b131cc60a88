#include "api/rest/transcoder.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "api/rest/file_bytes.h"
#include "api/rest/grpc_call.h"
#include "api/rest/json_message.h"
#include "api/rest/message_fields.h"
#include "api/rest/message_streams.h"
#include "api/rest/openapi.h"
#include "api/rest/routes.h"

namespace aiflow::api::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

/// A call that fails at once is answered with its status, and not by a stream that says so.
constexpr std::chrono::milliseconds kFirstLook{100};
/// As long as it takes; the call has a deadline of its own.
constexpr std::chrono::hours kUntilItEnds{24};
constexpr std::chrono::milliseconds kNoTimeout = std::chrono::milliseconds::max();

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor* type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(type)->New());
}

Status TooLarge(const std::string& what, size_t most, const std::string& limit) {
  return {Code::kResourceExhausted,
          what + " has more than " + limit + " " + std::to_string(most) + " bytes"};
}

/// "a=1&b=2", decoded, into the fields of a request. `given`: those that the path gives already.
Status SetQuery(std::string_view query, std::set<std::string> given, Message* request) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = DecodePercent(pair.substr(0, equals), /*plus_is_blank=*/true);
    const auto value =
        DecodePercent(equals == pair.size() ? "" : pair.substr(equals + 1), /*plus_is_blank=*/true);
    if (!name.has_value() || !value.has_value()) {
      return {Code::kInvalidArgument, "the query " + std::string(pair) + " is no URL encoding"};
    }
    const FieldDescriptor* field = request->GetDescriptor()->FindFieldByName(*name);
    if (!given.insert(*name).second && (field == nullptr || !field->is_repeated())) {
      return {Code::kInvalidArgument, "parameter " + *name + " is given twice"};
    }
    AIFLOW_RETURN_IF_ERROR(SetField(*name, *value, request));
  }
  return Status::Ok();
}

/// The path says what the call is about; a body may repeat it, and not contradict it.
Status SetVariables(const PathTemplate::Variables& variables, Message* request) {
  for (const auto& [name, value] : variables) {
    const FieldDescriptor* field = request->GetDescriptor()->FindFieldByName(name);
    std::unique_ptr<Message> in_body;
    if (request->GetReflection()->HasField(*request, field)) {
      in_body.reset(request->New());
      in_body->CopyFrom(*request);
      request->GetReflection()->ClearField(request, field);
    }
    AIFLOW_RETURN_IF_ERROR(SetField(name, value, request));
    if (in_body != nullptr &&
        !google::protobuf::util::MessageDifferencer::Equals(*in_body, *request)) {
      return {Code::kInvalidArgument, "the body has another " + name + " than the path"};
    }
  }
  return Status::Ok();
}

Status SetKey(const std::string& key, Message* request) {
  const FieldDescriptor* field = KeyField(*request->GetDescriptor());
  if (key.empty() || field == nullptr) return Status::Ok();
  const google::protobuf::Reflection& reflection = *request->GetReflection();
  if (reflection.HasField(*request, field) && reflection.GetString(*request, field) != key) {
    return {Code::kInvalidArgument,
            "the header Idempotency-Key is another key than " + field->name()};
  }
  reflection.ClearField(request, field);
  return SetField(field->name(), key, request);
}

/// Of a request that is a stream, the first message of which is a header.
Status SetHeaderKey(const std::string& key, Message* first) {
  const FieldDescriptor* header = first->GetDescriptor()->FindFieldByName("header");
  if (key.empty() || header == nullptr || !first->GetReflection()->HasField(*first, header)) {
    return Status::Ok();
  }
  return SetKey(key, first->GetReflection()->MutableMessage(first, header));
}

bool WantsEvents(const HttpRequest& request) {
  return request.header("Accept").find("text/event-stream") != std::string::npos;
}

/// A stream of which the first text has been read.
class BegunStream final : public TextStream {
 public:
  BegunStream(std::string first, std::unique_ptr<TextStream> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}
  Next Read(std::string* text, std::chrono::milliseconds patience) override {
    if (first_.empty()) return rest_->Read(text, patience);
    *text = std::exchange(first_, {});
    return Next::kText;
  }
  [[nodiscard]] Status outcome() const override { return rest_->outcome(); }
  void Cancel() override { rest_->Cancel(); }

 private:
  std::string first_;
  std::unique_ptr<TextStream> rest_;
};

}  // namespace

class Transcoder::Impl {
 public:
  Impl(std::map<std::string, std::shared_ptr<grpc::Channel>> services, TranscoderOptions options,
       Routes routes)
      : services_(std::move(services)), options_(options), routes_(std::move(routes)) {}

  HttpAnswer Handle(const HttpRequest& request, const HttpBody& body);
  [[nodiscard]] std::string RouteOf(const std::string& method, const std::string& path) const {
    const Route* route = routes_.Find(method, path).route;
    return route == nullptr ? std::string() : route->path.shown();
  }
  /// Made when it is first asked for: few servers are, and none while it starts.
  [[nodiscard]] const std::string& openapi() const {
    std::call_once(openapi_made_, [this] { openapi_ = OpenApiDocument(routes_); });
    return openapi_;
  }

 private:
  HttpAnswer NothingThere(const HttpRequest& request, const std::vector<std::string>& allowed);
  /// All of the request but a body that streams.
  Status Fill(const Route& route, const HttpRequest& request, const HttpBody& body,
              const PathTemplate::Variables& variables, Message* message) const;
  Result<std::string> WholeBody(const HttpBody& body) const;
  HttpAnswer CallUnary(const Route& route, const Message& request);
  HttpAnswer CallUpload(const Route& route, const HttpRequest& request, const HttpBody& body);
  HttpAnswer CallStream(const Route& route, const HttpRequest& request, Message* message);
  static HttpAnswer Finish(const Route& route, GrpcCall& call);
  std::unique_ptr<GrpcCall> Begin(const Route& route, std::chrono::milliseconds timeout) const;

  const std::map<std::string, std::shared_ptr<grpc::Channel>> services_;
  const TranscoderOptions options_;
  const Routes routes_;
  mutable std::once_flag openapi_made_;
  mutable std::string openapi_;
};

HttpAnswer Transcoder::Impl::Handle(const HttpRequest& request, const HttpBody& body) {
  const Routes::Found found = routes_.Find(request.method, request.path);
  if (found.route == nullptr) return NothingThere(request, found.allowed);
  const Route& route = *found.route;
  if (route.method->client_streaming()) return CallUpload(route, request, body);
  const std::unique_ptr<Message> message = NewMessage(route.method->input_type());
  if (const Status filled = Fill(route, request, body, found.variables, message.get());
      !filled.ok()) {
    // Of what is filled in here, only a body can be too large.
    return filled.code() == Code::kResourceExhausted ? ErrorAnswer(413, filled)
                                                     : ErrorAnswer(filled);
  }
  return route.method->server_streaming() ? CallStream(route, request, message.get())
                                          : CallUnary(route, *message);
}

HttpAnswer Transcoder::Impl::NothingThere(const HttpRequest& request,
                                          const std::vector<std::string>& allowed) {
  if (allowed.empty()) {
    return ErrorAnswer(Status(Code::kNotFound, "nothing is at " + request.path +
                                                   "; /api/v1/openapi.json tells what there is"));
  }
  std::string methods;
  for (const std::string& method : allowed) methods += (methods.empty() ? "" : ", ") + method;
  HttpAnswer answer =
      ErrorAnswer(405, Status(Code::kUnimplemented,
                              request.path + " knows " + methods + ", but not " + request.method));
  answer.headers.emplace_back("Allow", methods);
  return answer;
}

Result<std::string> Transcoder::Impl::WholeBody(const HttpBody& body) const {
  std::string text;
  bool too_large = false;
  const Status read = body([&](std::string_view piece) {
    too_large = text.size() + piece.size() > options_.max_body_bytes;
    if (!too_large) text.append(piece);
    return !too_large;
  });
  if (too_large) return Error(TooLarge("the body", options_.max_body_bytes, "max_body_bytes"));
  if (!read.ok()) return Error(read);
  return text;
}

Status Transcoder::Impl::Fill(const Route& route, const HttpRequest& request, const HttpBody& body,
                              const PathTemplate::Variables& variables, Message* message) const {
  const Result<std::string> text = WholeBody(body);
  if (!text.has_value()) return text.error();
  if (route.body.empty()) {
    if (!text->empty()) return {Code::kInvalidArgument, "this call has no body"};
  } else if (!text->empty()) {
    Message* target = message;
    if (route.body != "*") {
      target = message->GetReflection()->MutableMessage(
          message, message->GetDescriptor()->FindFieldByName(route.body));
    }
    AIFLOW_RETURN_IF_ERROR(FromJson(*text, target));
  }
  if (route.body == "*" && !request.query.empty()) {
    return {Code::kInvalidArgument, "this call has its parameters in the body, not in the query"};
  }
  AIFLOW_RETURN_IF_ERROR(SetVariables(variables, message));
  std::set<std::string> in_path;
  for (const auto& [name, value] : variables) in_path.insert(name);
  AIFLOW_RETURN_IF_ERROR(SetQuery(request.query, std::move(in_path), message));
  return SetKey(request.header("Idempotency-Key"), message);
}

std::unique_ptr<GrpcCall> Transcoder::Impl::Begin(const Route& route,
                                                  std::chrono::milliseconds timeout) const {
  const auto& channel = services_.at(route.method->service()->full_name());
  const auto deadline = timeout == kNoTimeout ? std::chrono::system_clock::time_point::max()
                                              : std::chrono::system_clock::now() + timeout;
  return std::make_unique<GrpcCall>(channel, route.rpc(), deadline);
}

HttpAnswer Transcoder::Impl::Finish(const Route& route, GrpcCall& call) {
  const std::unique_ptr<Message> response = NewMessage(route.method->output_type());
  const std::unique_ptr<Message> beyond = NewMessage(route.method->output_type());
  const bool answered = call.Receive(response.get(), kUntilItEnds) == GrpcCall::Received::kMessage;
  if (answered) call.Receive(beyond.get(), kUntilItEnds);
  if (const Status outcome = call.outcome(); !outcome.ok()) return ErrorAnswer(outcome);
  if (!answered) return ErrorAnswer(Status(Code::kInternal, "the call ended without an answer"));
  Result<std::string> json = ToJson(*response);
  if (!json.has_value()) return ErrorAnswer(json.error());
  HttpAnswer answer;
  answer.body = *std::move(json) + "\n";
  return answer;
}

HttpAnswer Transcoder::Impl::CallUnary(const Route& route, const Message& request) {
  const auto call = Begin(route, options_.call_timeout);
  call->Send(request);
  call->DoneSending();
  return Finish(route, *call);
}

HttpAnswer Transcoder::Impl::CallUpload(const Route& route, const HttpRequest& request,
                                        const HttpBody& body) {
  if (!request.query.empty()) {
    return ErrorAnswer(Status(Code::kInvalidArgument, "this call has no parameters in its query"));
  }
  const auto call = Begin(route, options_.upload_timeout);
  Status wrong;
  bool first = true;
  std::string line;
  const auto send = [&](std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return true;
    const std::unique_ptr<Message> message = NewMessage(route.method->input_type());
    wrong = FromJson(text, message.get());
    if (wrong.ok() && first) wrong = SetHeaderKey(request.header("Idempotency-Key"), message.get());
    first = false;
    return wrong.ok() && call->Send(*message);
  };
  const Status read = body([&](std::string_view piece) {
    for (;;) {
      const size_t newline = piece.find('\n');
      line.append(piece.substr(0, newline));
      if (line.size() > options_.max_line_bytes) {
        wrong = TooLarge("a line of the body", options_.max_line_bytes, "max_line_bytes");
        return false;
      }
      if (newline == std::string_view::npos) return true;
      if (!send(line)) return false;
      line.clear();
      piece.remove_prefix(newline + 1);
    }
  });
  if (wrong.ok() && !line.empty() && read.ok()) send(line);
  // Going away here cancels the call, so that nothing of it is stored.
  if (wrong.code() == Code::kResourceExhausted) return ErrorAnswer(413, wrong);
  if (!wrong.ok()) return ErrorAnswer(wrong);
  // The call may have ended early, and then knows why.
  if (!read.ok() && read.code() != Code::kCancelled) return ErrorAnswer(read);
  call->DoneSending();
  return Finish(route, *call);
}

HttpAnswer Transcoder::Impl::CallStream(const Route& route, const HttpRequest& request,
                                        Message* message) {
  const StreamShape shape = StreamShape::Of(*route.method);
  const bool bytes = shape.data != nullptr && !WantsEvents(request);
  const auto begin = [this, &route](const Message& with) {
    auto call = Begin(route, kNoTimeout);
    call->Send(with);
    call->DoneSending();
    return call;
  };
  if (bytes && !Follows(*message)) {
    return FileAnswer(*message, *route.method, begin);
  }
  const std::string last = request.header("Last-Event-ID");
  if (!last.empty() && shape.resume != nullptr) {
    message->GetReflection()->ClearField(message, shape.resume);
    // A reader comes back with the address it began with.
    if (const auto* now = message->GetDescriptor()->FindFieldByName("from_now"); now != nullptr) {
      message->GetReflection()->ClearField(message, now);
    }
    if (Status resumed = SetField(shape.resume->name(), last, message); !resumed.ok()) {
      return ErrorAnswer(Status(Code::kInvalidArgument,
                                "the header Last-Event-ID is no id of this stream: " + last));
    }
  }
  std::unique_ptr<TextStream> stream = bytes ? NewByteStream(begin(*message), *route.method)
                                             : NewEventStream(begin(*message), *route.method);
  HttpAnswer answer;
  answer.content_type = bytes ? std::string(kTextType) : "text/event-stream";
  std::string first;
  if (stream->Read(&first, kFirstLook) == TextStream::Next::kEnd) {
    if (const Status outcome = stream->outcome(); !outcome.ok()) return ErrorAnswer(outcome);
    answer.body = std::move(first);
    return answer;
  }
  answer.stream = std::make_unique<BegunStream>(std::move(first), std::move(stream));
  return answer;
}

Transcoder::Transcoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transcoder::~Transcoder() = default;

Result<std::unique_ptr<Transcoder>> Transcoder::Make(
    std::map<std::string, std::shared_ptr<grpc::Channel>> services, TranscoderOptions options) {
  std::vector<std::string> names;
  for (const auto& [name, channel] : services) names.push_back(name);
  Result<Routes> routes = Routes::Of(names);
  if (!routes.has_value()) return Error(routes.error());
  return std::unique_ptr<Transcoder>(
      new Transcoder(std::make_unique<Impl>(std::move(services), options, *std::move(routes))));
}

HttpAnswer Transcoder::Handle(const HttpRequest& request, const HttpBody& body) {
  return impl_->Handle(request, body);
}
std::string Transcoder::RouteOf(const std::string& method, const std::string& path) const {
  return impl_->RouteOf(method, path);
}

const std::string& Transcoder::openapi() const { return impl_->openapi(); }

}  // namespace aiflow::api::rest
