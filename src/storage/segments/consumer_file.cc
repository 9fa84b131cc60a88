#include "storage/segments/consumer_file.h"

#include <vector>

#include "storage/segments/sealed_file.h"

namespace aiflow {
namespace {

constexpr SealedFile kFile{.magic = "AIFLCON\n", .version = 1, .name = kConsumerFileName};

}  // namespace

Status WriteConsumers(FileSystem& files, const std::string& directory, const std::string& log_id,
                      const ConsumerTable& consumers) {
  std::string body;
  PutText(body, consumers.owner());
  const std::vector<Consumer> list = consumers.List();
  PutNumber<uint32_t>(body, static_cast<uint32_t>(list.size()));
  for (const Consumer& consumer : list) {
    PutText(body, consumer.name);
    PutNumber<int64_t>(body, consumer.cursor);
    PutNumber<int64_t>(body, consumer.create_time.count());
    PutNumber<int64_t>(body, consumer.commit_time.count());
  }
  return kFile.Write(files, directory, log_id, body);
}

Result<ConsumerTable> ReadConsumers(FileSystem& files, const std::string& directory,
                                    const std::string& log_id) {
  const Result<std::string> body = kFile.Read(files, directory, log_id);
  if (!body) return Error(body.error());
  ConsumerTable table;
  BodyReader reader(*body);
  if (Status owner = table.SetOwner(reader.TakeText()); !owner.ok()) {
    return Error(kFile.Damaged(directory));
  }
  for (auto count = reader.TakeNumber<uint32_t>(); count > 0 && reader.ok(); --count) {
    Consumer consumer;
    consumer.name = reader.TakeText();
    consumer.cursor = reader.TakeNumber<int64_t>();
    consumer.create_time = Millis(reader.TakeNumber<int64_t>());
    consumer.commit_time = Millis(reader.TakeNumber<int64_t>());
    if (reader.ok()) table.Put(consumer);
  }
  if (!reader.complete()) return Error(kFile.Damaged(directory));
  return table;
}

}  // namespace aiflow
