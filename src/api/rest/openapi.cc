#include "api/rest/openapi.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "api/rest/message_fields.h"
#include "api/rest/message_streams.h"
#include "api/rest/proto_comments.h"
#include "model/limits.h"

namespace aiflow::api::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using Json = nlohmann::ordered_json;

/// Where a schema stands: what a client sends may leave members out, what it gets has all.
enum class Side { kRequest, kAnswer, kParameter };

class Document {
 public:
  explicit Document(const Routes& routes) {
    json_["openapi"] = "3.0.3";
    json_["info"] = {{"title", "AIFlow"},
                     {"version", "v1"},
                     {"description",
                      "The REST API of the AIFlow server. 64-bit numbers are strings in JSON; "
                      "times are epoch milliseconds."},
                     {"license", {{"name", "Apache-2.0"}}}};
    json_["servers"] = {{{"url", "/"}}};
    Json& paths = json_["paths"] = Json::object();
    for (const Route& route : routes.all()) {
      std::string verb = route.http_method;
      std::transform(verb.begin(), verb.end(), verb.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      paths[route.path.shown()][verb] = Operation(route);
    }
    AddErrorSchema();
    json_["components"]["schemas"] = std::move(schemas_);
    json_["components"]["securitySchemes"]["token"] = {
        {"type", "http"},
        {"scheme", "bearer"},
        {"description",
         "A token of `aiflow token add`. The server's own user needs none on the server's "
         "machine."}};
    json_["security"] = {Json::object(), {{"token", Json::array()}}};
  }

  [[nodiscard]] std::string Text() const { return json_.dump(1) + "\n"; }

 private:
  Json Operation(const Route& route);
  Json Parameters(const Route& route);
  Json RequestBody(const Route& route);
  Json Answers(const Route& route);
  Json FieldSchema(const FieldDescriptor& field, Side side);
  Json ScalarSchema(const FieldDescriptor& field, Side side);
  Json Properties(const Descriptor& message, Side side, const std::set<std::string>& without);
  /// A reference; adds the schema when it is not there yet.
  Json Reference(const Descriptor& message, Side side);
  void AddErrorSchema();

  Json json_;
  Json schemas_ = Json::object();
};

void Describe(const std::string& text, Json* json) {
  if (!text.empty()) (*json)["description"] = text;
}

Json Document::ScalarSchema(const FieldDescriptor& field, Side side) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_BOOL: return {{"type", "boolean"}};
    case FieldDescriptor::TYPE_INT32: return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::TYPE_INT64:
      if (side == Side::kParameter) return {{"type", "integer"}, {"format", "int64"}};
      return {{"type", "string"}, {"format", "int64"}, {"pattern", "^-?[0-9]{1,19}$"}};
    case FieldDescriptor::TYPE_BYTES: return {{"type", "string"}, {"format", "byte"}};
    default: return {{"type", "string"}};
  }
}

Json Document::FieldSchema(const FieldDescriptor& field, Side side) {
  Json schema;
  if (field.is_map()) {
    schema = {{"type", "object"},
              {"additionalProperties", ScalarSchema(*field.message_type()->map_value(), side)}};
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    schema = Reference(*field.message_type(), side);
  } else {
    schema = ScalarSchema(field, side);
  }
  if (field.is_repeated() && !field.is_map()) schema = {{"type", "array"}, {"items", schema}};
  // Beside a reference nothing else is looked at.
  if (!schema.contains("$ref")) Describe(CommentOf(field), &schema);
  return schema;
}

Json Document::Properties(const Descriptor& message, Side side,
                          const std::set<std::string>& without) {
  Json schema = {{"type", "object"}};
  Json& properties = schema["properties"] = Json::object();
  Json required = Json::array();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (without.contains(field.name())) continue;
    properties[field.name()] = FieldSchema(field, side);
    const bool always = field.is_repeated() || field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
    if (always) required.push_back(field.name());
  }
  if (side == Side::kRequest) {
    schema["additionalProperties"] = false;
  } else if (!required.empty()) {
    schema["required"] = std::move(required);
  }
  return schema;
}

Json Document::Reference(const Descriptor& message, Side side) {
  const std::string name = message.name() + (side == Side::kRequest ? "Input" : "");
  if (!schemas_.contains(name)) {
    schemas_[name] = nullptr;  // a message may hold itself
    Json schema = Properties(message, side, {});
    Describe(CommentOf(message), &schema);
    schemas_[name] = std::move(schema);
  }
  return {{"$ref", "#/components/schemas/" + name}};
}

