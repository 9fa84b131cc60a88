#include "runner/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace aiflow::runner {
namespace {

TEST(ProcessTest, StatOfSelfAndOfNobody) {
  const auto self = ReadProcessStat(getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->state, 'R');
  EXPECT_EQ(self->parent, getppid());
  EXPECT_EQ(self->group, getpgrp());
  EXPECT_EQ(self->session, getsid(0));
  EXPECT_GT(self->start_time, 0U);
  EXPECT_FALSE(ReadProcessStat(0x7ffffff0));
}

TEST(ProcessTest, ChildIsFoundSignalledThroughItsPidfdAndSeenAsAZombie) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  EXPECT_THAT(ChildrenOfSelf(), testing::Contains(child));
  EXPECT_THAT(AllProcesses(), testing::Contains(child));
  const int pidfd = OpenPidfd(child);
  ASSERT_GE(pidfd, 0);
  ASSERT_EQ(SendSignal(pidfd, SIGKILL), 0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(ReadProcessStat(child)->state, 'Z');
  EXPECT_THAT(ChildrenOfSelf(), testing::Contains(child));
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(ReadProcessStat(child));
  close(pidfd);
}

TEST(ProcessTest, EnvironmentIsComparedWhole) {
  const pid_t child = fork();
  if (child == 0) {
    execle("/bin/sleep", "sleep", "30", nullptr,
           std::array<const char*, 3>{"A=1", "AB=12", nullptr}.data());
    _exit(1);
  }
  while (!EnvironmentHas(child, "A=1")) usleep(1000);
  EXPECT_TRUE(EnvironmentHas(child, "AB=12"));
  EXPECT_FALSE(EnvironmentHas(child, "AB=1"));
  EXPECT_FALSE(EnvironmentHas(child, "B=12"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST(ProcessTest, IdentityOfThisMachineIsStable) {
  const MachineIdentity identity = ReadMachineIdentity();
  EXPECT_EQ(identity.boot_id.size(), 36U);
  EXPECT_GT(identity.pid_namespace, 0U);
  EXPECT_EQ(ReadMachineIdentity().boot_id, identity.boot_id);
}

TEST(ProcessTest, SignalsHaveNames) {
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
  EXPECT_EQ(SignalName(SIGTERM), "SIGTERM");
}

}  // namespace
}  // namespace aiflow::runner
