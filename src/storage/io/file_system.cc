#include "storage/io/file_system.h"

namespace aiflow {

Result<std::string> ReadFile(FileSystem& files, const std::string& path) {
  auto file = files.Open(path);
  if (!file) return Error(file.error());
  const auto size = (*file)->Size();
  if (!size) return Error(size.error());
  std::string contents(*size, '\0');
  const auto read = (*file)->ReadAt(0, contents.data(), contents.size());
  if (!read) return Error(read.error());
  contents.resize(*read);
  return contents;
}

Status ReplaceFile(FileSystem& files, const std::string& directory, const std::string& name,
                   std::string_view contents) {
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".tmp";
  {
    auto file = files.Create(temporary);
    if (!file) return file.error();
    AIFLOW_RETURN_IF_ERROR((*file)->WriteAt(0, contents));
    AIFLOW_RETURN_IF_ERROR((*file)->Sync());
  }
  AIFLOW_RETURN_IF_ERROR(files.Rename(temporary, path));
  return files.SyncDirectory(directory);
}

}  // namespace aiflow
