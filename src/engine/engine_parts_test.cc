// Decisions about very many executions: committed in parts, whatever happens between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_world.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::Upload;
using engine_world::UserEvent;
using engine_world::World;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int kExecutions = 7;

/// Seven executions that wait for `go`; two are decided per commit.
class EnginePartsTest : public ::testing::Test {
 protected:
  EnginePartsTest() {
    EXPECT_TRUE(Boot().ok());
    world_.log.Append(Upload(world_, {Task("a", "go")}));
    for (int i = 0; i < kExecutions; ++i) world_.log.Append(FormatRequest(StartFlow()));
    Run();
    before_ = engine_->committed();
  }

  Status Boot() {
    engine_.reset();
    engine_ =
        std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                 world_.planner, EngineOptions{.max_executions_per_commit = 2});
    const Status status = engine_->Recover([] {});
    // Its starts go through Open.
    for (const ExpectedAttempt& attempt : world_.executor.expected) {
      if (attempt.status == TaskStatus::kQueued) handed_.insert(attempt.spec.key);
    }
    return status;
  }
  void Run() {
    for (int i = 0; i < 50; ++i) {
      const Result<bool> more = engine_->Step();
      ASSERT_TRUE(more.has_value()) << more.error();
      if (!*more) return;
    }
    FAIL() << "the engine does not come to rest";
  }
  /// Every execution has started its task once, each attempt was handed over at least once, and by
  /// one server only once; the state is the stored one.
  void ExpectAllStartedOnce() {
    for (int64_t id = 1; id <= kExecutions; ++id) {
      EXPECT_EQ(world_.store.ListTaskExecutions(ExecutionId(id), -1, {})->size(), 1U) << id;
      EXPECT_EQ(world_.store.ListCauses(ExecutionId(id), 0, {})->size(), 1U) << id;
    }
    std::map<std::string, int> starts;
    for (const AttemptSpec& spec : world_.executor.started) {
      ++starts[spec.key.ToString()];
      handed_.insert(spec.key);
    }
    EXPECT_THAT(starts, Each(Pair(testing::_, Le(handed_at_most_))));
    EXPECT_THAT(handed_, SizeIs(kExecutions));
    EXPECT_EQ(engine_->committed(), world_.log.head());
    EXPECT_EQ(world_.store.Meta()->part, 0);
    State loaded;
    std::vector<Change> rows = *world_.store.Load();
    loaded.Apply(rows);
    std::vector<Change> dump = engine_->state().Dump();
    std::erase_if(dump, [](const Change& row) { return std::holds_alternative<SnapshotRow>(row); });
    std::vector<Change> stored = loaded.Dump();
    std::erase_if(stored,
                  [](const Change& row) { return std::holds_alternative<SnapshotRow>(row); });
    EXPECT_EQ(dump, stored);
  }

  World world_;
  std::unique_ptr<Engine> engine_;
  std::set<AttemptKey> handed_;
  int handed_at_most_ = 1;  // by one server
  Offset before_ = 0;
};

TEST_F(EnginePartsTest, Rule23TheOffsetMovesAndCallersAreToldWithTheLastPart) {
  const Offset go = world_.log.Append(UserEvent("go"));
  bool told = false;
  engine_->OnCommitted(go, [&](const ReplyRow&) { told = true; });
  for (size_t part = 1; part <= 3; ++part) {
    const Result<bool> more = engine_->Step();
    ASSERT_TRUE(more.has_value()) << more.error();
    EXPECT_TRUE(*more);
    EXPECT_EQ(engine_->committed(), before_);
    EXPECT_EQ(world_.store.Meta()->part, static_cast<int64_t>(part));
    EXPECT_THAT(world_.executor.started, SizeIs(2 * part)) << "each part leaves with its commit";
    EXPECT_FALSE(told);
  }
  Run();
  EXPECT_EQ(engine_->committed(), go);
  EXPECT_TRUE(told);
  EXPECT_EQ(engine_->stats().events, go);
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule23EventsAroundItShareItsFirstAndWaitForItsLastCommit) {
  world_.log.Append(UserEvent("nobody"));
  const Offset go = world_.log.Append(UserEvent("go"));
  world_.log.Append(UserEvent("nobody"));
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_EQ(engine_->committed(), go - 1);
  EXPECT_EQ(world_.store.Meta()->part, 1);
  Run();
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule23TheNextServerGoesOnAtTheCursorAfterACrash) {
  world_.log.Append(UserEvent("go"));
  int crashes = 0;
  while (engine_->committed() != world_.log.head()) {
    ASSERT_TRUE(engine_->Step().has_value());
    ASSERT_TRUE(Boot().ok());
    ASSERT_LT(++crashes, 10);
  }
  EXPECT_EQ(crashes, 4) << "nothing is decided again";
  ExpectAllStartedOnce();
}

