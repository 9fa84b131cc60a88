#include "storage/segments/removed_events.h"

#include <utility>

#include "storage/segments/sealed_file.h"

namespace aiflow {
namespace {

constexpr SealedFile kFile{.magic = "AIFLREM\n", .version = 1, .name = RemovedEvents::kFileName};

}  // namespace

Status RemovedEvents::Write(FileSystem& files, const std::string& directory,
                            const std::string& log_id) const {
  std::string body;
  PutNumber<int64_t>(body, first);
  PutNumber<int64_t>(body, last_time.count());
  PutNumber<uint32_t>(body, static_cast<uint32_t>(sequences.ranges().size()));
  for (const auto& [client, ranges] : sequences.ranges()) {
    PutNumber<int64_t>(body, client);
    PutNumber<uint32_t>(body, static_cast<uint32_t>(ranges.size()));
    for (const auto& [from, to] : ranges) {
      PutNumber<int64_t>(body, from);
      PutNumber<int64_t>(body, to);
    }
  }
  return kFile.Write(files, directory, log_id, body);
}

Result<RemovedEvents> RemovedEvents::Read(FileSystem& files, const std::string& directory,
                                          const std::string& log_id) {
  const Result<std::string> body = kFile.Read(files, directory, log_id);
  if (!body) return Error(body.error());
  RemovedEvents removed;
  BodyReader reader(*body);
  removed.first = reader.TakeNumber<int64_t>();
  removed.last_time = Millis(reader.TakeNumber<int64_t>());
  for (auto clients = reader.TakeNumber<uint32_t>(); clients > 0 && reader.ok(); --clients) {
    const auto client = reader.TakeNumber<int64_t>();
    ClientSequences::Ranges ranges;
    for (auto count = reader.TakeNumber<uint32_t>(); count > 0 && reader.ok(); --count) {
      const auto from = reader.TakeNumber<int64_t>();
      ranges.emplace_back(from, reader.TakeNumber<int64_t>());
    }
    removed.sequences.SetRanges(client, std::move(ranges));
  }
  if (!reader.complete() || removed.first < 1) return Error(kFile.Damaged(directory));
  return removed;
}

}  // namespace aiflow
