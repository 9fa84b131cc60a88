#include "cli/upload.h"

#include <aiflow/v1/orchestrator.grpc.pb.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "cli/command_line.h"
#include "cli/temp_dir_for_test.h"
#include "storage/blob_store.h"

namespace aiflow::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Takes uploads as the server does: the digest must fit the bytes.
class FakeUploads : public v1::Orchestrator::Service {
 public:
  v1::UploadWorkflowsRequest::Header header;
  std::string bundle;

  grpc::Status UploadWorkflows(grpc::ServerContext*,
                               grpc::ServerReader<v1::UploadWorkflowsRequest>* reader,
                               v1::UploadWorkflowsResponse* response) override {
    v1::UploadWorkflowsRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) header = part.header();
      bundle += part.bundle_chunk();
    }
    if (Sha256Hex(bundle) != header.bundle_sha256()) {
      return {grpc::StatusCode::DATA_LOSS, "the digest does not fit"};
    }
    for (const v1::WorkflowUpload& workflow : header.workflows()) {
      auto* uploaded = response->add_workflows();
      uploaded->set_namespace_("default");
      uploaded->set_name(workflow.content());
      uploaded->add_warnings("task b: never starts twice");
    }
    return grpc::Status::OK;
  }
};

class UploadTest : public testing::Test {
 protected:
  UploadTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~UploadTest() override { server_->Shutdown(); }

  int Run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    const World world{.terminal = {.out = out_, .err = err_},
                      .in = in_,
                      .environment = [this](const std::string& name) -> std::optional<std::string> {
                        const auto found = environment_.find(name);
                        if (found == environment_.end()) return std::nullopt;
                        return found->second;
                      },
                      .make_client = MakeGrpcClient,
                      .make_event_client = MakeGrpcEventClient,
                      .clock = SystemClock(),
                      .executable = "/nowhere/aiflow"};
    words.insert(words.begin(), {"--server", address_});
    return RunCommandLine(world, words, [](CLI::App&, CommandSlot&) {});
  }

  FakeUploads service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  TempDirForTest dir_;
  // Never the home of whoever runs the tests.
  std::map<std::string, std::string> environment_{{"AIFLOW_HOME", dir_.path().string()}};
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

constexpr char kTwoWorkflows[] =
    R"(echo '{"workflows": [{"spec": {"name": "a"}, "content": "a"},
                            {"spec": {"name": "b"}, "content": "b"}], "warnings": ["beware"]}')";

TEST_F(UploadTest, CompilesPacksAndSubmits) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), "Workflow: default.a, submitted.\nWorkflow: default.b, submitted.\n");
  EXPECT_EQ(err_.str(),
            "warning: beware\nwarning: task b: never starts twice\n"
            "warning: task b: never starts twice\n");
  EXPECT_EQ(service_.header.bundle_name(), "flow");
  EXPECT_EQ(service_.header.bundle_size(), static_cast<int64_t>(service_.bundle.size()));
  EXPECT_EQ(service_.header.request_id().size(), 36u);
  EXPECT_EQ(service_.header.workflows(0).spec_json(), R"({"name":"a"})");
  EXPECT_EQ(service_.bundle.substr(0, 2), "PK");
  EXPECT_THAT(service_.bundle, HasSubstr("flow/flow"));
}

TEST_F(UploadTest, TakesArtifactsSeparatedByCommas) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  const auto first = dir_.Write("first.txt", "1");
  const auto second = dir_.Write("data/second.txt", "2");
  EXPECT_EQ(Run({"workflow", "upload", file.string(), "-f",
                 first.string() + "," + second.parent_path().string()}),
            kExitOk)
      << err_.str();
  EXPECT_THAT(service_.bundle, HasSubstr("flow/first.txt"));
  EXPECT_THAT(service_.bundle, HasSubstr("flow/data/second.txt"));
}

TEST_F(UploadTest, WhatDoesNotCompileIsNotUploaded) {
  const auto file = dir_.WriteScript("flow", "echo 'duplicate task name a' >&2; exit 1");
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitError);
  EXPECT_EQ(err_.str(), "aiflow: cannot compile " + file.string() + ": duplicate task name a\n");
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_THAT(service_.bundle, IsEmpty());
}

TEST_F(UploadTest, AMissingArtifactIsNamed) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  EXPECT_EQ(Run({"workflow", "upload", file.string(), "-f", "/nowhere/data"}), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/data"));
  EXPECT_THAT(service_.bundle, IsEmpty());
}

constexpr char kOwnManager[] =
    "blob_manager:\n"
    "  blob_manager_class: mine.Manager\n"
    "  blob_manager_config: {root_directory: '{AIFLOW_HOME}/blob'}\n";

TEST_F(UploadTest, ABundleGoesToTheClientsOwnBlobManagerToo) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  dir_.Write("aiflow_client.yaml", kOwnManager);
  // The process that would load the class.
  environment_["AIFLOW_PYTHON"] = dir_.WriteScript(
      "python",
      "cp \"$4\" \"$AIFLOW_HOME/kept.zip\"; echo \"$1 $2 $3 $4\" > $AIFLOW_HOME/words; "
      "echo '{\"uri\": \"mine://1\"}'");
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitOk) << err_.str();
  EXPECT_EQ(service_.header.bundle_uri(), "mine://1");
  EXPECT_EQ(dir_.Read("kept.zip"), service_.bundle);
  const std::string name = "/flow-" + service_.header.bundle_sha256().substr(0, 16) + ".zip\n";
  EXPECT_THAT(dir_.Read("words"), StartsWith("-m ai_flow.host store-bundle /"));
  EXPECT_THAT(dir_.Read("words"), EndsWith(name));
}

TEST_F(UploadTest, NothingIsUploadedWhenTheBlobManagerFails) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  dir_.Write("aiflow_client.yaml", kOwnManager);
  environment_["AIFLOW_PYTHON"] = dir_.WriteScript("python", "echo 'no such bucket' >&2; exit 1");
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitError);
  EXPECT_EQ(err_.str(), "warning: beware\naiflow: cannot store the bundle in the blob manager of " +
                            (dir_.path() / "aiflow_client.yaml").string() + ": no such bucket\n");
  environment_["AIFLOW_PYTHON"] = dir_.WriteScript("python", "echo '{}'");
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("answered no uri"));
  EXPECT_THAT(service_.bundle, IsEmpty());
}

TEST_F(UploadTest, TheFolderOfTheTemplateIsNoBlobManagerOfOnesOwn) {
  const auto file = dir_.WriteScript("flow", kTwoWorkflows);
  dir_.Write("aiflow_client.yaml",
             "blob_manager:\n"
             "  blob_manager_class: ai_flow.blob_manager.impl.local_blob_manager.LocalBlobManager\n"
             "  blob_manager_config:\n"
             "    root_directory: {AIFLOW_HOME}/blob\n");
  environment_["AIFLOW_PYTHON"] = "/nowhere/python";
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitOk) << err_.str();
  EXPECT_EQ(service_.header.bundle_uri(), "");
  dir_.Write("aiflow_client.yaml", "blob_manager: [\n");
  EXPECT_EQ(Run({"workflow", "upload", file.string()}), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("aiflow_client.yaml, line "));
}

}  // namespace
}  // namespace aiflow::cli
