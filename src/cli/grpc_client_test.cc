#include <aiflow/v1/event_log.grpc.pb.h>
#include <aiflow/v1/orchestrator.grpc.pb.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/client.h"

namespace aiflow::cli {
namespace {

using testing::HasSubstr;

class FakeOrchestrator : public v1::Orchestrator::Service {
 public:
  int refusals = 0;  // answer that many calls UNAVAILABLE first
  std::vector<std::string> request_ids;
  v1::UploadWorkflowsRequest::Header header;
  std::string bundle;
  int bundle_chunks = 0;

  grpc::Status StartWorkflowExecution(grpc::ServerContext*,
                                      const v1::StartWorkflowExecutionRequest* request,
                                      v1::StartWorkflowExecutionResponse* response) override {
    request_ids.push_back(request->request_id());
    if (refusals-- > 0) return {grpc::StatusCode::UNAVAILABLE, "queue is full, try again"};
    if (request->name() == "missing") {
      return {grpc::StatusCode::NOT_FOUND, "workflow default.missing does not exist"};
    }
    response->set_execution_id(17);
    return grpc::Status::OK;
  }

  grpc::Status ListNamespaces(grpc::ServerContext*, const v1::ListNamespacesRequest* request,
                              v1::ListNamespacesResponse* response) override {
    const int page = request->page_token().empty() ? 0 : std::stoi(request->page_token());
    response->add_namespaces()->set_name("n" + std::to_string(page));
    if (page < 2) response->set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  }

  grpc::Status UploadWorkflows(grpc::ServerContext*,
                               grpc::ServerReader<v1::UploadWorkflowsRequest>* reader,
                               v1::UploadWorkflowsResponse* response) override {
    v1::UploadWorkflowsRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) {
        header = part.header();
        if (header.bundle_name() == "refused") {
          return {grpc::StatusCode::INVALID_ARGUMENT, "duplicate task name a"};
        }
      } else {
        bundle += part.bundle_chunk();
        ++bundle_chunks;
      }
    }
    auto* uploaded = response->add_workflows();
    uploaded->set_namespace_("default");
    uploaded->set_name("w");
    return grpc::Status::OK;
  }

  grpc::Status WatchWorkflowExecution(
      grpc::ServerContext* context, const v1::GetWorkflowExecutionRequest* request,
      grpc::ServerWriter<v1::WorkflowExecutionView>* writer) override {
    v1::WorkflowExecutionView view;
    view.mutable_execution()->set_id(request->execution_id());
    writer->Write(view);
    while (request->execution_id() == 99 && !context->IsCancelled()) {
      usleep(1000);  // until the client goes away
    }
    return grpc::Status::OK;
  }
};

class GrpcClientTest : public testing::Test {
 protected:
  GrpcClientTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    client_ = MakeGrpcClient("127.0.0.1:" + std::to_string(port));
  }
  ~GrpcClientTest() override { server_->Shutdown(); }

  FakeOrchestrator service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Client> client_;
};

v1::StartWorkflowExecutionRequest Start(const std::string& name) {
  v1::StartWorkflowExecutionRequest request;
  request.set_name(name);
  request.set_request_id("id-1");
  return request;
}

TEST_F(GrpcClientTest, RepeatsARefusedCallWithTheSameRequestId) {
  service_.refusals = 2;
  const auto id = client_->StartWorkflowExecution(Start("w"));
  ASSERT_TRUE(id) << id.error();
  EXPECT_EQ(*id, 17);
  EXPECT_EQ(service_.request_ids, (std::vector<std::string>{"id-1", "id-1", "id-1"}));
}

