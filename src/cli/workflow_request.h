#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "model/workflow_spec.h"

/// What commands about one workflow have in common.
namespace aiflow::cli {

/// A request that changes something of the workflow, with an id of its own.
v1::WorkflowRequest WorkflowRequestFor(const std::string& ns, const std::string& name);

/// Names of the workflows of the namespace, or of all when it is empty; none when the server does
/// not tell. At most some ten thousand.
std::vector<std::string> WorkflowNames(Client& client, const std::string& ns);

/// Prints the error, with the workflow of the namespace that was perhaps meant when there is no
/// such workflow, and returns the exit code.
int FailForWorkflow(Session& session, Client& client, const std::string& ns,
                    const std::string& name, const Status& status);

/// The same for a namespace.
int FailForNamespace(Session& session, Client& client, const std::string& name,
                     const Status& status);

/// The parameters that the latest snapshot of a workflow declares. Errors are the server's.
Result<std::vector<ParamSpec>> DeclaredParams(Client& client, const std::string& ns,
                                              const std::string& name);

/// The parameters that the words NAME=VALUE give to a workflow, as a JSON object: each is read by
/// its declared type. No words: empty, and the server is not asked. kInvalidArgument names the word
/// that is wrong; other errors are the server's.
Result<std::string> ParamsFor(Client& client, const std::string& ns, const std::string& name,
                              const std::vector<std::string>& words);

}  // namespace aiflow::cli
