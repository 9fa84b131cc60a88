#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace aiflow::cli {

/// A directory of its own for one test; removed with all it holds.
class TempDirForTest {
 public:
  TempDirForTest() {
    std::string name = testing::TempDir() + "aiflow_cli_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TempDirForTest() { std::filesystem::remove_all(path_); }
  TempDirForTest(const TempDirForTest&) = delete;
  TempDirForTest& operator=(const TempDirForTest&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file and returns its path.
  std::filesystem::path Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  /// The whole file; empty when there is none.
  std::string Read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Writes a shell script that can be executed.
  std::filesystem::path WriteScript(const std::string& name, const std::string& body) const {
    const std::filesystem::path path = Write(name, "#!/bin/sh\n" + body + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace aiflow::cli
