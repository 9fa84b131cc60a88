#include "cli/workflow_request.h"

#include <algorithm>

#include "cli/param_text.h"
#include "model/spec_json.h"

namespace aiflow::cli {

v1::WorkflowRequest WorkflowRequestFor(const std::string& ns, const std::string& name) {
  v1::WorkflowRequest request;
  request.set_namespace_(ns);
  request.set_name(name);
  request.set_request_id(Session::NewId());
  return request;
}

std::vector<std::string> WorkflowNames(Client& client, const std::string& ns) {
  constexpr size_t kMaxNames = 10'000;
  std::vector<std::string> names;
  v1::ListWorkflowsRequest request;
  request.set_namespace_(ns);
  (void)client.ListWorkflows(request, [&names](const Page<v1::Workflow>& page) {
    for (const v1::Workflow& workflow : page) names.push_back(workflow.name());
    return names.size() < kMaxNames;
  });
  return names;
}

int FailForWorkflow(Session& session, Client& client, const std::string& ns,
                    const std::string& name, const Status& status) {
  std::vector<std::string> names;
  if (status.code() == Code::kNotFound) {
    names = WorkflowNames(client, ns);
  }
  // The name is right: something else was not found.
  if (std::find(names.begin(), names.end(), name) != names.end()) names.clear();
  return session.Fail(status, name, names);
}

int FailForNamespace(Session& session, Client& client, const std::string& name,
                     const Status& status) {
  std::vector<std::string> names;
  if (status.code() == Code::kNotFound) {
    if (const auto namespaces = client.ListNamespaces()) {
      for (const v1::Namespace& ns : *namespaces) names.push_back(ns.name());
    }
  }
  return session.Fail(status, name, names);
}

Result<std::vector<ParamSpec>> DeclaredParams(Client& client, const std::string& ns,
                                              const std::string& name) {
  v1::GetWorkflowRequest request;
  request.set_namespace_(ns);
  request.set_name(name);
  const auto workflow = client.GetWorkflow(request);
  if (!workflow) return Error(workflow.error());
  if (workflow->spec_json().empty()) {
    return Error(Code::kFailedPrecondition, "workflow " + ns + "." + name +
                                                " was uploaded by an old client: it declares no "
                                                "parameters");
  }
  Result<WorkflowSpec> spec = ParseWorkflowSpec(workflow->spec_json());
  if (!spec) return Error(spec.error());
  return std::move(spec->params);
}

Result<std::string> ParamsFor(Client& client, const std::string& ns, const std::string& name,
                              const std::vector<std::string>& words) {
  if (words.empty()) return std::string();
  const auto params = DeclaredParams(client, ns, name);
  if (!params) return Error(params.error());
  return ParamsJson(*params, words);
}

}  // namespace aiflow::cli
