#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bundle/extract.h"
#include "bundle/pack.h"
#include "bundle/unpack.h"
#include "model/limits.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct ArchiveItem {
  std::string name;
  std::string contents;
  int type = AE_IFREG;
  int mode = 0644;
  std::string symlink;
  std::string hard_link;
};

la_ssize_t AppendTo(archive*, void* out, const void* data, size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

enum class Format { kZip, kTarGz };

/// An archive with exactly these entries, also evil ones.
std::string MakeArchive(const std::vector<ArchiveItem>& items, Format format = Format::kZip) {
  std::string bytes;
  archive* out = archive_write_new();
  archive_write_set_bytes_in_last_block(out, 1);  // no padding
  if (format == Format::kZip) {
    archive_write_set_format_zip(out);
  } else {
    archive_write_set_format_gnutar(out);
    archive_write_add_filter_gzip(out);
  }
  EXPECT_EQ(archive_write_open(out, &bytes, nullptr, AppendTo, nullptr), ARCHIVE_OK);
  for (const ArchiveItem& item : items) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.name.c_str());
    archive_entry_set_perm(entry, static_cast<mode_t>(item.mode));
    archive_entry_set_filetype(entry, static_cast<unsigned>(item.type));
    archive_entry_set_size(entry, static_cast<int64_t>(item.contents.size()));
    if (!item.symlink.empty()) archive_entry_set_symlink(entry, item.symlink.c_str());
    if (!item.hard_link.empty()) archive_entry_set_hardlink(entry, item.hard_link.c_str());
    EXPECT_EQ(archive_write_header(out, entry), ARCHIVE_OK) << archive_error_string(out);
    archive_write_data(out, item.contents.data(), item.contents.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(out), ARCHIVE_OK);
  archive_write_free(out);
  return bytes;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t ModeOf(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

class CountingBlobs : public BlobStore {
 public:
  Result<std::string> Put(std::string_view bytes) override { return blobs_.Put(bytes); }
  Result<std::string> Get(const std::string& digest) const override {
    ++gets_;
    return blobs_.Get(digest);
  }
  Result<bool> Has(const std::string& digest) const override { return blobs_.Has(digest); }
  [[nodiscard]] int gets() const { return gets_; }
  void Corrupt(const std::string& digest) { blobs_.Corrupt(digest); }

 private:
  MemoryBlobStore blobs_;
  mutable std::atomic<int> gets_ = 0;
};

class BundleTest : public testing::Test {
 protected:
  ~BundleTest() override { EXPECT_TRUE(bundle::RemoveTree(dir_).ok()); }

  static fs::path MakeDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-bundle-XXXXXX";
    return mkdtemp(pattern.data());
  }
  fs::path root() const { return dir_ / "bundles"; }
  fs::path Write(const fs::path& relative, const std::string& contents, int mode = 0644) {
    const fs::path path = dir_ / relative;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << contents;
    chmod(path.c_str(), static_cast<mode_t>(mode));
    return path;
  }
  Result<fs::path> Unpack(const std::string& archive) { return bundles_.Get(*blobs_.Put(archive)); }
  /// What is refused leaves nothing behind, neither in the root nor outside.
  void ExpectRefused(const std::vector<ArchiveItem>& items, const std::string& entry,
                     Format format = Format::kZip) {
    const auto got = Unpack(MakeArchive(items, format));
    ASSERT_FALSE(got) << entry;
    EXPECT_EQ(got.error().code(), Code::kInvalidArgument) << got.error();
    EXPECT_THAT(got.error().message(), HasSubstr("'" + entry + "'"));
    EXPECT_TRUE(fs::is_empty(root()));
    EXPECT_FALSE(fs::exists(dir_ / "evil"));
  }

  const fs::path dir_ = MakeDir();
  CountingBlobs blobs_;
  BundleDirectory bundles_{root(), blobs_};
};

TEST_F(BundleTest, WhatWasPackedUnpacksTheSame) {
  const fs::path file = Write("src/flow.py", "print('flow')");
  Write("src/data/a.csv", "1,2");
  Write("src/data/deep/größe ü.bin", std::string(300'000, 'x') + std::string("\0y", 2));
  Write("src/data/run.sh", "#!/bin/sh\n", 0755);
  Write("src/data/__pycache__/flow.pyc", "stale");
  fs::create_directories(dir_ / "src/data/empty");
  const fs::path extra = Write("elsewhere/notes.txt", "");
  const auto packed = PackBundle(file, {dir_ / "src/data/", extra});
  ASSERT_TRUE(packed) << packed.error();
  EXPECT_EQ(packed->top_directory, "flow");
  const auto got = Unpack(packed->bytes);
  ASSERT_TRUE(got) << got.error();
  EXPECT_EQ(ReadFile(*got / "flow/flow.py"), "print('flow')");
  EXPECT_EQ(ReadFile(*got / "flow/data/a.csv"), "1,2");
  EXPECT_EQ(ReadFile(*got / "flow/data/deep/größe ü.bin").size(), 300'002U);
  EXPECT_EQ(ReadFile(*got / "flow/notes.txt"), "");
  EXPECT_TRUE(fs::is_empty(*got / "flow/data/empty"));
  EXPECT_FALSE(fs::exists(*got / "flow/data/__pycache__"));
}

TEST_F(BundleTest, UnpackedFilesAreReadOnlyAndKeepExecutableBits) {
  const auto got = Unpack(MakeArchive(
      {{.name = "f/run", .contents = "x", .mode = 0755}, {.name = "f/data", .mode = 0666}}));
  ASSERT_TRUE(got) << got.error();
  EXPECT_EQ(ModeOf(*got / "f/run"), 0555U);
  EXPECT_EQ(ModeOf(*got / "f/data"), 0444U);
  EXPECT_EQ(ModeOf(*got / "f"), 0555U);
  EXPECT_EQ(ModeOf(*got), 0555U);
}

TEST_F(BundleTest, UnpacksTarGzWithLinksThatStayInside) {
  const auto got =
      Unpack(MakeArchive({{.name = "./f/"},
                          {.name = "./f/real/x", .contents = "data"},
                          {.name = "f/sub/link", .type = AE_IFLNK, .symlink = "../real/x"},
                          {.name = "f/hard", .hard_link = "f/real/x"}},
                         Format::kTarGz));
  ASSERT_TRUE(got) << got.error();
  EXPECT_EQ(ReadFile(*got / "f/sub/link"), "data");
  EXPECT_EQ(ReadFile(*got / "f/hard"), "data");
}

TEST_F(BundleTest, RefusesNamesThatLeadOut) {
  ExpectRefused({{.name = "f/ok", .contents = "x"}, {.name = "../evil", .contents = "x"}},
                "../evil");
  ExpectRefused({{.name = "f/../../evil", .contents = "x"}}, "f/../../evil");
  ExpectRefused({{.name = "f/..", .contents = "x"}}, "f/..");
  const std::string absolute = dir_ / "evil";
  ExpectRefused({{.name = absolute, .contents = "x"}}, absolute);
  ExpectRefused({{.name = absolute, .contents = "x"}}, absolute, Format::kTarGz);
}

TEST_F(BundleTest, RefusesLinksThatLeadOut) {
  ExpectRefused({{.name = "f/l", .type = AE_IFLNK, .symlink = "/etc"}}, "f/l");
  ExpectRefused({{.name = "f/l", .type = AE_IFLNK, .symlink = "../../evil"}}, "f/l");
  ExpectRefused({{.name = "f/l", .type = AE_IFLNK, .symlink = "a/../../../evil"}}, "f/l");
  // Each link alone stays inside by its text; together they would not.
  ExpectRefused({{.name = "a/up", .type = AE_IFLNK, .symlink = ".."},
                 {.name = "b", .type = AE_IFLNK, .symlink = "a/up/.."}},
                "b");
  ExpectRefused({{.name = "f/h", .hard_link = "../../etc/passwd"}}, "f/h", Format::kTarGz);
  ExpectRefused({{.name = "f/h", .hard_link = "/etc/passwd"}}, "f/h", Format::kTarGz);
}

TEST_F(BundleTest, RefusesToWriteThroughALink) {
  ExpectRefused(
      {{.name = "f/l", .type = AE_IFLNK, .symlink = "."}, {.name = "f/l/x", .contents = "x"}},
      "f/l/x");
  ExpectRefused(
      {{.name = "f/l", .type = AE_IFLNK, .symlink = "x"}, {.name = "f/l", .contents = "x"}}, "f/l",
      Format::kTarGz);
}

TEST_F(BundleTest, RefusesSpecialFilesAndDuplicates) {
  ExpectRefused({{.name = "f/pipe", .type = AE_IFIFO}}, "f/pipe", Format::kTarGz);
  ExpectRefused({{.name = "f/x", .contents = "1"}, {.name = "f//x", .contents = "2"}}, "f/x");
}

TEST_F(BundleTest, RefusesABombByWhatItUnpacksTo) {
  const std::string bomb = MakeArchive({{.name = "f/a", .contents = std::string(600'000, '0')},
                                        {.name = "f/b", .contents = std::string(600'000, '0')}});
  ASSERT_LT(bomb.size(), 10'000U);
  fs::create_directory(dir_ / "fits");
  EXPECT_TRUE(bundle::ExtractArchive(bomb, dir_ / "fits", {.bytes = 1'200'000, .entries = 3}).ok());
  for (const bundle::ExtractLimits& limits :
       {bundle::ExtractLimits{.bytes = 1'199'999}, bundle::ExtractLimits{.entries = 2}}) {
    fs::create_directory(dir_ / "bomb");
    const Status status = bundle::ExtractArchive(bomb, dir_ / "bomb", limits);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("'f/b'"));
    EXPECT_TRUE(bundle::RemoveTree(dir_ / "bomb").ok());
  }
}

TEST_F(BundleTest, RefusesWhatIsNoArchiveOrIsCutShort) {
  EXPECT_EQ(Unpack("print('not an archive')").error().code(), Code::kInvalidArgument);
  const std::string whole = MakeArchive({{.name = "f/x", .contents = std::string(100'000, 'x')}});
  EXPECT_EQ(Unpack(whole.substr(0, whole.size() / 2)).error().code(), Code::kInvalidArgument);
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(BundleTest, RefusesUnknownDamagedAndMalformedDigests) {
  EXPECT_EQ(bundles_.Get(Sha256Hex("unknown")).error().code(), Code::kNotFound);
  EXPECT_EQ(bundles_.Get("../x").error().code(), Code::kInvalidArgument);
  const std::string digest = *blobs_.Put(MakeArchive({{.name = "f/x"}}));
  blobs_.Corrupt(digest);
  EXPECT_EQ(bundles_.Get(digest).error().code(), Code::kDataLoss);
}

// Rule 31: a snapshot is unpacked once, also when many ask at the same moment.
TEST_F(BundleTest, Rule31SixteenThreadsUnpackOnce) {
  std::vector<ArchiveItem> items;
  for (int i = 0; i < 50; ++i) {
    items.push_back({.name = "f/" + std::to_string(i), .contents = std::string(1000, 'x')});
  }
  const std::string digest = *blobs_.Put(MakeArchive(items));
  std::latch start(16);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        const auto got = bundles_.Get(digest);
        ASSERT_TRUE(got) << got.error();
        for (int n = 0; n < 50; ++n) {
          EXPECT_EQ(fs::file_size(*got / "f" / std::to_string(n)), 1000U);
        }
      });
    }
  }
  EXPECT_EQ(blobs_.gets(), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(root()), {}), 1);  // no left-overs
}

// Rule 31, between processes: 16 of them released together see one complete directory.
TEST_F(BundleTest, Rule31SixteenProcessesSeeOneCompleteDirectory) {
  std::vector<ArchiveItem> items;
  for (int i = 0; i < 50; ++i) {
    items.push_back({.name = "f/" + std::to_string(i), .contents = std::string(1000, 'x')});
  }
  const std::string digest = *blobs_.Put(MakeArchive(items));
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(gate[1]);
      char byte = 0;
      [[maybe_unused]] const ssize_t released = read(gate[0], &byte, 1);  // until closed
      const auto got = bundles_.Get(digest);
      int complete = 0;
      std::error_code error;
      for (int n = 0; got && n < 50; ++n) {
        complete += fs::file_size(*got / "f" / std::to_string(n), error) == 1000 ? 1 : 0;
      }
      // Who found it unpacked did not read the blob.
      _exit(complete != 50 ? 2 : blobs_.gets() == 0 ? 0 : 1);
    }
    children.push_back(child);
  }
  close(gate[0]);
  close(gate[1]);
  int unpacked = 0;
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_LE(WEXITSTATUS(status), 1);
    unpacked += WEXITSTATUS(status);
  }
  EXPECT_EQ(unpacked, 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(root()), {}), 1);
}

TEST_F(BundleTest, LeftOversOfAKilledUnpackerAreReplaced) {
  const std::string digest = *blobs_.Put(MakeArchive({{.name = "f/x", .contents = "right"}}));
  Write("bundles/.new-" + digest + "/f/x", "half");
  Write("bundles/.lock-" + digest, "");
  const auto got = bundles_.Get(digest);
  ASSERT_TRUE(got) << got.error();
  EXPECT_EQ(ReadFile(*got / "f/x"), "right");
  EXPECT_EQ(std::distance(fs::directory_iterator(root()), {}), 1);
}

TEST_F(BundleTest, BundlesThatAreNotUsedAnyMoreAreRemovedWhole) {
  const std::string used = *blobs_.Put(MakeArchive({{.name = "f/x", .contents = "used"}}));
  const std::string old = *blobs_.Put(MakeArchive({{.name = "f/d/x", .contents = "old"}}));
  EXPECT_EQ(*bundles_.Sweep([](const std::string&) { return true; }), 0) << "none is there";
  ASSERT_TRUE(bundles_.Get(used));
  ASSERT_TRUE(bundles_.Get(old));
  Write("bundles/.old-" + old + "/f/half", "removal was interrupted");
  Write("bundles/notes/x", "not one of ours");
  EXPECT_EQ(*bundles_.Sweep([&old](const std::string& digest) { return digest == old; }), 1);
  EXPECT_FALSE(fs::exists(root() / old));
  EXPECT_TRUE(fs::exists(root() / used / "f/x"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root()), {}), 2);
  EXPECT_TRUE(bundles_.Get(old)) << "it may come back";
}

TEST_F(BundleTest, PackingIsDeterministic) {
  const auto pack = [&](const std::string& where, time_t time) {
    const fs::path file = Write(where + "/flow", "binary", 0755);
    for (const char* name : {"/data/b", "/data/a"}) Write(where + name, name);
    const timeval times[2] = {{time, 0}, {time, 0}};
    EXPECT_EQ(utimes(file.c_str(), times), 0);
    return PackBundle(file, {dir_ / where / "data"})->bytes;
  };
  EXPECT_EQ(pack("one", 1'000'000'000), pack("two", 1'700'000'000));
}

TEST_F(BundleTest, PackingFollowsLinksButNotInCircles) {
  const fs::path file = Write("flow.py", "x");
  Write("real/a", "a");
  fs::create_directories(dir_ / "data");
  fs::create_directory_symlink(dir_ / "real", dir_ / "data/linked");
  const auto got = Unpack(PackBundle(file, {dir_ / "data"})->bytes);
  EXPECT_EQ(ReadFile(*got / "flow/data/linked/a"), "a");
  fs::create_directory_symlink(dir_ / "data", dir_ / "data/circle");
  const auto circle = PackBundle(file, {dir_ / "data"});
  ASSERT_FALSE(circle);
  EXPECT_THAT(circle.error().message(), HasSubstr("circle"));
}

TEST_F(BundleTest, PackingSaysWhatIsMissingOrInTheWay) {
  const fs::path file = Write("flow.py", "x");
  EXPECT_THAT(PackBundle(dir_ / "gone.py", {}).error().message(), HasSubstr("gone.py"));
  EXPECT_THAT(PackBundle(file, {dir_ / "gone"}).error().message(), HasSubstr("No such file"));
  const auto twice = PackBundle(file, {Write("other/flow.py", "y")});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(twice.error().message(), HasSubstr("flow/flow.py"));
  mkfifo((dir_ / "pipe").c_str(), 0600);
  EXPECT_FALSE(PackBundle(file, {dir_ / "pipe"}));
}

TEST_F(BundleTest, PackingRefusesMoreThanTheLimit) {
  const fs::path file = Write("flow.py", "x");
  const fs::path sparse = Write("huge", "");
  fs::resize_file(sparse, kMaxUnpackedBytes);
  const auto packed = PackBundle(file, {sparse});
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(packed.error().message(), HasSubstr("kMaxUnpackedBytes"));
}

TEST_F(BundleTest, ArtifactsMayBeGivenRelativeToTheWorkingDirectory) {
  const fs::path file = Write("here/flow.py", "x");
  Write("here/data/a", "a");
  const fs::path before = fs::current_path();
  fs::current_path(dir_ / "here/data");
  const auto packed = PackBundle("../flow.py", {"."});
  fs::current_path(before);
  ASSERT_TRUE(packed) << packed.error();
  EXPECT_EQ(ReadFile(*Unpack(packed->bytes) / "flow/data/a"), "a");
}

}  // namespace
}  // namespace aiflow
