#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_world.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::World;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Keeps what it is given, for the test to answer.
class FakeSender final : public HookSender {
 public:
  struct Sent {
    HookDelivery delivery;
    Done done;
    Offset committed = 0;  // when it was handed over
  };
  void Send(HookDelivery delivery, Done done) override {
    sent.push_back({std::move(delivery), std::move(done), store->Meta()->committed});
  }

  const Store* store = nullptr;
  std::vector<Sent> sent;
};

class EngineHooksTest : public ::testing::Test {
 protected:
  EngineHooksTest() {
    sender_.store = &world_.store;
    EXPECT_TRUE(Boot().ok());
  }

  /// A new server process over the same world.
  Status Boot() {
    engine_.reset();
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, EngineOptions{});
    engine_->SetHookSender(sender_);
    return engine_->Recover([] {});
  }
  void Run() {
    for (int i = 0; i < 50; ++i) {
      const Offset before = world_.log.head();
      const Result<bool> more = engine_->Step();
      ASSERT_TRUE(more.has_value()) << more.error();
      if (!*more && world_.log.head() == before) return;
    }
    FAIL() << "the engine does not come to rest";
  }
  void Start() {
    WorkflowSpec spec;
    spec.name = "flow";
    spec.tasks = {Task("a")};
    spec.hooks.push_back({.on_failure = true, .on_success = false, .command = "mail ops"});
    const std::string digest = *world_.blobs.Put(FormatWorkflowSpec(spec));
    world_.log.Append(
        FormatRequest(UploadWorkflow{.ns = "default", .name = "flow", .spec_digest = digest}));
    world_.log.Append(FormatRequest(StartFlow()));
    Run();
  }
  void Fail() {
    const AttemptKey attempt{ExecutionId(1), 0, 1, 1};
    world_.executor.sink({.key = attempt,
                          .token = AttemptTokens(world_.store.Meta()->secret).TokenOf(attempt),
                          .status = TaskStatus::kFailed,
                          .reason = "exit code 3"});
  }
  [[nodiscard]] std::vector<OutboxRow> Hooks() const {
    std::vector<OutboxRow> rows = *world_.store.ListOutbox({});
    std::erase_if(rows, [](const OutboxRow& row) { return row.kind != OutboxKind::kHook; });
    return rows;
  }
  /// The time of the only hook's next try has come.
  void Due() {
    const OutboxRow row = Hooks().at(0);
    TimerFired timer{.kind = TimerKind::kHook,
                     .owner = row.id.value(),
                     .generation = row.tries,
                     .due_ms = row.due.count()};
    world_.log.Append(FormatRequest(timer));
    Run();
  }

  World world_;
  FakeSender sender_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineHooksTest, AHookLeavesAfterTheCommitOfTheEnd) {
  Start();
  Fail();
  Run();
  ASSERT_THAT(sender_.sent, SizeIs(1));
  const HookDelivery& delivery = sender_.sent[0].delivery;
  EXPECT_EQ(delivery.tries, 0);
  EXPECT_EQ(delivery.key, "log-1/hook/" + std::to_string(delivery.id.value()));
  EXPECT_EQ(delivery.call.command, "mail ops");
  EXPECT_EQ(delivery.call.reason, "task 'a' failed: exit code 3");
  EXPECT_GE(sender_.sent[0].committed, Hooks().at(0).offset);
}

TEST_F(EngineHooksTest, ADeliveredHookIsErased) {
  Start();
  Fail();
  Run();
  sender_.sent.at(0).done("");
  Run();
  EXPECT_THAT(Hooks(), IsEmpty());
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(sender_.sent, SizeIs(1));
}

TEST_F(EngineHooksTest, AFailedTryIsFollowedByAnotherWhenItIsDue) {
  Start();
  Fail();
  Run();
  sender_.sent.at(0).done("connection refused");
  Run();
  ASSERT_THAT(Hooks(), SizeIs(1));
  EXPECT_NE(Hooks()[0].due, Millis(0));
  EXPECT_THAT(sender_.sent, SizeIs(1)) << "not before it is due";
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(sender_.sent, SizeIs(1)) << "also not by a new server";
  Due();
  ASSERT_THAT(sender_.sent, SizeIs(2));
  EXPECT_EQ(sender_.sent[1].delivery.tries, 1);
  EXPECT_EQ(sender_.sent[1].delivery.key, sender_.sent[0].delivery.key);
  sender_.sent[1].done("");
  Run();
  EXPECT_THAT(Hooks(), IsEmpty());
}

TEST_F(EngineHooksTest, ATryThatDiedWithItsServerIsBegunAgainByTheNext) {
  Start();
  Fail();
  Run();
  const HookSender::Done lost = sender_.sent.at(0).done;
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(sender_.sent, SizeIs(2));
  EXPECT_EQ(sender_.sent[1].delivery.tries, 0);
  lost("too late");  // the engine that sent it is gone
  Run();
  EXPECT_EQ(Hooks().at(0).tries, 0);
  sender_.sent[1].done("");
  Run();
  EXPECT_THAT(Hooks(), IsEmpty());
}

TEST_F(EngineHooksTest, Rule33NothingIsToldOfAnEndThatIsNotCommitted) {
  Start();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  Fail();
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_THAT(sender_.sent, IsEmpty());
  world_.store.SetFaultHook(nullptr);
  Run();
  EXPECT_THAT(sender_.sent, SizeIs(1));
}

TEST_F(EngineHooksTest, Rule33ACommitThatArrivesLateHandsOverOnce) {
  Start();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  Fail();
  EXPECT_FALSE(engine_->Step().has_value());
  const CommitBatch late = world_.store.last;
  world_.store.SetFaultHook(nullptr);
  ASSERT_TRUE(world_.store.MemoryStore::Commit(late).ok());
  EXPECT_FALSE(engine_->Step().has_value());
  Run();
  EXPECT_THAT(sender_.sent, SizeIs(1));
}

TEST_F(EngineHooksTest, WithoutASenderHooksWait) {
  Start();
  engine_.reset();
  engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                     world_.planner, EngineOptions{});
  ASSERT_TRUE(engine_->Recover([] {}).ok());
  Fail();
  Run();
  EXPECT_THAT(Hooks(), SizeIs(1));
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(sender_.sent, SizeIs(1));
}

TEST_F(EngineHooksTest, AHookThatCannotBeReadIsReportedAndNotSent) {
  Start();
  Fail();
  Run();
  sender_.sent.clear();
  OutboxRow row = Hooks().at(0);
  row.publish.context = "damaged";
  const StoreMeta meta = *world_.store.Meta();
  engine_.reset();
  ASSERT_TRUE(world_.store
                  .MemoryStore::Commit({.epoch = meta.epoch,
                                        .from_offset = meta.committed,
                                        .to_offset = meta.committed,
                                        .changes = {row}})
                  .ok());
  ASSERT_TRUE(Boot().ok());
  Run();
  EXPECT_THAT(sender_.sent, IsEmpty());
  EXPECT_EQ(Hooks().at(0).tries, 1);
}

}  // namespace
}  // namespace aiflow
