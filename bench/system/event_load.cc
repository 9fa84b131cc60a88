#include "event_load.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "notification_service/notification_service.grpc.pb.h"

namespace aiflow::bench {
namespace {

using notification_service::NotificationService;
using notification_service::SendEventRequest;
using notification_service::SendEventsResponse;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kWarmUp{1};
constexpr std::chrono::seconds kMeasured{3};

class EchoService final : public NotificationService::CallbackService {
 public:
  grpc::ServerUnaryReactor* sendEvent(grpc::CallbackServerContext* context,
                                      const SendEventRequest* request,
                                      SendEventsResponse* response) override {
    *response->mutable_event() = request->event();
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

[[noreturn]] void ServeEcho(int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a bench that crashes leaves nothing running
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (write(ready, &port, sizeof port) != sizeof port) _exit(1);
  server->Wait();
  _exit(0);
}

/// Keeps a fixed number of calls in flight until told to stop.
class Caller {
 public:
  Caller(const std::string& address, int in_flight)
      : stub_(NotificationService::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))),
        calls_(static_cast<size_t>(in_flight)),
        running_(in_flight) {
    for (CallState& call : calls_) Send(call);
  }
  ~Caller() {
    stop_ = true;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0; });
  }

  [[nodiscard]] int64_t done() const { return done_; }

 private:
  struct CallState {
    std::unique_ptr<grpc::ClientContext> context;
    SendEventRequest request;
    SendEventsResponse response;
  };

  void Send(CallState& call) {
    const std::string id = std::to_string(getpid()) + "-" + std::to_string(next_++);
    call.context = std::make_unique<grpc::ClientContext>();
    call.request.set_uuid("bench-" + id);
    call.request.set_enable_idempotence(true);
    auto& event = *call.request.mutable_event();
    event.set_key("bench-key-" + id);
    event.set_value(std::string(200, 'x'));
    event.set_namespace_("bench");
    stub_->async()->sendEvent(call.context.get(), &call.request, &call.response,
                              [this, &call](const grpc::Status& status) {
                                if (status.ok()) ++done_;
                                if (!stop_) return Send(call);
                                const std::lock_guard lock(mutex_);
                                --running_;
                                changed_.notify_all();
                              });
  }

  const std::unique_ptr<NotificationService::Stub> stub_;
  // Owned here: the last context to go must not take the channel down on one of gRPC's own threads.
  std::vector<CallState> calls_;
  std::atomic<int64_t> next_ = 0;
  std::atomic<int64_t> done_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_;
};

}  // namespace

EchoServer EchoServer::Fork() {
  std::array<int, 2> ready{};
  if (pipe2(ready.data(), O_CLOEXEC) != 0) return {0, ""};
  const pid_t pid = fork();
  if (pid == 0) ServeEcho(ready[1]);
  close(ready[1]);
  int port = 0;
  if (read(ready[0], &port, sizeof port) != sizeof port) port = 0;
  close(ready[0]);
  return {pid, "127.0.0.1:" + std::to_string(port)};
}

EchoServer::EchoServer(EchoServer&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), address_(std::move(other.address_)) {}

EchoServer::~EchoServer() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double EventRate(const std::string& address, int in_flight) {
  const Caller caller(address, in_flight);
  std::mutex mutex;
  std::condition_variable never;
  const auto sleep = [&](auto time) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, time);
  };
  sleep(kWarmUp);
  const int64_t before = caller.done();
  const auto begin = steady_clock::now();
  sleep(kMeasured);
  const int64_t calls = caller.done() - before;
  return static_cast<double>(calls) /
         std::chrono::duration<double>(steady_clock::now() - begin).count();
}

double SyncRate(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "sync-rate";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return 0;
  const std::vector<char> block(4096, 'x');
  constexpr int kSyncs = 2000;
  const auto begin = steady_clock::now();
  for (int i = 0; i < kSyncs; ++i) {
    if (write(fd, block.data(), block.size()) < 0 || fdatasync(fd) != 0) break;
  }
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  close(fd);
  std::filesystem::remove(path);
  return kSyncs / seconds;
}

}  // namespace aiflow::bench