TEST_F(GrpcClientTest, GivesUpOnAServerThatKeepsRefusingInItsOwnWords) {
  service_.refusals = 1000;
  const auto id = client_->StartWorkflowExecution(Start("w"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error(), Status(Code::kUnavailable, "queue is full, try again"));
}

TEST_F(GrpcClientTest, ErrorsKeepCodeAndText) {
  const auto id = client_->StartWorkflowExecution(Start("missing"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error(), Status(Code::kNotFound, "workflow default.missing does not exist"));
}

TEST_F(GrpcClientTest, ListsAreReadPageByPage) {
  const auto namespaces = client_->ListNamespaces();
  ASSERT_TRUE(namespaces);
  ASSERT_EQ(namespaces->size(), 3u);
  EXPECT_EQ(namespaces->back().name(), "n2");
}

TEST_F(GrpcClientTest, BundlesTravelInChunks) {
  std::string bundle;
  for (int i = 0; i < 1'000'000; ++i) bundle += static_cast<char>(i * 31);
  v1::UploadWorkflowsRequest::Header header;
  header.set_request_id("id-2");
  header.set_bundle_name("w");
  const auto uploaded = client_->UploadWorkflows(header, bundle, nullptr);
  ASSERT_TRUE(uploaded) << uploaded.error();
  EXPECT_EQ(uploaded->workflows(0).name(), "w");
  EXPECT_EQ(service_.header.request_id(), "id-2");
  EXPECT_EQ(service_.bundle, bundle);
  EXPECT_GT(service_.bundle_chunks, 1);
}

TEST_F(GrpcClientTest, AnUploadThatIsRefusedEarlyTellsWhy) {
  v1::UploadWorkflowsRequest::Header header;
  header.set_bundle_name("refused");
  const auto uploaded = client_->UploadWorkflows(header, std::string(8 << 20, 'x'), nullptr);
  ASSERT_FALSE(uploaded);
  EXPECT_EQ(uploaded.error(), Status(Code::kInvalidArgument, "duplicate task name a"));
}

TEST_F(GrpcClientTest, AWatchEndsWhenItsStopIsRequested) {
  std::stop_source stop;
  const Status status = client_->WatchWorkflowExecution(
      99, stop.get_token(), [&](const v1::WorkflowExecutionView&) { stop.request_stop(); });
  EXPECT_EQ(status.code(), Code::kCancelled);
}

TEST_F(GrpcClientTest, CallsThatTheServerDoesNotKnowSaySo) {
  const auto info = client_->GetServerInfo();
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kUnimplemented);
}

TEST(GrpcClient, SaysAtOnceThatNobodyListens) {
  // Bound but not listening: connections are refused, and no other process can take the port.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto namespaces = MakeGrpcClient(where)->ListNamespaces();
  ASSERT_FALSE(namespaces);
  EXPECT_EQ(namespaces.error(), Status(Code::kUnavailable, "no server answers at " + where));
  v1::PublishRequest request;
  const auto published = MakeGrpcEventClient(where)->Publish(request, std::chrono::seconds(30));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code(), Code::kUnavailable);
  close(fd);
}

class FakeEventLog : public v1::EventLog::Service {
 public:
  // Keeps the stream open until the client goes away.
  grpc::Status Publish(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::PublishResponse, v1::PublishRequest>* stream) override {
    v1::PublishRequest request;
    while (stream->Read(&request)) {
      v1::PublishResponse response;
      response.set_offset(8);
      if (request.event().key().empty()) response.set_error("ALREADY_EXISTS: taken");
      stream->Write(response);
    }
    while (!context->IsCancelled()) usleep(1000);
    return grpc::Status::OK;
  }
  grpc::Status Subscribe(grpc::ServerContext*, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override {
    v1::SubscribeResponse response;
    response.add_events()->set_offset(request->after_offset() + 1);
    response.add_events()->set_offset(request->after_offset() + 2);
    writer->Write(response);
    return grpc::Status::OK;
  }
};

TEST(GrpcEventClient, PublishesAndSubscribes) {
  FakeEventLog service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto client = MakeGrpcEventClient("127.0.0.1:" + std::to_string(port));

  const auto begin = std::chrono::steady_clock::now();
  v1::PublishRequest request;
  const auto refused = client->Publish(request, std::chrono::seconds(30));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Status(Code::kAlreadyExists, "taken"));
  request.mutable_event()->set_key("k");
  const auto stored = client->Publish(request, std::chrono::seconds(30));
  ASSERT_TRUE(stored) << stored.error();
  EXPECT_EQ(stored->offset(), 8);
  // The acknowledgement is enough: neither call waited for its deadline.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));

  std::vector<int64_t> offsets;
  v1::SubscribeRequest subscribe;
  subscribe.set_after_offset(4);
  const auto all = [&](const v1::EventRecord& event) {
    offsets.push_back(event.offset());
    return true;
  };
  EXPECT_EQ(client->Subscribe(subscribe, all).code(), Code::kUnavailable);
  EXPECT_EQ(offsets, (std::vector<int64_t>{5, 6}));
  EXPECT_TRUE(client->Subscribe(subscribe, [](const v1::EventRecord&) { return false; }).ok());
  server->Shutdown();
}

}  // namespace
}  // namespace aiflow::cli
