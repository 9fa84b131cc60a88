#include "yaml/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "model/limits.h"

namespace aiflow::yaml {
namespace {

constexpr std::string_view kMergeKey = "<<";
constexpr size_t kNodeWeight = 16;

Position At(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Builds nodes from the parser's events. After an error the rest of the file is not looked at.
class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {
    anchors_.clear();
    document_.reset();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed()) return;
    auto node = NewNode(Node::Kind::kNull, mark);
    Finish(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (failed()) return;
    if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str") return FailTag(mark, tag);
    auto node = NewNode(Node::Kind::kScalar, mark);
    node->text = value;
    node->quoted = tag != "?";
    node->weight += value.size();
    Finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed()) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return Fail(At(mark), "an alias is within what it stands for");
    Put(found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(Node::Kind::kSequence, mark, tag, "tag:yaml.org,2002:seq", anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(Node::Kind::kMapping, mark, tag, "tag:yaml.org,2002:map", anchor);
  }
  void OnMapEnd() override { Close(); }

  [[nodiscard]] bool failed() const { return !error_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] Position error_position() const { return error_position_; }
  [[nodiscard]] Node::Ptr document() const { return document_; }

  void Fail(Position at, std::string what) {
    if (failed()) return;
    error_ = std::move(what);
    error_position_ = at;
  }

 private:
  struct Pending {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor;
    Node::Ptr key;  // kMapping: the key whose value comes next
  };

  static std::shared_ptr<Node> NewNode(Node::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->at = At(mark);
    node->weight = kNodeWeight;
    return node;
  }

  void FailTag(const YAML::Mark& mark, const std::string& tag) {
    Fail(At(mark), "the tag " + tag + " is not known here");
  }

  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, const char* known,
            YAML::anchor_t anchor) {
    if (failed()) return;
    if (tag != "?" && tag != "!" && !tag.empty() && tag != known) return FailTag(mark, tag);
    if (open_.size() >= limits::kMaxJsonDepth) {
      return Fail(At(mark),
                  "nested deeper than " + std::to_string(limits::kMaxJsonDepth) + " levels");
    }
    open_.push_back({NewNode(kind, mark), anchor, nullptr});
  }

  void Close() {
    if (failed()) return;
    Pending open = std::move(open_.back());
    open_.pop_back();
    if (open.node->kind == Node::Kind::kMapping && !Merge(*open.node)) return;
    Finish(std::move(open.node), open.anchor);
  }

  void Finish(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    Put(std::move(node));
  }

  /// The node is complete: it goes into the one around it.
  void Put(Node::Ptr node) {
    if (open_.empty()) {
      weight_ += node->weight;
      document_ = std::move(node);
      return;
    }
    Pending& around = open_.back();
    around.node->weight += node->weight;
    if (weight_ + around.node->weight > limits::kMaxExpandedYamlBytes) {
      return Fail(node->at, "the file is over the limit of " +
                                std::to_string(limits::kMaxExpandedYamlBytes) +
                                " bytes when its aliases are expanded");
    }
    if (around.node->kind == Node::Kind::kSequence) {
      around.node->items.push_back(std::move(node));
    } else if (around.key == nullptr) {
      if (node->kind != Node::Kind::kScalar) return Fail(node->at, "a key must be a plain text");
      around.key = std::move(node);
    } else {
      around.node->members.emplace_back(std::move(around.key), std::move(node));
      around.key = nullptr;
    }
  }

  /// Refuses keys that come twice, and puts the members of merged mappings behind the node's own.
  bool Merge(Node& mapping) {
    std::unordered_set<std::string_view> seen;
    std::vector<std::pair<Node::Ptr, Node::Ptr>> own;
    std::vector<Node::Ptr> merged;
    for (auto& [key, value] : mapping.members) {
      if (key->text == kMergeKey && !key->quoted) {
        if (value->kind == Node::Kind::kSequence) {
          merged.insert(merged.end(), value->items.begin(), value->items.end());
        } else {
          merged.push_back(value);
        }
      } else if (!seen.insert(key->text).second) {
        Fail(key->at, "the key '" + key->text + "' comes twice");
        return false;
      } else {
        own.emplace_back(key, value);
      }
    }
    for (const Node::Ptr& source : merged) {
      if (source->kind != Node::Kind::kMapping) {
        Fail(source->at, "'<<' takes mappings (an alias of one, or a list of them)");
        return false;
      }
      for (const auto& member : source->members) {
        if (seen.insert(member.first->text).second) own.push_back(member);
      }
    }
    mapping.members = std::move(own);
    return true;
  }

  std::unordered_map<YAML::anchor_t, Node::Ptr> anchors_;
  std::vector<Pending> open_;
  Node::Ptr document_;
  size_t weight_ = 0;  // of the documents before this one
  std::string error_;
  Position error_position_;
};

tl::unexpected<Status> Refuse(const std::string& file, Position at, const std::string& what) {
  return Error(Code::kInvalidArgument, file + ":" + std::to_string(at.line) + ":" +
                                           std::to_string(at.column) + ": " + what);
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [key](const auto& member) { return member.first->text == key; });
  return found == members.end() ? nullptr : found->second.get();
}

Result<std::vector<Node::Ptr>> ParseYaml(const std::string& text, const std::string& file) {
  if (text.size() > limits::kMaxYamlBytes) {
    return Error(Code::kInvalidArgument, file + ": " + std::to_string(text.size()) +
                                             " bytes are over the limit of " +
                                             std::to_string(limits::kMaxYamlBytes));
  }
  TreeBuilder builder;
  std::vector<Node::Ptr> documents;
  // The parser's exceptions end here.
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
      if (builder.document() != nullptr) documents.push_back(builder.document());
    }
  } catch (const YAML::Exception& error) {
    builder.Fail(At(error.mark), error.msg);
  }
  if (builder.failed()) return Refuse(file, builder.error_position(), builder.error());
  return documents;
}

}  // namespace aiflow::yaml
