// Tries an executor plug-in against everything that the server relies on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "contract/executor_contract.h"
#include "contract/plugin_world.h"

namespace aiflow {

INSTANTIATE_TEST_SUITE_P(Plugin, ExecutorContract, testing::Values(ExecutorWorldFactory{[] {
                           return std::make_unique<PluginWorld>();
                         }}));

}  // namespace aiflow

namespace {

constexpr char kUsage[] =
    R"(Usage: aiflow-executor-contract [OPTIONS] -- COMMAND [ARGUMENT...]

Runs an executor plug-in, as a server would, and tries whether it keeps what it promises: each
attempt starts at most once, nothing is lost when the plug-in is killed, stops reach everything,
and so on (docs/formats/executor-plugin.md). Each test prints its promise first.

  --dir DIR       where the files of the tests are made, one directory for each test; the server's
                  machine and the place where commands run must see it under this path
                  (default: the directory for temporary files)
  --config JSON   what the plug-in finds in AIFLOW_EXECUTOR_CONFIG (default: {})
  --filter TEXT   only tests whose names match: *Stop*, -*Secrets* (as --gtest_filter)
  --repeat N      so many times
  --keep          the directories of the tests stay
  --list          prints the names of the tests
  --help          prints this

Exit code 0: every test passed; 1: one failed; 2: wrong usage.
)";

int Wrong(const std::string& what) {
  std::cerr << "aiflow-executor-contract: " << what << "\nTry --help.\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> gtest = {argv[0], "--gtest_color=auto"};
  aiflow::PluginUnderTest& plugin = aiflow::ThePlugin();
  const std::vector<std::string> words(argv + 1, argv + argc);
  bool lists = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      plugin.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word == "--help" || word == "-h") {
      std::cout << kUsage;
      return 0;
    }
    if (word == "--keep") {
      plugin.keep = true;
      continue;
    }
    if (word == "--list") {
      lists = true;
      gtest.emplace_back("--gtest_list_tests");
      continue;
    }
    if (word.starts_with("--gtest_")) {
      gtest.push_back(word);
      continue;
    }
    if (word != "--dir" && word != "--config" && word != "--filter" && word != "--repeat") {
      return Wrong("unknown option " + word +
                   (word.starts_with("-") ? "" : "; the command of the plug-in comes behind --"));
    }
    if (++i == words.size()) return Wrong(word + " needs a value");
    if (word == "--dir") plugin.dir = std::filesystem::absolute(words[i]);
    if (word == "--config") plugin.config = words[i];
    if (word == "--filter") gtest.push_back("--gtest_filter=" + words[i]);
    if (word == "--repeat") gtest.push_back("--gtest_repeat=" + words[i]);
  }
  if (plugin.argv.empty() && !lists) return Wrong("no command: it comes behind --");
  std::error_code error;
  std::filesystem::create_directories(plugin.dir, error);
  if (error) return Wrong("cannot make " + plugin.dir.string() + ": " + error.message());
  signal(SIGPIPE, SIG_IGN);
  aiflow::g_print_promises = true;
  std::vector<char*> pointers;
  for (std::string& word : gtest) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  testing::InitGoogleMock(&count, pointers.data());
  return RUN_ALL_TESTS() == 0 ? 0 : 1;
}
