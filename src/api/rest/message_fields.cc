#include "api/rest/message_fields.h"

#include <google/protobuf/descriptor.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "api/text_lines.h"
#include "base/nearest.h"

namespace aiflow::api::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Status Refuse(std::string_view path, const std::string& what) {
  return {Code::kInvalidArgument, "parameter " + std::string(path) + " " + what};
}

template <typename Number>
std::optional<Number> NumberOf(const std::string& text) {
  Number number{};
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last) return std::nullopt;
  return number;
}

std::string Unknown(std::string_view name, const Descriptor& message) {
  return "is unknown here" + DidYouMean(name, message);
}

/// Sets or adds, as the field wants it.
template <typename Value, typename Setter, typename Adder>
void Put(const FieldDescriptor& field, Message* message, Value value, Setter set, Adder add) {
  const Reflection* reflection = message->GetReflection();
  if (field.is_repeated()) {
    (reflection->*add)(message, &field, std::move(value));
  } else {
    (reflection->*set)(message, &field, std::move(value));
  }
}

template <typename Number, typename Setter, typename Adder>
Status PutNumber(std::string_view path, const std::string& text, const FieldDescriptor& field,
                 Message* message, Setter set, Adder add) {
  const std::optional<Number> number = NumberOf<Number>(text);
  if (!number.has_value()) {
    return Refuse(
        path, "must be a whole number of " + std::to_string(sizeof(Number) * 8) + " bits: " + text);
  }
  Put(field, message, *number, set, add);
  return Status::Ok();
}

Status PutText(std::string_view path, const std::string& text, const FieldDescriptor& field,
               Message* message) {
  if (!IsUtf8(text)) return Refuse(path, "is not UTF-8");
  Put(field, message, text, &Reflection::SetString, &Reflection::AddString);
  return Status::Ok();
}

Status PutBool(std::string_view path, const std::string& text, const FieldDescriptor& field,
               Message* message) {
  if (text != "true" && text != "false") return Refuse(path, "must be true or false: " + text);
  Put(field, message, text == "true", &Reflection::SetBool, &Reflection::AddBool);
  return Status::Ok();
}

Status PutScalar(std::string_view path, const std::string& text, const FieldDescriptor& field,
                 Message* message) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return PutNumber<int32_t>(path, text, field, message, &Reflection::SetInt32,
                                &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return PutNumber<int64_t>(path, text, field, message, &Reflection::SetInt64,
                                &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return PutNumber<uint32_t>(path, text, field, message, &Reflection::SetUInt32,
                                 &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return PutNumber<uint64_t>(path, text, field, message, &Reflection::SetUInt64,
                                 &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_BOOL: return PutBool(path, text, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) break;
      return PutText(path, text, field, message);
    default: break;
  }
  return Refuse(path, "can only be given in the body");
}

}  // namespace

std::string DidYouMean(std::string_view name, const Descriptor& message) {
  std::vector<std::string> known;
  for (int i = 0; i < message.field_count(); ++i) {
    known.push_back(message.field(i)->name());
    // "params" for "params_json".
    if (!name.empty() && known.back().starts_with(std::string(name) + "_")) {
      return "; did you mean " + known.back() + "?";
    }
  }
  const std::string nearest = Nearest(name, known);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

Status SetField(std::string_view path, const std::string& value, Message* message) {
  std::string_view rest = path;
  for (;;) {
    const size_t dot = rest.find('.');
    const std::string name(rest.substr(0, dot));
    const Descriptor& type = *message->GetDescriptor();
    const FieldDescriptor* field = type.FindFieldByName(name);
    if (field == nullptr) return Refuse(path, Unknown(name, type));
    const Reflection& reflection = *message->GetReflection();
    if (dot == std::string_view::npos) {
      // No field of the contract has presence and a meaning of "given, but empty".
      if (!field->is_repeated() && reflection.HasField(*message, field)) {
        return Refuse(path, "is given twice");
      }
      return PutScalar(path, value, *field, message);
    }
    if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return Refuse(path, "is unknown here");
    }
    message = reflection.MutableMessage(message, field);
    rest.remove_prefix(dot + 1);
  }
}

const FieldDescriptor* KeyField(const Descriptor& request) {
  const FieldDescriptor* request_id = request.FindFieldByName("request_id");
  return request_id != nullptr ? request_id : request.FindFieldByName("event_id");
}

}  // namespace aiflow::api::rest