Json Document::Parameters(const Route& route) {
  Json parameters = Json::array();
  const Descriptor& request = *route.method->input_type();
  const std::vector<std::string> in_path = route.path.fields();
  for (const std::string& name : in_path) {
    const FieldDescriptor& field = *request.FindFieldByName(name);
    Json schema = ScalarSchema(field, Side::kParameter);
    if (schema["type"] == "string") schema["minLength"] = 1;
    Json parameter = {{"name", name}, {"in", "path"}, {"required", true}, {"schema", schema}};
    Describe(CommentOf(field), &parameter);
    parameters.push_back(std::move(parameter));
  }
  if (KeyField(request) != nullptr && !route.method->client_streaming()) {
    parameters.push_back(
        {{"name", "Idempotency-Key"},
         {"in", "header"},
         {"schema", {{"type", "string"}, {"maxLength", limits::kMaxEventUuidBytes}}},
         {"description", "A call that is repeated with the same key is carried out once."}});
  }
  const StreamShape shape = StreamShape::Of(*route.method);
  if (route.method->server_streaming() && shape.resume != nullptr) {
    parameters.push_back({{"name", "Last-Event-ID"},
                          {"in", "header"},
                          {"schema", {{"type", "string"}, {"pattern", "^[0-9]{1,18}$"}}},
                          {"description",
                           "The id of the last event that was seen: the stream "
                           "goes on behind it."}});
  }
  if (route.method->server_streaming() && shape.data != nullptr) {
    parameters.push_back({{"name", "Range"},
                          {"in", "header"},
                          {"schema", {{"type", "string"}, {"pattern", "^bytes=[0-9]{1,18}-$"}}},
                          {"description",
                           "A part of the file, as in RFC 9110: `bytes=0-99`, `bytes=100-` or "
                           "`bytes=-100`. Several parts at once are answered with the whole."}});
  }
  if (route.body == "*") return parameters;
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    const bool taken = std::find(in_path.begin(), in_path.end(), field.name()) != in_path.end() ||
                       field.name() == route.body || field.type() == FieldDescriptor::TYPE_BYTES ||
                       field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (taken) continue;
    Json schema = ScalarSchema(field, Side::kParameter);
    if (field.is_repeated()) schema = {{"type", "array"}, {"items", schema}};
    Json parameter = {{"name", field.name()}, {"in", "query"}, {"schema", schema}};
    Describe(CommentOf(field), &parameter);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Json Document::RequestBody(const Route& route) {
  const Descriptor& request = *route.method->input_type();
  if (route.method->client_streaming()) {
    Reference(request, Side::kRequest);
    return {{"required", true},
            {"description", "One JSON object per line: " + request.name() + "Input."},
            {"content", {{"application/x-ndjson", {{"schema", {{"type", "string"}}}}}}}};
  }
  Json schema;
  if (route.body == "*") {
    const std::vector<std::string> in_path = route.path.fields();
    schema = Properties(request, Side::kRequest, {in_path.begin(), in_path.end()});
  } else {
    schema = Reference(*request.FindFieldByName(route.body)->message_type(), Side::kRequest);
  }
  return {{"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

Json Failure(const char* description) {
  return {
      {"description", description},
      {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
}

Json Document::Answers(const Route& route) {
  const MethodDescriptor& method = *route.method;
  Json content;
  if (!method.server_streaming()) {
    content["application/json"]["schema"] = Reference(*method.output_type(), Side::kAnswer);
  } else {
    const StreamShape shape = StreamShape::Of(method);
    if (shape.data != nullptr) {
      const std::string type = shape.text ? "text/plain" : "application/octet-stream";
      content[type]["schema"] = {{"type", "string"}, {"format", "binary"}};
    }
    Json& events = content["text/event-stream"]["schema"];
    events = {{"type", "string"}};
    if (shape.data == nullptr) {
      // The schema of what the data lines hold is there to be found.
      const Descriptor& told =
          shape.elements != nullptr ? *shape.elements->message_type() : *method.output_type();
      Reference(told, Side::kAnswer);
      events["description"] = "Server-sent events; each data is the JSON of a " + told.name() + ".";
    }
  }
  Json answers = {{"200", {{"description", "OK"}, {"content", content}}}};
  if (content.contains("application/octet-stream") || content.contains("text/plain")) {
    content.erase("text/event-stream");
    answers["206"] = {{"description", "The part that Range asks for."},
                      {"content", std::move(content)}};
    answers["416"] = Failure("The file has no such part; Content-Range tells its size.");
  }
  answers["401"] = Failure("A token is needed, or the one that came is not known.");
  answers["default"] = Failure("What went wrong.");
  return answers;
}

Json Document::Operation(const Route& route) {
  // /api/v1/RESOURCE/...
  std::string_view resource = route.path.shown();
  for (int i = 0; i < 3; ++i)
    resource.remove_prefix(std::min(resource.find('/') + 1, resource.size()));
  const std::string tag(resource.substr(0, resource.find('/')));
  Json operation = {{"operationId", route.method->name()}, {"tags", {tag}}};
  Describe(CommentOf(*route.method), &operation);
  operation["parameters"] = Parameters(route);
  if (!route.body.empty()) operation["requestBody"] = RequestBody(route);
  operation["responses"] = Answers(route);
  return operation;
}

void Document::AddErrorSchema() {
  schemas_["Error"] = {
      {"type", "object"},
      {"required", {"error"}},
      {"properties",
       {{"error",
         {{"type", "object"},
          {"required", {"code", "status", "message"}},
          {"properties",
           {{"code", {{"type", "integer"}, {"description", "The number of the gRPC status."}}},
            {"status", {{"type", "string"}, {"description", "Its name, as NOT_FOUND."}}},
            {"message", {{"type", "string"}}}}}}}}}};
}

}  // namespace

std::string OpenApiDocument(const Routes& routes) { return Document(routes).Text(); }

}  // namespace aiflow::api::rest
