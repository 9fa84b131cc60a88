#include "storage/consumer_table.h"

#include <algorithm>

namespace aiflow {
namespace {

Status NoSuchConsumer(const std::string& name) {
  return {Code::kNotFound, "there is no consumer '" + name + "'; register it first"};
}

Status AboveHead(const std::string& what, Offset offset, Offset head) {
  return {Code::kInvalidArgument, what + " " + std::to_string(offset) +
                                      " is above the last event of the log, " +
                                      std::to_string(head)};
}

}  // namespace

bool IsConsumerName(std::string_view name) {
  return !name.empty() && name.size() <= ConsumerTable::kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

Result<Consumer> ConsumerTable::Register(const std::string& name, Offset after, Offset first,
                                         Offset head, Millis now) {
  if (!IsConsumerName(name)) {
    return Error(Code::kInvalidArgument, "the name of a consumer must be 1 to " +
                                             std::to_string(kMaxNameBytes) +
                                             " letters, digits, '_', '-', '.' or '/'");
  }
  if (const auto found = consumers_.find(name); found != consumers_.end()) return found->second;
  if (after > head) return Error(AboveHead("after_offset", after, head));
  if (consumers_.size() >= kMaxConsumers) {
    return Error(Code::kResourceExhausted,
                 "the log has " + std::to_string(kMaxConsumers) +
                     " consumers already (max_consumers); delete one that is not used any more");
  }
  const Consumer consumer{name, std::max(after, first - 1), now, Millis(0)};
  consumers_.emplace(name, consumer);
  return consumer;
}

Result<Consumer> ConsumerTable::Commit(const std::string& name, Offset cursor, Offset head,
                                       Millis now) {
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return Error(NoSuchConsumer(name));
  if (cursor > head) return Error(AboveHead("offset", cursor, head));
  Consumer& consumer = found->second;
  if (cursor > consumer.cursor) {
    consumer.cursor = cursor;
    consumer.commit_time = now;
  }
  return consumer;
}

Status ConsumerTable::Delete(const std::string& name) {
  return consumers_.erase(name) > 0 ? Status::Ok() : NoSuchConsumer(name);
}

std::vector<Consumer> ConsumerTable::List() const {
  std::vector<Consumer> consumers;
  consumers.reserve(consumers_.size());
  for (const auto& [name, consumer] : consumers_) consumers.push_back(consumer);
  return consumers;
}

Offset ConsumerTable::Bound(Offset offset) const {
  for (const auto& [name, consumer] : consumers_) offset = std::min(offset, consumer.cursor + 1);
  return offset;
}

Status ConsumerTable::SetOwner(const std::string& owner) {
  if (owner.size() > kMaxOwnerBytes) {
    return {Code::kInvalidArgument,
            "the owner's text is longer than " + std::to_string(kMaxOwnerBytes) + " bytes"};
  }
  owner_ = owner;
  return Status::Ok();
}

}  // namespace aiflow
