#include "cli/compile.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "cli/process.h"
#include "model/base64.h"
#include "model/limits.h"
#include "model/spec_json.h"
#include "yaml/workflow_yaml.h"

namespace aiflow::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::minutes kCompileLimit{5};

// What a failed compiler said, as one paragraph.
std::string Paragraph(const std::string& text) {
  std::string paragraph;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (!paragraph.empty()) paragraph += '\n';
    paragraph += line;
  }
  return paragraph;
}

Result<std::string> ReadText(const fs::path& file) {
  std::error_code failed;
  const uintmax_t size = fs::file_size(file, failed);
  if (!failed && size > limits::kMaxSpecBytes) {
    return Error(Code::kInvalidArgument, file.string() + ": " + std::to_string(size) +
                                             " bytes are over the limit of " +
                                             std::to_string(limits::kMaxSpecBytes));
  }
  std::string text(failed ? 0 : size, '\0');
  std::ifstream stream(file, std::ios::binary);
  if (failed || !stream.read(text.data(), static_cast<std::streamsize>(size))) {
    return Error(Code::kInvalidArgument, file.string() + ": cannot be read");
  }
  return text;
}

// Files that say what a workflow is, without code that would have to run.
Result<CompiledWorkflows> ReadDeclared(const fs::path& file) {
  const Result<std::string> text = ReadText(file);
  if (!text) return Error(text.error());
  Result<std::vector<WorkflowSpec>> specs;
  if (file.extension() == ".json") {
    auto spec = ParseWorkflowSpec(*text);
    if (!spec) return Error(spec.error().code(), file.string() + ": " + spec.error().message());
    specs->push_back(*std::move(spec));
  } else {
    specs = yaml::ParseValidWorkflows(*text, file.string());
    if (!specs) return Error(specs.error());
  }
  CompiledWorkflows compiled;
  for (const WorkflowSpec& spec : *specs) {
    ::aiflow::v1::WorkflowUpload& upload = compiled.workflows.emplace_back();
    upload.set_spec_json(FormatWorkflowSpec(spec));
    upload.set_content(*text);
  }
  return compiled;
}

tl::unexpected<Status> Malformed(const std::string& why) {
  return Error(Code::kInvalidArgument,
               "the compiler printed something else than workflows: " + why);
}

}  // namespace

std::string PythonInterpreter(const Environment& environment, const fs::path& executable) {
  if (const auto python = environment("AIFLOW_PYTHON")) return *python;
  if (const auto venv = environment("VIRTUAL_ENV"))
    return (fs::path(*venv) / "bin/python").string();
  // <checkout>/build/<preset>/bin/aiflow
  const fs::path checkout = executable.parent_path().parent_path().parent_path().parent_path();
  const fs::path python = checkout / ".venv/bin/python";
  std::error_code none;
  return fs::exists(python, none) ? python.string() : "python3";
}

Result<CompiledWorkflows> CompileWorkflowFile(const fs::path& file, const std::string& python) {
  std::error_code failed;
  if (fs::is_directory(file, failed)) {
    return Error(Code::kInvalidArgument,
                 file.string() +
                     ": is a directory; name the workflow file in it, and with -f the files and "
                     "directories that the workflow needs beside it");
  }
  if (!fs::is_regular_file(file, failed)) {
    return Error(Code::kNotFound, file.string() + ": there is no such file");
  }
  const std::string extension = file.extension().string();
  if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
    return ReadDeclared(file);
  }
  const std::string path = fs::absolute(file).string();
  std::vector<std::string> command;
  if (file.extension() == ".py") {
    command = {python, "-m", "ai_flow.host", "compile", path};
  } else if (access(path.c_str(), X_OK) == 0) {
    command = {path, "--aiflow-compile"};
  } else {
    return Error(Code::kInvalidArgument,
                 file.string() +
                     " is no workflow file: neither Python (.py), YAML (.yaml, .yml), a "
                     "specification (.json) nor an executable program");
  }
  const Result<ProcessOutput> output = RunProcess(command, kCompileLimit);
  if (!output) {
    return Error(
        output.error().code(),
        "cannot compile " + file.string() + ": " + output.error().message() +
            (file.extension() == ".py" ? "; set AIFLOW_PYTHON to a Python that has ai_flow" : ""));
  }
  if (output->exit_code != 0) {
    std::string reason = Paragraph(output->err);
    if (reason.empty()) reason = "it ended with exit code " + std::to_string(output->exit_code);
    // The compiler names the file, too.
    for (const std::string& name : {path + ": ", file.string() + ": "}) {
      if (reason.starts_with(name)) reason.erase(0, name.size());
    }
    return Error(Code::kInvalidArgument, "cannot compile " + file.string() + ": " + reason);
  }
  Result<CompiledWorkflows> compiled = ParseCompilerOutput(output->out);
  if (!compiled) {
    return Error(compiled.error().code(),
                 "cannot compile " + file.string() + ": " + compiled.error().message());
  }
  return compiled;
}

Result<CompiledWorkflows> ParseCompilerOutput(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed("not a JSON object");
  const auto workflows = json.find("workflows");
  if (workflows == json.end() || !workflows->is_array()) return Malformed("no list 'workflows'");
  CompiledWorkflows compiled;
  for (const nlohmann::json& workflow : *workflows) {
    if (!workflow.is_object() || !workflow.contains("spec")) return Malformed("no 'spec'");
    ::aiflow::v1::WorkflowUpload& upload = compiled.workflows.emplace_back();
    upload.set_spec_json(
        workflow["spec"].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (const auto content = workflow.find("content");
        content != workflow.end() && content->is_string()) {
      upload.set_content(content->get<std::string>());
    }
    if (const auto pickled = workflow.find("pickled_workflow");
        pickled != workflow.end() && pickled->is_string()) {
      const auto bytes = Base64Decode(pickled->get_ref<const std::string&>());
      if (!bytes) return Malformed("'pickled_workflow' is not base64");
      upload.set_pickled_workflow(*bytes);
    }
  }
  if (const auto warnings = json.find("warnings"); warnings != json.end() && warnings->is_array()) {
    for (const nlohmann::json& warning : *warnings) {
      if (warning.is_string()) compiled.warnings.push_back(warning.get<std::string>());
    }
  }
  if (compiled.workflows.empty()) {
    return Error(Code::kInvalidArgument, "the file defines no workflow");
  }
  return compiled;
}

}  // namespace aiflow::cli
