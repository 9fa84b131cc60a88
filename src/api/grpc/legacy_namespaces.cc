#include <string>

#include "api/grpc/legacy_list.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"
#include "api/grpc/v1_convert.h"
#include "model/event_keys.h"

namespace aiflow::api {
namespace {

void Fill(const NamespaceRow& row, ai_flow::NamespaceProto* proto) {
  proto->set_name(row.name);
  PropertiesToProto(row.properties_json, proto->mutable_properties());
}

Status FillNamespace(const Queries& queries, const std::string& name, ai_flow::Response* response) {
  return FillLegacyFound(queries.GetNamespace(name), response,
                         [](const NamespaceRow& row) -> Result<ai_flow::NamespaceProto> {
                           ai_flow::NamespaceProto proto;
                           Fill(row, &proto);
                           return proto;
                         });
}

Status Unchanged(const Status& status) { return status; }

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addNamespace(
    grpc::CallbackServerContext* context, const ai_flow::NamespaceProto* request,
    ai_flow::Response* response) {
  const AddNamespace add{request->name(), PropertiesToJson(request->properties())};
  return SubmitLegacy(context, backend_, add, Unchanged, response,
                      [this, request](const ReplyRow&, ai_flow::Response* filled) {
                        return FillNamespace(backend_.queries, request->name(), filled);
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getNamespace(
    grpc::CallbackServerContext* context, const ai_flow::NameRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(context, FillNamespace(backend_.queries, request->name(), response),
                      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::updateNamespace(
    grpc::CallbackServerContext* context, const ai_flow::NamespaceProto* request,
    ai_flow::Response* response) {
  const UpdateNamespace update{request->name(), PropertiesToJson(request->properties())};
  return SubmitLegacy(context, backend_, update,
                      WhenNotFound(Code::kNotFound, "resource_does_not_exist"), response,
                      [this, request](const ReplyRow&, ai_flow::Response* filled) {
                        return FillNamespace(backend_.queries, request->name(), filled);
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listNamespaces(
    grpc::CallbackServerContext* context, const ai_flow::ListRequest* request,
    ai_flow::Response* response) {
  return FinishLegacyList<ai_flow::NamespaceListProto>(
      context, backend_.queries.ListNamespaces(LegacyPage(request->page_size(), request->offset())),
      response, [](const NamespaceRow& row, ai_flow::NamespaceListProto* list) {
        Fill(row, list->add_namespaces());
        return Status::Ok();
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteNamespace(
    grpc::CallbackServerContext* context, const ai_flow::NameRequest* request,
    ai_flow::Response* response) {
  const auto errors = [name = request->name()](const Status& status) {
    if (status.code() == Code::kNotFound) {
      return Status(Code::kNotFound, "Namespace " + name + " not exists.");
    }
    if (status.code() == Code::kFailedPrecondition && name != kDefaultNamespace) {
      return Status(status.code(),
                    "Namespace: " + name + " is not empty, please remove all its workflows first.");
    }
    return status;
  };
  return SubmitLegacy(context, backend_, DeleteNamespace{request->name()}, errors, response);
}

}  // namespace aiflow::api
