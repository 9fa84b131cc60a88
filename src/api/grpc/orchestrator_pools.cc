#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/pool_use.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kPools = "pools";
constexpr size_t kMaxDescriptionBytes = 4096;

void AddUse(const State& state, v1::Pool* pool) {
  const PoolUse use = UseOf(state, pool->name());
  pool->set_slots_in_use(use.in_use);
  pool->set_waiting(use.waiting);
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::SetPool(Context* context,
                                                              const v1::SetPoolRequest* request,
                                                              v1::Pool* response) {
  if (Status size = CheckTextSize("the description", request->description(), kMaxDescriptionBytes,
                                  "kMaxDescriptionBytes");
      !size.ok()) {
    return FinishNow(context, size);
  }
  const aiflow::SetPool set{.name = request->name(),
                            .slots = request->slots(),
                            .description = request->description(),
                            .executor = request->executor(),
                            .keep_executor = !request->has_executor()};
  return SubmitAndFinish(context, backend_, set, request->request_id(),
                         [request, response](const ReplyRow&) {
                           response->set_name(request->name());
                           response->set_slots(request->slots());
                           response->set_description(request->description());
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeletePool(
    Context* context, const v1::DeletePoolRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, aiflow::DeletePool{request->name()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListPools(Context* context,
                                                                const v1::ListPoolsRequest* request,
                                                                v1::ListPoolsResponse* response) {
  const Status status = FillPage(
      kPools, *request, response,
      [this](const Page& page) { return backend_.queries.ListPools(page); },
      [](const PoolRow& row) { return row.name; },
      [response](const PoolRow& row) {
        v1::Pool* pool = response->add_pools();
        pool->set_name(row.name);
        pool->set_slots(row.slots);
        pool->set_description(row.description);
        pool->set_executor(row.executor);
        return Status::Ok();
      });
  if (!status.ok() || response->pools().empty()) return FinishNow(context, status);
  Unary* reactor = context->DefaultReactor();
  backend_.engine.Read([context, reactor, response](const Result<const State*>& state) {
    if (state.has_value()) {
      for (v1::Pool& pool : *response->mutable_pools()) AddUse(**state, &pool);
    }
    const Status outcome = state.has_value() ? Status::Ok() : state.error();
    HintRetry(context, outcome);
    reactor->Finish(ToGrpc(outcome));
  });
  return reactor;
}

}  // namespace aiflow::api
