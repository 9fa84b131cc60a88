#include "api/rest/proto_comments.h"

#include <google/protobuf/descriptor.pb.h>

#include "base/check.h"

namespace aiflow::api::rest {

// Generated: the proto files with their comments, which the code made from them does not hold.
extern const unsigned char kApiDescriptors[];
extern const size_t kApiDescriptorsSize;

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::SourceLocation;

const DescriptorPool& Documented() {
  static const DescriptorPool* const kPool = [] {
    google::protobuf::FileDescriptorSet files;
    CHECK(files.ParseFromArray(kApiDescriptors, static_cast<int>(kApiDescriptorsSize)))
        << "the embedded descriptors are damaged";
    auto* pool = new DescriptorPool();
    for (const auto& file : files.file()) pool->BuildFile(file);
    return pool;
  }();
  return *kPool;
}

std::string OneLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t';
    if (!blank) {
      line.push_back(c);
    } else if (!line.empty() && line.back() != ' ') {
      line.push_back(' ');
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

template <typename Descriptor>
std::string Comment(const Descriptor* documented) {
  SourceLocation location;
  if (documented == nullptr || !documented->GetSourceLocation(&location)) return {};
  const std::string before = OneLine(location.leading_comments);
  const std::string behind = OneLine(location.trailing_comments);
  return before.empty() || behind.empty() ? before + behind : before + " " + behind;
}

}  // namespace

std::string CommentOf(const google::protobuf::MethodDescriptor& method) {
  return Comment(Documented().FindMethodByName(method.full_name()));
}
std::string CommentOf(const google::protobuf::FieldDescriptor& field) {
  return Comment(Documented().FindFieldByName(field.full_name()));
}
std::string CommentOf(const google::protobuf::Descriptor& message) {
  return Comment(Documented().FindMessageTypeByName(message.full_name()));
}

}  // namespace aiflow::api::rest
