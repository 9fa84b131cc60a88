#include "storage/segments/client_registry.h"

#include "storage/segments/bytes.h"

namespace aiflow {
namespace {

constexpr std::string_view kMagic = "AIFLCLI\n";
enum Type : uint8_t { kRegistered = 1, kDeleted = 2 };

/// Type, id, time, and for a registration the size of the namespace, the namespace, the sender.
std::string Encode(Type type, int64_t id, Millis now) {
  std::string payload;
  PutNumber<uint8_t>(payload, type);
  PutNumber<int64_t>(payload, id);
  PutNumber<int64_t>(payload, now.count());
  return payload;
}

}  // namespace

Result<std::unique_ptr<ClientRegistry>> ClientRegistry::Open(FileSystem& files,
                                                             const std::string& directory,
                                                             const std::string& log_id, bool exists,
                                                             uint64_t salt) {
  std::unique_ptr<ClientRegistry> registry(new ClientRegistry());
  auto frames = exists ? FrameFile::OpenLast(files, directory + "/" + kFileName, kMagic, log_id,
                                             [&](uint64_t position, std::string_view payload) {
                                               return registry->Apply(position, payload);
                                             })
                       : FrameFile::Create(files, directory, kFileName,
                                           {std::string(kMagic), log_id, 0, salt});
  if (!frames) return Error(frames.error());
  registry->frames_ = std::move(*frames);
  return registry;
}

Status ClientRegistry::Apply(uint64_t position, std::string_view payload) {
  const auto next = static_cast<int64_t>(alive_.size());
  const int64_t id = payload.size() < 17 ? 0 : GetNumber<int64_t>(payload, 1);
  const auto type = payload.empty() ? 0 : GetNumber<uint8_t>(payload, 0);
  if (type == kRegistered && id == next) {
    alive_.push_back(true);
  } else if (type == kDeleted && Exists(id)) {
    alive_[static_cast<size_t>(id)] = false;
  } else {
    return {Code::kDataLoss, std::string("the file '") + kFileName + "' at byte " +
                                 std::to_string(position) + ": client " + std::to_string(id) +
                                 " out of order"};
  }
  return Status::Ok();
}

Status ClientRegistry::WriteRegistration(Millis now, const std::string& ns,
                                         const std::string& sender) {
  std::string payload = Encode(kRegistered, static_cast<int64_t>(alive_.size()), now);
  PutNumber<uint32_t>(payload, static_cast<uint32_t>(ns.size()));
  payload += ns + sender;
  const auto written = frames_->Append(payload);
  return written ? Status::Ok() : written.error();
}

int64_t ClientRegistry::PublishRegistration() {
  alive_.push_back(true);
  return static_cast<int64_t>(alive_.size()) - 1;
}

Status ClientRegistry::WriteDeletion(Millis now, int64_t id) {
  const auto written = frames_->Append(Encode(kDeleted, id, now));
  return written ? Status::Ok() : written.error();
}

void ClientRegistry::PublishDeletion(int64_t id) { alive_[static_cast<size_t>(id)] = false; }

bool ClientRegistry::Exists(int64_t id) const {
  return id > 0 && id < static_cast<int64_t>(alive_.size()) && alive_[static_cast<size_t>(id)];
}

}  // namespace aiflow
