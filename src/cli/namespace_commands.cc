#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct AddArgs {
  std::string name;
  std::string properties;
};
struct ShowArgs {
  std::string name;
  std::string format;
};
struct DeleteArgs {
  std::string name;
  bool cascade = false;
  bool yes = false;
};
struct ListArgs {
  std::string format;
};

// The properties of a namespace from a JSON object of strings.
Status ParseProperties(const std::string& text,
                       google::protobuf::Map<std::string, std::string>* properties) {
  if (text.empty()) return Status::Ok();
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return {Code::kInvalidArgument, "--properties: not a JSON object: " + text};
  }
  for (const auto& [key, value] : json.items()) {
    (*properties)[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return Status::Ok();
}

std::string FormatProperties(const google::protobuf::Map<std::string, std::string>& properties) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, value] : properties) json[key] = value;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The request to make or change a namespace.
template <typename Request>
Result<Request> RequestOf(const AddArgs& args) {
  Request request;
  request.set_name(args.name);
  request.set_request_id(Session::NewId());
  if (Status status = ParseProperties(args.properties, request.mutable_properties());
      !status.ok()) {
    return Error(std::move(status));
  }
  return request;
}

int RunAdd(Session& session, const AddArgs& args) {
  const auto request = RequestOf<v1::AddNamespaceRequest>(args);
  if (!request) {
    session.Fail(request.error());
    return kExitUsage;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto added = (*client)->AddNamespace(*request);
  if (!added && added.error().code() == Code::kAlreadyExists) {
    return session.Fail(
        Status(Code::kAlreadyExists, "Namespace: " + args.name + " already exists"));
  }
  if (!added) return session.Fail(added.error());
  session.output().Line("Namespace: " + args.name + ", created.");
  return kExitOk;
}

int RunUpdate(Session& session, const AddArgs& args) {
  const auto request = RequestOf<v1::UpdateNamespaceRequest>(args);
  if (!request) {
    session.Fail(request.error());
    return kExitUsage;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto updated = (*client)->UpdateNamespace(*request);
  if (!updated) return FailForNamespace(session, **client, args.name, updated.error());
  session.output().Line("Namespace: " + args.name + ", updated.");
  return kExitOk;
}

Table NamespaceTable() { return {.columns = {"name", "properties"}, .rows = {}}; }

Table::Row ToRow(const v1::Namespace& ns) { return {ns.name(), FormatProperties(ns.properties())}; }

int RunShow(Session& session, const ShowArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::GetNamespaceRequest request;
  request.set_name(args.name);
  const auto found = (*client)->GetNamespace(request);
  if (!found) {
    const bool missing = found.error().code() == Code::kNotFound;
    return FailForNamespace(
        session, **client, args.name,
        missing ? Status(Code::kNotFound, "No such namespace.") : found.error());
  }
  Table table = NamespaceTable();
  table.rows.push_back(ToRow(*found));
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunDelete(Session& session, const DeleteArgs& args) {
  const std::string what =
      args.name + (args.cascade ? " with all its workflows and their executions" : "");
  if (!session.Confirm("Delete the namespace " + what + "?", args.yes)) return kExitError;
  v1::DeleteNamespaceRequest request;
  request.set_name(args.name);
  request.set_cascade(args.cascade);
  request.set_request_id(Session::NewId());
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const Status status = [&] {
    const Progress progress(session.output().terminal(), "Deleting");
    return (*client)->DeleteNamespace(request);
  }();
  if (!status.ok()) {
    return FailForNamespace(session, **client, args.name, status);
  }
  session.output().Line("Namespace: " + args.name + ", deleted.");
  return kExitOk;
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  auto namespaces = (*client)->ListNamespaces();
  if (!namespaces) return session.Fail(namespaces.error());
  std::sort(namespaces->begin(), namespaces->end(),
            [](const v1::Namespace& a, const v1::Namespace& b) { return a.name() < b.name(); });
  Table table = NamespaceTable();
  for (const v1::Namespace& ns : *namespaces) table.rows.push_back(ToRow(ns));
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

}  // namespace

void AddNamespaceCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "namespace", "Namespaces of workflows and events");
  AddCommand<AddArgs>(
      group, slot, "add", "Create a namespace",
      [](CLI::App& command, AddArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        command.add_option("--properties", args.properties, "JSON object of its properties");
      },
      RunAdd);
  AddCommand<DeleteArgs>(
      group, slot, "delete", "Delete a namespace",
      [](CLI::App& command, DeleteArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        command.add_flag("--cascade", args.cascade,
                         "With its workflows and all they own; else it must be empty");
        AddYesOption(command, args.yes);
      },
      RunDelete);
  AddCommand<ListArgs>(
      group, slot, "list", "List the namespaces",
      [](CLI::App& command, ListArgs& args) { AddFormatOption(command, args.format); }, RunList);
  AddCommand<ShowArgs>(
      group, slot, "show", "Show a namespace",
      [](CLI::App& command, ShowArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        AddFormatOption(command, args.format);
      },
      RunShow);
  AddCommand<AddArgs>(
      group, slot, "update", "Replace the properties of a namespace",
      [](CLI::App& command, AddArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        command.add_option("--properties", args.properties, "JSON object of all its properties")
            ->required();
      },
      RunUpdate);
}

}  // namespace aiflow::cli
