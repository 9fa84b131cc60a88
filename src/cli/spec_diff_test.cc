#include "cli/spec_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Spec(const std::string& tasks, const std::string& more = "") {
  return R"({"version": 2, "namespace": "default", "name": "w")" + more + R"(, "tasks": [)" +
         tasks + "]}";
}
std::string Task(const std::string& name, const std::string& command,
                 const std::string& more = "") {
  return R"({"name": ")" + name + R"(", "operator": "bash", "command": ")" + command + "\"" + more +
         "}";
}
std::string StartOn(const std::string& key) {
  return R"({"action": "START", "condition": {"type": "event", "key": ")" + key + R"("}})";
}

TEST(SpecDiff, EqualMeaningIsNoDifference) {
  const std::string version_1 =
      R"({"version": 1, "namespace": "default", "name": "w", "tasks": [)" + Task("a", "true") +
      "]}";
  EXPECT_THAT(SpecDiff(version_1, Spec(Task("a", "true"))), IsEmpty());
}

TEST(SpecDiff, NamesAddedRemovedAndChangedTasks) {
  const auto lines = SpecDiff(Spec(Task("a", "one") + "," + Task("b", "true")),
                              Spec(Task("c", "true") + "," + Task("a", "two")));
  EXPECT_THAT(lines,
              ElementsAre("+ task c", "~ task a", R"(    command: "one" -> "two")", "- task b"));
}

TEST(SpecDiff, ShowsRulesAsTheyRead) {
  const auto with = [](const std::string& rules) {
    return Spec(Task("a", "true", R"(, "rules": [)" + rules + "]"));
  };
  EXPECT_THAT(
      SpecDiff(with(StartOn("x") + "," + StartOn("y")), with(StartOn("y") + "," + StartOn("z"))),
      ElementsAre("~ task a", "    - rule START on event x", "    + rule START on event z"));
  EXPECT_THAT(
      SpecDiff(with(StartOn("x") + "," + StartOn("y")), with(StartOn("y") + "," + StartOn("x"))),
      ElementsAre("~ task a", "    the order of its rules"));
}

TEST(SpecDiff, ShowsMembersOfTheWorkflow) {
  const auto lines = SpecDiff(Spec(Task("a", "true")),
                              Spec(Task("a", "true"), R"(, "timezone": "Europe/Berlin")"));
  EXPECT_THAT(lines, ElementsAre(testing::AllOf(testing::HasSubstr("timezone: "),
                                                testing::HasSubstr("-> \"Europe/Berlin\""))));
}

}  // namespace
}  // namespace aiflow::cli
