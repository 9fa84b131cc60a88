#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "cli/list_printer.h"
#include "cli/reconnect.h"

namespace aiflow::cli {
namespace {

struct ListArgs {
  int64_t execution = 0;
  std::string format;
};
struct GetArgs {
  int64_t execution = 0;
  std::string path;
  std::string file;
};

Table::Row ToRow(const v1::Artifact& artifact) {
  return {artifact.path(), std::to_string(artifact.size()), TimeOrNone(artifact.update_time())};
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::ListArtifactsRequest request;
  request.set_execution_id(args.execution);
  const Table shape{.columns = {"path", "size", "update_time"}, .rows = {}};
  const Status status = PrintPages<v1::Artifact>(
      session, shape, {.format = args.format}, ToRow,
      [&](const auto& sink) { return (*client)->ListArtifacts(request, sink); });
  return status.ok() ? int{kExitOk} : session.Fail(status);
}

// Hands the file's bytes to `write`, across a restart of the server, until it returns false.
Status Read(Session& session, const GetArgs& args,
            const std::function<bool(std::string_view)>& write) {
  v1::ReadArtifactRequest request;
  request.set_execution_id(args.execution);
  request.set_path(args.path);
  Reconnect reconnect(session, "server");
  for (;;) {
    const Result<Client*> client = session.GetClient();
    if (!client) return client.error();
    const Status status = (*client)->ReadArtifact(request, [&](const v1::FileChunk& chunk) {
      reconnect.Alive();
      request.set_begin_byte(chunk.next_byte());
      return write(chunk.data());
    });
    const bool broken = status.code() == Code::kUnavailable && request.begin_byte() > 0;
    if (!broken || !reconnect.Wait()) return status;
  }
}

int RunGet(Session& session, const GetArgs& args) {
  if (args.file.empty() || args.file == "-") {
    const Status status = Read(session, args, [&](std::string_view bytes) {
      session.output().Raw(bytes);
      return true;
    });
    return status.ok() ? int{kExitOk} : session.Fail(status);
  }
  // Whole or not at all: a reader never finds half a file under the name.
  const std::filesystem::path part = args.file + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  const auto fail = [&](const std::string& what) {
    std::error_code ignored;
    const std::string reason = std::strerror(errno);
    std::filesystem::remove(part, ignored);
    return session.Fail(Status(Code::kFailedPrecondition, what + ": " + reason));
  };
  if (!file) return fail("cannot write " + part.string());
  const Status status = Read(session, args, [&file](std::string_view bytes) {
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.good();
  });
  file.close();
  if (!file) return fail("cannot write " + part.string());
  if (!status.ok()) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return session.Fail(status);
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(part, error);
  std::filesystem::rename(part, args.file, error);
  if (error) {
    errno = error.value();
    return fail("cannot write " + args.file);
  }
  session.output().Line("Artifact: " + args.path + ", " + std::to_string(size) +
                        " bytes, written to " + args.file + ".");
  return kExitOk;
}

void DeclareExecution(CLI::App& command, int64_t& execution) {
  command.add_option("EXECUTION", execution, "Id of the workflow execution")->required();
}

}  // namespace

void AddArtifactCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "artifact", "Files in the working directories of executions");
  AddCommand<GetArgs>(
      group, slot, "get", "Print a file of an execution, or write it to a file",
      [](CLI::App& command, GetArgs& args) {
        DeclareExecution(command, args.execution);
        command.add_option("PATH", args.path, "The file, as 'artifact list' names it")->required();
        command.add_option("-o,--output", args.file, "File to write; none or -: stdout");
      },
      RunGet);
  AddCommand<ListArgs>(
      group, slot, "list", "List the files of an execution",
      [](CLI::App& command, ListArgs& args) {
        DeclareExecution(command, args.execution);
        AddFormatOption(command, args.format);
      },
      RunList);
}

}  // namespace aiflow::cli
