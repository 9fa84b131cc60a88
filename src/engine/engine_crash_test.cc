// A server that dies again and again at one event (rule 22).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool part_is_second = false;

/// The end of a process, as far as a test can have it.
struct Died {};

class EngineCrashTest : public ::testing::Test {
 protected:
  void Boot() {
    engine_.reset();
    EngineOptions options;
    options.max_executions_per_commit = 2;
    options.warn = [this](const std::string& line) { warnings_.push_back(line); };
    options.decide = [this](const State& state, const DecideInput& input) {
      if (deadly_ && deadly_(input)) throw Died{};
      decided_.push_back(input.event.key);
      return Decide(state, input);
    };
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, std::move(options));
    ASSERT_TRUE(engine_->Recover([] {}).ok());
  }
  /// Restarts the server whenever it dies. How often it did.
  int Live() {
    int deaths = 0;
    for (int quiet = 0; quiet < 3;) {
      try {
        const Offset before = world_.log.head();
        const Result<bool> more = engine_->Step();
        EXPECT_TRUE(more.has_value()) << more.error();
        quiet = *more || world_.log.head() != before ? 0 : quiet + 1;
      } catch (const Died&) {
        if (++deaths > 20) {
          ADD_FAILURE() << "it dies without end";
          return deaths;
        }
        Boot();
      }
    }
    return deaths;
  }
  void DieAt(std::string key) {
    deadly_ = [key = std::move(key)](const DecideInput& input) {
      return input.event.key == key && input.treatment == Treatment::kDecide;
    };
  }
  /// Workflow `flow`, whose tasks `a` and `b` start by "poison" and "more".
  void Start(int executions = 1) {
    world_.log.Append(Upload(world_, {Task("a", "poison"), Task("b", "more")}));
    for (int i = 0; i < executions; ++i) world_.log.Append(FormatRequest(StartFlow()));
    Boot();
    Live();
  }
  [[nodiscard]] std::vector<std::string> Started() const {
    std::vector<std::string> started;
    for (const AttemptSpec& spec : world_.executor.started) {
      started.push_back(spec.argv.back() + " of " + std::to_string(spec.key.execution.value()) +
                        " by " + spec.env.at("CAUSE"));
    }
    return started;
  }
  [[nodiscard]] std::vector<DeadLetterRow> Letters() const {
    return *world_.store.ListDeadLetters({});
  }

  World world_;
  std::unique_ptr<Engine> engine_;
  std::function<bool(const DecideInput&)> deadly_;
  std::vector<std::string> decided_;
  std::vector<std::string> warnings_;
};

TEST_F(EngineCrashTest, Rule22AnEventInFlightAtCrashAfterCrashIsQuarantined) {
  Start();
  DieAt("poison");
  const Offset poison = world_.log.Append(UserEvent("poison"));
  const int deaths = Live();
  EXPECT_GE(deaths, limits::kMaxCrashes);
  EXPECT_LE(deaths, limits::kMaxCrashes + 1) << "the first may not be told from any other death";
  ASSERT_THAT(warnings_, SizeIs(limits::kMaxCrashes + 1));
  EXPECT_THAT(warnings_[0], HasSubstr("has died 1 times at the event of offset 3"));
  EXPECT_THAT(warnings_.back(), HasSubstr("event 3 (poison) is failed event 1: the server died"));
  ASSERT_THAT(Letters(), SizeIs(1));
  EXPECT_EQ(Letters()[0].event.offset, poison);
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(world_.store.GetExecution(ExecutionId(1))->value().reason, HasSubstr("suspended"));
}

TEST_F(EngineCrashTest, Rule22NoEventOfTheSameBatchSuffersWithIt) {
  Start(2);
  DieAt("poison");
  Event innocent = UserEvent("more");
  innocent.context = R"({"workflow_execution_id": 1})";
  Event poison = UserEvent("poison");
  poison.context = R"({"workflow_execution_id": 2})";
  const Offset first = world_.log.Append(innocent);
  world_.log.Append(UserEvent("nobody listens"));
  const Offset deadly = world_.log.Append(poison);
  const Offset last = world_.log.Append(UserEvent("more"));
  Live();
  ASSERT_THAT(Letters(), SizeIs(1));
  EXPECT_EQ(Letters()[0].event.offset, deadly);
  EXPECT_THAT(Started(), ElementsAre("b of 1 by " + std::to_string(first) + " more"))
      << "also once, after all these restarts";
  EXPECT_EQ(engine_->committed(), world_.log.head()) << "the event at " << last << " is decided";
}

TEST_F(EngineCrashTest, Rule22RetriedOnAMendedServerItDoesWhatItWouldHaveDone) {
  Start();
  DieAt("poison");
  const Offset poison = world_.log.Append(UserEvent("poison"));
  const Offset more = world_.log.Append(UserEvent("more"));
  Live();
  deadly_ = nullptr;
  Boot();
  world_.log.Append(FormatRequest(RetryDeadLetter{Letters()[0].id.value()}));
  EXPECT_EQ(Live(), 0);
  EXPECT_THAT(Started(), ElementsAre("a of 1 by " + std::to_string(poison) + " poison",
                                     "b of 1 by " + std::to_string(more) + " more"));
  EXPECT_THAT(Letters(), IsEmpty());
  EXPECT_EQ(world_.store.GetExecution(ExecutionId(1))->value().reason, "");
}

