#include "api/rest/file_bytes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "api/rest/message_streams.h"
#include "base/check.h"

namespace aiflow::api::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

/// A chunk takes long only when the disk does.
constexpr std::chrono::minutes kChunkPatience{1};

int64_t Number(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return field == nullptr ? 0 : message.GetReflection()->GetInt64(message, field);
}

void SetNumber(const std::string& name, int64_t value, Message* message) {
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
  CHECK(field != nullptr) << message->GetTypeName() << " has no field " << name;
  message->GetReflection()->SetInt64(message, field, value);
}

std::shared_ptr<Message> Copy(const Message& message) {
  std::shared_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  return copy;
}

}  // namespace

bool Follows(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("follow");
  return field != nullptr && request.GetReflection()->GetBool(request, field);
}

HttpAnswer FileAnswer(const Message& request, const google::protobuf::MethodDescriptor& method,
                      std::function<std::unique_ptr<GrpcCall>(const Message&)> begin) {
  const std::shared_ptr<Message> chunk(
      MessageFactory::generated_factory()->GetPrototype(method.output_type())->New());
  const int64_t wanted_begin = Number(request, "begin_byte");
  const int64_t wanted_end = Number(request, "end_byte");
  if (wanted_begin < 0 || wanted_end < 0 || (wanted_end > 0 && wanted_begin > wanted_end)) {
    return ErrorAnswer(
        Status(Code::kInvalidArgument, "begin_byte and end_byte are no range of a file"));
  }
  const std::shared_ptr<Message> ask = Copy(request);
  SetNumber("end_byte", 1, ask.get());
  SetNumber("begin_byte", 0, ask.get());
  int64_t size = 0;
  int64_t dropped = 0;  // of the head of a log
  {
    const auto call = begin(*ask);
    const auto received = call->Receive(chunk.get(), kChunkPatience);
    if (received == GrpcCall::Received::kNothingYet) {
      return ErrorAnswer(Status(Code::kDeadlineExceeded, "the file cannot be read now"));
    }
    if (received == GrpcCall::Received::kMessage) {
      size = Number(*chunk, "size");
      // Asked for one byte, a log says where the first is that it still has.
      if (const int64_t next = Number(*chunk, "next_byte"); next > 1) dropped = next;
    } else if (const Status outcome = call->outcome(); !outcome.ok()) {
      return ErrorAnswer(outcome);
    }
  }
  // What the client asked for by parameters is the whole that a range is of.
  const int64_t from = std::min(wanted_begin, size);
  const int64_t until = wanted_end == 0 ? size : std::clamp<int64_t>(wanted_end, from, size);

  HttpAnswer answer;
  const StreamShape shape = StreamShape::Of(method);
  answer.content_type = shape.text ? std::string(kTextType) : "application/octet-stream";
  // A page that a task wrote must not run as one of ours.
  if (!shape.text) answer.headers.emplace_back("Content-Disposition", "attachment");
  if (dropped > wanted_begin) {
    answer.headers.emplace_back("AIFlow-Dropped-Bytes", std::to_string(dropped));
  }
  const FieldDescriptor* data = shape.data;
  answer.bytes = Bytes{
      until - from, std::clamp<int64_t>(dropped - from, 0, until - from),
      [=, begin = std::move(begin)](int64_t first, int64_t last,
                                    const std::function<bool(std::string_view)>& take) -> Status {
        SetNumber("begin_byte", from + first, ask.get());
        SetNumber("end_byte", from + last, ask.get());
        const auto call = begin(*ask);
        for (int64_t left = last - first; left > 0;) {
          switch (call->Receive(chunk.get(), kChunkPatience)) {
            case GrpcCall::Received::kNothingYet:
              return {Code::kDeadlineExceeded, "the file cannot be read now"};
            case GrpcCall::Received::kEnd:
              if (Status outcome = call->outcome(); !outcome.ok()) return outcome;
              return {Code::kDataLoss, "the file became shorter while it was read"};
            case GrpcCall::Received::kMessage: break;
          }
          std::string scratch;
          const std::string& bytes =
              chunk->GetReflection()->GetStringReference(*chunk, data, &scratch);
          const auto count = static_cast<int64_t>(bytes.size());
          if (Number(*chunk, "next_byte") != from + last - left + count) {
            return {Code::kDataLoss, "the head of the file was dropped while it was read"};
          }
          if (!take(bytes)) return {Code::kCancelled, "the reader is gone"};
          left -= count;
        }
        return Status::Ok();
      }};
  return answer;
}

}  // namespace aiflow::api::rest
