#include <chrono>

#include "server/blob_store_config.h"
#include "server/doctor/checks.h"
#include "storage/blobs/remote/remote_blob_store.h"

namespace aiflow::server {
namespace {

/// A person waits.
constexpr remote::RetryLimits kDoctorLimits{
    .attempts = 2, .total = Millis(5'000), .first_delay = Millis(100), .max_delay = Millis(500)};

/// Whether uploads of a time before are in the home, and not in the store.
bool HasLocalBlobs(const Home& home) {
  std::error_code error;
  const std::filesystem::directory_iterator entry(home.blobs(), error);
  return !error && entry != std::filesystem::directory_iterator();
}

std::string OwnerOf(const Home& home) {
  Result<std::string> owner = ReadTextFile(home.blob_owner());
  while (owner.has_value() && !owner->empty() && owner->back() == '\n') owner->pop_back();
  return owner.value_or("");
}

}  // namespace

void CheckBlobs(const Patient& patient, Findings& findings) {
  if (!patient.exists) return;
  const remote::StopFlag never;
  std::unique_ptr<remote::ObjectStore> objects =
      MakeObjectStore(patient.config, kDoctorLimits, never);
  if (objects == nullptr) {
    return findings.Ok("blob store", patient.home.blobs().string());
  }
  const std::string where = objects->where();
  const std::string own = OwnerOf(patient.home);
  const remote::RemoteBlobStore blobs(std::move(objects), own);
  const Result<std::string> owner = blobs.Owner();
  if (!owner.has_value() && owner.error().code() != Code::kNotFound) {
    return findings.Problem("blob store", owner.error().message(),
                            "new uploads, and tasks whose bundle is not in the home, need it; see "
                            "docs/blob-stores.md");
  }
  if (owner.has_value() && *owner != own) {
    return findings.Problem("blob store", where + " belongs to another home, " + *owner,
                            "give each home its own blob_store_prefix; if that home is gone, "
                            "remove the object " +
                                std::string(remote::kOwnerObject));
  }
  if (HasLocalBlobs(patient.home)) {
    return findings.Warning("blob store",
                            where + ", but " + patient.home.blobs().string() + " holds blobs, too",
                            "copy them to the store, names and all, then remove that directory");
  }
  findings.Ok("blob store",
              where + (owner.has_value() ? ", reached, ours" : ", reached, nothing in it yet"));
}

}  // namespace aiflow::server
