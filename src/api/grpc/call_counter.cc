#include "api/grpc/call_counter.h"

#include <google/protobuf/descriptor.h>

#include <functional>
#include <set>
#include <utility>

#include "base/check.h"

namespace aiflow::api {
namespace {

namespace experimental = grpc::experimental;

constexpr std::string_view kOther = "/other/other";

/// Lives as long as its call.
class CallCounter final : public experimental::Interceptor {
 public:
  explicit CallCounter(MethodCounts& counts) : counts_(counts) {
    if (counts_.streams) counts_.open.fetch_add(1, std::memory_order_relaxed);
  }
  ~CallCounter() override {
    if (counts_.streams) counts_.open.fetch_sub(1, std::memory_order_relaxed);
  }

  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      counts_.Ended(methods->GetSendStatus().error_code());
      if (!counts_.streams) counts_.seconds.Observe(std::chrono::steady_clock::now() - begun_);
    }
    methods->Proceed();
  }

 private:
  MethodCounts& counts_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

class CallCounterFactory final : public experimental::ServerInterceptorFactoryInterface {
 public:
  CallCounterFactory(CallCounts& counts, std::set<std::string, std::less<>> paths)
      : counts_(counts), paths_(std::move(paths)) {}

  experimental::Interceptor* CreateServerInterceptor(experimental::ServerRpcInfo* info) override {
    const std::string_view path = info->method();
    if (counts_.CountsItself(path)) return nullptr;
    if (paths_.find(path) == paths_.end()) {
      return new CallCounter(counts_.Of(kOther, /*streams=*/false));
    }
    const bool streams = info->type() != experimental::ServerRpcInfo::Type::UNARY;
    return new CallCounter(counts_.Of(path, streams));
  }

 private:
  CallCounts& counts_;
  const std::set<std::string, std::less<>> paths_;  // of the methods there are
};

/// "/aiflow.v1.EventLog/Publish" and so on.
std::set<std::string, std::less<>> PathsOf(const std::vector<std::string>& services) {
  std::set<std::string, std::less<>> paths;
  for (const std::string& name : services) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    CHECK(service != nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i) {
      paths.insert("/" + name + "/" + service->method(i)->name());
    }
  }
  return paths;
}

}  // namespace

std::vector<std::unique_ptr<experimental::ServerInterceptorFactoryInterface>> CountersInto(
    CallCounts& counts, const std::vector<std::string>& services) {
  std::vector<std::unique_ptr<experimental::ServerInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<CallCounterFactory>(counts, PathsOf(services)));
  return factories;
}

}  // namespace aiflow::api
