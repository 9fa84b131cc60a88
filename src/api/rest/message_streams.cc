#include "api/rest/message_streams.h"

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <utility>

#include "api/rest/json_message.h"
#include "api/text_lines.h"

namespace aiflow::api::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

/// A field of that name and kind; nullptr without one.
const FieldDescriptor* Find(const Descriptor& type, const std::string& name,
                            FieldDescriptor::Type kind) {
  const FieldDescriptor* field = type.FindFieldByName(name);
  return field != nullptr && field->type() == kind && !field->is_repeated() ? field : nullptr;
}

void AddEvent(std::string_view name, const std::string& id, std::string_view data,
              std::string* text) {
  if (!name.empty()) text->append("event: ").append(name).append("\n");
  if (!id.empty()) text->append("id: ").append(id).append("\n");
  ForEachLine(data,
              [text](std::string_view line) { text->append("data: ").append(line).append("\n"); });
  text->append("\n");
}

class EventStream final : public TextStream {
 public:
  EventStream(std::unique_ptr<GrpcCall> call, const MethodDescriptor& method)
      : call_(std::move(call)),
        shape_(StreamShape::Of(method)),
        message_(MessageFactory::generated_factory()->GetPrototype(method.output_type())->New()) {}

  Next Read(std::string* text, std::chrono::milliseconds patience) override {
    text->clear();
    switch (call_->Receive(message_.get(), patience)) {
      case GrpcCall::Received::kNothingYet: return Next::kNothingYet;
      case GrpcCall::Received::kMessage:
        if (const Status status = Add(text); !status.ok()) return End(status, text);
        return Next::kText;
      case GrpcCall::Received::kEnd: break;
    }
    return End(call_->outcome(), text);
  }

  [[nodiscard]] Status outcome() const override { return call_->outcome(); }
  void Cancel() override { call_->Cancel(); }

 private:
  Next End(const Status& outcome, std::string* text) {
    if (outcome.ok()) {
      if (shape_.data != nullptr) AddText(/*last=*/true, text);
      AddEvent("end", "", "{}", text);
    } else {
      AddEvent("error", "", ErrorJson(outcome), text);
    }
    return Next::kEnd;
  }

  Status Add(std::string* text) {
    const google::protobuf::Reflection& reflection = *message_->GetReflection();
    if (shape_.data != nullptr) {
      pending_.append(reflection.GetString(*message_, shape_.data));
      place_ = reflection.GetInt64(*message_, shape_.next_byte);
      AddText(/*last=*/false, text);
      return Status::Ok();
    }
    if (shape_.elements == nullptr) return AddMessage(*message_, "", text);
    for (int i = 0; i < reflection.FieldSize(*message_, shape_.elements); ++i) {
      const Message& element = reflection.GetRepeatedMessage(*message_, shape_.elements, i);
      const std::string id =
          shape_.offset == nullptr
              ? std::string()
              : std::to_string(element.GetReflection()->GetInt64(element, shape_.offset));
      AIFLOW_RETURN_IF_ERROR(AddMessage(element, id, text));
    }
    return Status::Ok();
  }

  static Status AddMessage(const Message& message, const std::string& id, std::string* text) {
    const Result<std::string> json = ToJson(message);
    if (!json.has_value()) return json.error();
    AddEvent("", id, *json, text);
    return Status::Ok();
  }

  /// Whole characters only: those that a message cut come with the next one. So do the lines: a
  /// reader joins the data of an event by newlines, so an event ends at the end of a line, and the
  /// rest waits; unless it is the last or too long to be kept.
  void AddText(bool last, std::string* text) {
    constexpr size_t kLongestLine = 64 << 10;
    size_t whole = pending_.size();
    if (!last) {
      const size_t newline = pending_.rfind('\n');
      if (newline != std::string::npos) {
        whole = newline + 1;
      } else if (pending_.size() < kLongestLine) {
        return;
      }
    }
    if (whole == 0) return;
    const std::string_view data = std::string_view(pending_).substr(0, whole);
    const std::string id = std::to_string(place_ - static_cast<int64_t>(pending_.size() - whole));
    AddEvent("", id, ReplaceBadText(data.ends_with("\n") ? data.substr(0, whole - 1) : data), text);
    pending_.erase(0, whole);
  }

  const std::unique_ptr<GrpcCall> call_;
  const StreamShape shape_;
  const std::unique_ptr<Message> message_;
  std::string pending_;  // bytes that end no line yet
  int64_t place_ = 0;    // behind them
};

class ByteStream final : public TextStream {
 public:
  ByteStream(std::unique_ptr<GrpcCall> call, const MethodDescriptor& method)
      : call_(std::move(call)),
        data_(StreamShape::Of(method).data),
        message_(MessageFactory::generated_factory()->GetPrototype(method.output_type())->New()) {}

  Next Read(std::string* text, std::chrono::milliseconds patience) override {
    text->clear();
    switch (call_->Receive(message_.get(), patience)) {
      case GrpcCall::Received::kNothingYet: return Next::kNothingYet;
      case GrpcCall::Received::kEnd: return Next::kEnd;
      case GrpcCall::Received::kMessage: break;
    }
    *text = message_->GetReflection()->GetString(*message_, data_);
    return Next::kText;
  }
  [[nodiscard]] Status outcome() const override { return call_->outcome(); }
  void Cancel() override { call_->Cancel(); }

 private:
  const std::unique_ptr<GrpcCall> call_;
  const FieldDescriptor* const data_;
  const std::unique_ptr<Message> message_;
};

}  // namespace

StreamShape StreamShape::Of(const MethodDescriptor& method) {
  StreamShape shape;
  const Descriptor& request = *method.input_type();
  const Descriptor& response = *method.output_type();
  shape.data = Find(response, "data", FieldDescriptor::TYPE_BYTES);
  shape.next_byte = Find(response, "next_byte", FieldDescriptor::TYPE_INT64);
  if (shape.data != nullptr && shape.next_byte != nullptr) {
    shape.resume = Find(request, "begin_byte", FieldDescriptor::TYPE_INT64);
    shape.text = Find(request, "follow", FieldDescriptor::TYPE_BOOL) != nullptr;
    return shape;
  }
  shape.data = nullptr;
  if (response.field_count() == 1 && response.field(0)->is_repeated() &&
      response.field(0)->type() == FieldDescriptor::TYPE_MESSAGE) {
    shape.elements = response.field(0);
    shape.offset = Find(*shape.elements->message_type(), "offset", FieldDescriptor::TYPE_INT64);
  }
  shape.resume = Find(request, "after_offset", FieldDescriptor::TYPE_INT64);
  return shape;
}

std::unique_ptr<TextStream> NewEventStream(std::unique_ptr<GrpcCall> call,
                                           const MethodDescriptor& method) {
  return std::make_unique<EventStream>(std::move(call), method);
}

std::unique_ptr<TextStream> NewByteStream(std::unique_ptr<GrpcCall> call,
                                          const MethodDescriptor& method) {
  return std::make_unique<ByteStream>(std::move(call), method);
}

}  // namespace aiflow::api::rest