// Another event at that offset would be taken for it.
TEST_F(EnginePartsTest, Rule2ALogThatLacksTheEventUnderWayIsARefusal) {
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(engine_->Step().has_value());
  engine_.reset();
  engine_world::FakeLog cut("log-1");
  for (Event event : world_.log.Events()) {
    if (event.offset <= before_) cut.Append(std::move(event));
  }
  Engine engine(cut, world_.store, world_.blobs, world_.executor, world_.planner, {});
  const Status refused = engine.Recover([] {});
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("in part"));
}

TEST_F(EnginePartsTest, Rule33APartWhoseReplyWasLostIsActedOnOnce) {
  world_.store.SetFaultHook([] { return CommitFault::kLostReply; });
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_THAT(world_.executor.started, SizeIs(2));
  Run();
  world_.store.SetFaultHook(nullptr);
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule33ARefusedPartIsDecidedAgain) {
  int commits = 0;
  world_.store.SetFaultHook(
      [&] { return ++commits % 2 == 0 ? CommitFault::kNone : CommitFault::kRefused; });
  world_.log.Append(UserEvent("go"));
  for (int i = 0; i < 8; ++i) static_cast<void>(engine_->Step());
  world_.store.SetFaultHook(nullptr);
  Run();
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule33APartThatIsSettledOnlyLaterIsActedOnOnce) {
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(engine_->Step().has_value());
  world_.store.SetFaultHook([this] {
    world_.store.unreadable = true;
    return CommitFault::kLostReply;
  });
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_FALSE(engine_->Step().has_value()) << "the store still cannot tell";
  EXPECT_THAT(world_.executor.started, SizeIs(2));
  world_.store.SetFaultHook(nullptr);
  world_.store.unreadable = false;
  Run();
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule33APartThatArrivesLateIsTakenOver) {
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(engine_->Step().has_value());
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  EXPECT_FALSE(engine_->Step().has_value());
  const CommitBatch late = world_.store.last;
  world_.store.SetFaultHook(nullptr);
  ASSERT_TRUE(world_.store.MemoryStore::Commit(late).ok());
  const Result<bool> step = engine_->Step();
  ASSERT_FALSE(step.has_value()) << "the offset is the same, but not the part";
  EXPECT_EQ(step.error().code(), Code::kUnavailable);
  Run();
  handed_at_most_ = 2;  // what is not acknowledged was handed over again
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule33APartThatArrivesAfterItWasRepeatedIsRefused) {
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(engine_->Step().has_value());
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  EXPECT_FALSE(engine_->Step().has_value());
  const CommitBatch late = world_.store.last;
  world_.store.SetFaultHook(nullptr);
  ASSERT_TRUE(engine_->Step().has_value());
  const Status arrived = world_.store.MemoryStore::Commit(late);
  EXPECT_EQ(arrived.code(), Code::kAborted);
  EXPECT_THAT(arrived.message(), HasSubstr("2 parts"));
  Run();
  ExpectAllStartedOnce();
}

TEST_F(EnginePartsTest, Rule23AStopOfAllExecutionsIsAnsweredAfterItsLastPart) {
  const Offset stop =
      world_.log.Append(FormatRequest(StopWorkflowExecutions{.ns = "default", .name = "flow"}));
  ReplyRow reply;
  engine_->OnCommitted(stop, [&](const ReplyRow& row) { reply = row; });
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_EQ(reply.offset, 0);
  ASSERT_TRUE(Boot().ok());
  engine_->OnCommitted(stop, [&](const ReplyRow& row) { reply = row; });
  Run();
  EXPECT_EQ(reply.id, kExecutions);
}

}  // namespace
}  // namespace aiflow
