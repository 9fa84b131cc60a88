#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"

namespace aiflow {

/// CRC-32 as in zlib; of more bytes when `before` is the checksum of those before them.
uint32_t Checksum(std::string_view bytes, uint32_t before = 0);

/// An append-only file of checksummed frames, each durable when Append returns and whole or absent
/// after a crash. docs/formats/event-log.md has the layout.
///
/// A frame is written only after the one before it is durable. So a broken frame at the end is one
/// that was never acknowledged, and is cut when opened; a broken one with a whole one behind it is
/// damage, and refused. Append, Settle and Trim belong to one thread; file() may be read by any.
class FrameFile {
 public:
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t kHeaderBytes = 72;
  static constexpr size_t kFrameHeaderBytes = 16;
  static constexpr size_t kMaxPayloadBytes = size_t{1} << 30;

  struct Header {
    std::string magic;   // 8 bytes: what kind of file
    std::string log_id;  // 36 bytes: of which log
    int64_t first = 0;   // the first offset of a segment
    uint64_t salt = 0;   // random; begins each frame
  };
  /// Takes each whole frame in order: the position of its payload in the file, and the payload.
  using OnFrame = std::function<Status(uint64_t position, std::string_view payload)>;

  /// Makes the file durably, replacing a leftover of the same name.
  static Result<std::unique_ptr<FrameFile>> Create(FileSystem& files, const std::string& directory,
                                                   const std::string& name, const Header& header);
  /// Opens for appending: checks everything, cuts a torn tail and makes the rest durable. kDataLoss
  /// with path and position when there is damage, kFailedPrecondition for a newer version.
  static Result<std::unique_ptr<FrameFile>> OpenLast(FileSystem& files, const std::string& path,
                                                     std::string_view magic,
                                                     std::string_view log_id,
                                                     const OnFrame& on_frame);
  /// Opens a file to which nothing will be appended. With `on_frame` checks everything, and a torn
  /// tail is damage; without reads the header only.
  static Result<std::unique_ptr<FrameFile>> OpenSealed(FileSystem& files, const std::string& path,
                                                       std::string_view magic,
                                                       std::string_view log_id,
                                                       const OnFrame& on_frame);

  /// Appends one frame and returns the position of its payload. After an error nothing of it is
  /// there; what was half written is cut off at once, or before the next frame if the disk refuses.
  Result<uint64_t> Append(std::string_view payload);
  /// Cuts off what a failed Append may have left.
  Status Settle();
  /// How much space is reserved at a time for frames to come.
  void set_reserve_step(uint64_t bytes) { reserve_step_ = bytes; }
  /// Gives space back that was reserved for frames to come.
  Status Trim();

  const Header& header() const { return header_; }
  const std::string& path() const { return path_; }
  uint64_t end() const { return end_; }
  const std::shared_ptr<File>& file() const { return file_; }

 private:
  FrameFile(std::string path, std::shared_ptr<File> file, Header header);

  static Result<std::unique_ptr<FrameFile>> OpenHeader(FileSystem& files, const std::string& path,
                                                       std::string_view magic,
                                                       std::string_view log_id);
  Status Scan(const OnFrame& on_frame, bool may_cut);
  bool WholeFrameAt(std::string_view contents, uint64_t position) const;
  Status MakeTailDurable();
  Status Reserve(uint64_t size);
  void RememberTail(std::string_view written);
  Status Damage(uint64_t position, const std::string& what) const;

  const std::string path_;
  const std::shared_ptr<File> file_;
  const Header header_;
  uint64_t end_ = kHeaderBytes;         // of the last durable frame
  uint64_t last_frame_ = kHeaderBytes;  // begin of the last frame
  uint64_t reserved_ = 0;
  uint64_t reserve_step_ = 64 << 10;
  bool unsettled_ = false;  // bytes behind end_ may be left from a failed append
  std::string tail_;        // the bytes from the last page boundary before end_ to end_
  std::string frame_;       // kept for its capacity
};

}  // namespace aiflow