TEST_F(EngineCrashTest, Rule22ARetryOnAServerThatIsNotMendedIsQuarantinedAgain) {
  Start();
  const auto deadly_replay = [](const DecideInput& input) {
    const bool poison = input.event.key == "poison" || input.event.value == "REPLAY_HELD";
    return poison && input.treatment == Treatment::kDecide;
  };
  deadly_ = deadly_replay;
  const Offset poison = world_.log.Append(UserEvent("poison"));
  Live();
  world_.log.Append(FormatRequest(RetryDeadLetter{Letters()[0].id.value()}));
  EXPECT_GE(Live(), limits::kMaxCrashes);
  ASSERT_THAT(Letters(), SizeIs(1));
  EXPECT_EQ(Letters()[0].id, DeadLetterId(2));
  EXPECT_EQ(Letters()[0].event.offset, poison);
  EXPECT_THAT(Started(), IsEmpty());
}

TEST_F(EngineCrashTest, Rule22OfADecisionInPartsOnlyWhatIsLeftIsQuarantined) {
  Start(5);
  deadly_ = [](const DecideInput& input) {
    return input.event.key == "poison" && input.treatment == Treatment::kDecide &&
           input.event.value == "v" && part_is_second;
  };
  world_.log.Append(UserEvent("poison"));
  part_is_second = false;
  EXPECT_TRUE(engine_->Step().has_value());
  part_is_second = true;
  Live();
  part_is_second = false;
  EXPECT_THAT(Started(), SizeIs(2));
  ASSERT_THAT(Letters(), SizeIs(1));
  deadly_ = nullptr;
  world_.log.Append(FormatRequest(RetryDeadLetter{Letters()[0].id.value()}));
  Live();
  EXPECT_THAT(Started(), SizeIs(5));
}

TEST_F(EngineCrashTest, AnEventThatCannotEvenBeRoutedIsSetAside) {
  Start();
  deadly_ = [](const DecideInput& input) {
    return input.event.key == "poison" && input.treatment != Treatment::kSetAside;
  };
  world_.log.Append(UserEvent("poison"));
  world_.log.Append(UserEvent("more"));
  Live();
  EXPECT_THAT(Letters(), SizeIs(1));
  EXPECT_THAT(Started(), SizeIs(1)) << "nobody is suspended";
}

TEST_F(EngineCrashTest, ServersThatDieWithNothingToDoWriteNothingAndCountNothing) {
  Start();
  const auto commits = [this] {
    return std::ranges::count_if(
        world_.journal, [](const std::string& line) { return line.starts_with("commit"); });
  };
  const auto before = commits();
  for (int i = 0; i < 5; ++i) Boot();
  EXPECT_EQ(commits(), before);
  DieAt("nothing");
  world_.log.Append(UserEvent("poison"));
  Live();
  EXPECT_THAT(Letters(), IsEmpty());
  EXPECT_THAT(Started(), SizeIs(1));
}

TEST_F(EngineCrashTest, ServersThatEndByThemselvesCountNothing) {
  Start();
  world_.log.Append(UserEvent("poison"));
  // The commit of the decision fails, and the operator restarts in the hope that it helps.
  for (int i = 0; i < 2 * limits::kMaxCrashes; ++i) {
    Boot();
    deadly_ = [this](const DecideInput&) {
      world_.store.refuse_next = true;
      return false;
    };
    EXPECT_FALSE(engine_->Step().has_value());
    deadly_ = nullptr;
    EXPECT_TRUE(world_.store.refused);
    engine_->End();
  }
  Boot();
  EXPECT_EQ(Live(), 0);
  EXPECT_THAT(Letters(), IsEmpty());
  EXPECT_THAT(Started(), SizeIs(1));
}

TEST_F(EngineCrashTest, Rule22AQuarantinedRequestIsNotEvenLookedAt) {
  Start();
  Event upload = Upload(world_, {Task("a")});
  deadly_ = [](const DecideInput& input) {
    return input.event.value == "UPLOAD_WORKFLOW" && input.spec != nullptr;
  };
  const Offset offset = world_.log.Append(upload);
  Live();
  EXPECT_EQ((*world_.store.GetReply(offset))->code, static_cast<int>(Code::kInternal));
  EXPECT_EQ(engine_->committed(), offset);
}

TEST_F(EngineCrashTest, ServersThatDieBeforeTheyBeginWithAnEventCountNothing) {
  Start();
  world_.log.Append(UserEvent("poison"));
  for (int i = 0; i < 5; ++i) Boot();  // recovered, and killed before the first step
  EXPECT_EQ(Live(), 0);
  EXPECT_THAT(Letters(), IsEmpty());
  EXPECT_THAT(Started(), SizeIs(1));
}

}  // namespace
}  // namespace aiflow
