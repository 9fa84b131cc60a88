#include "model/validation/startable.h"

#include <algorithm>
#include <string>
#include <vector>

namespace aiflow::validation {
namespace {

/// The upstream whose status a leaf waits for; nothing when it waits for none of this workflow.
std::optional<size_t> UpstreamOf(const ConditionSpec& leaf, const OwnTasks& own) {
  if (leaf.kind == ConditionKind::kEvent) return own.FindByStatusKey(leaf.key);
  if (leaf.kind == ConditionKind::kTaskStatus && own.IsOwn(leaf)) return own.Find(leaf.task);
  return std::nullopt;
}

bool StartsAlone(const TaskSpec& task) {
  return !task.periodic.empty() ||
         std::none_of(task.rules.begin(), task.rules.end(),
                      [](const RuleSpec& rule) { return rule.action == TaskAction::kStart; });
}

/// The condition trees of all tasks, upside down: what becomes possible is told to its parent, and
/// each edge is walked once.
class Graph {
 public:
  Graph(const WorkflowSpec& spec, const OwnTasks& own)
      : spec_(spec), own_(own), waiting_(spec.tasks.size()) {
    // Node i < tasks.size() is task i: possible once one of its rules is.
    nodes_.resize(spec.tasks.size());
    for (size_t i = 0; i < spec.tasks.size(); ++i) {
      if (StartsAlone(spec.tasks[i])) {
        Reach(i);
        continue;
      }
      for (const RuleSpec& rule : spec.tasks[i].rules) {
        if (rule.action != TaskAction::kStop) Add(rule.condition, i);
      }
    }
    while (!reached_.empty()) {
      const size_t task = reached_.back();
      reached_.pop_back();
      for (const size_t waiter : waiting_[task]) Reach(waiter);
    }
  }

  [[nodiscard]] bool CanStart(size_t task) const { return nodes_[task].needed <= 0; }

 private:
  struct Node {
    size_t parent = kNone;
    int64_t needed = 1;  // parts that must become possible yet
  };
  static constexpr size_t kNone = SIZE_MAX;

  /// One part of `node` is possible.
  void Reach(size_t node) {
    while (node != kNone && --nodes_[node].needed == 0) {
      if (node < waiting_.size()) reached_.push_back(node);
      node = nodes_[node].parent;
    }
  }

  size_t NewNode(size_t parent, size_t needed) {
    nodes_.push_back({parent, static_cast<int64_t>(needed)});
    return nodes_.size() - 1;
  }

  void Add(const ConditionSpec& condition, size_t parent) {
    switch (condition.kind) {
      case ConditionKind::kEvent:
      case ConditionKind::kTaskStatus: return AddLeaf(condition, parent);
      case ConditionKind::kCustom: return AddCustom(condition, parent);
      case ConditionKind::kAllOf:
      case ConditionKind::kAllTaskStatus:
      case ConditionKind::kAnyOf: break;
    }
    // An empty one is refused elsewhere, or could not be read: nothing is known of it.
    if (condition.children.empty()) return Reach(parent);
    const bool any = condition.kind == ConditionKind::kAnyOf;
    const size_t node = NewNode(parent, any ? 1 : condition.children.size());
    for (const ConditionSpec& child : condition.children) Add(child, node);
  }

  void AddLeaf(const ConditionSpec& leaf, size_t parent) {
    const std::optional<size_t> upstream = UpstreamOf(leaf, own_);
    if (!upstream.has_value()) return Reach(parent);
    if (leaf.kind == ConditionKind::kTaskStatus && leaf.status == TaskStatus::kRetrying &&
        spec_.tasks[*upstream].retry.retries == 0) {
      return;  // never
    }
    waiting_[*upstream].push_back(parent);
  }

  void AddCustom(const ConditionSpec& leaf, size_t parent) {
    const size_t node = NewNode(parent, 1);
    for (const std::string& key : leaf.event_keys) {
      const std::optional<size_t> upstream = own_.FindByStatusKey(key);
      if (!upstream.has_value()) return Reach(node);
      waiting_[*upstream].push_back(node);
    }
  }

  const WorkflowSpec& spec_;
  const OwnTasks& own_;
  std::vector<Node> nodes_;
  std::vector<std::vector<size_t>> waiting_;  // by task: the nodes with a leaf that waits for it
  std::vector<size_t> reached_;
};

/// Finds out for people what keeps tasks from starting.
class Explanation {
 public:
  Explanation(const WorkflowSpec& spec, const OwnTasks& own, const Graph& graph)
      : spec_(spec), own_(own), graph_(graph) {}

  /// From a task to what blocks it, until one comes twice, or one can never have its status.
  [[nodiscard]] std::string Why(size_t first) const {
    std::vector<size_t> path = {first};
    std::vector<bool> seen(spec_.tasks.size(), false);
    seen[first] = true;
    while (true) {
      const Blocker blocker = BlockerOf(spec_.tasks[path.back()]);
      if (!blocker.found) return "";
      if (graph_.CanStart(blocker.task)) {
        const std::string name = "'" + spec_.tasks[blocker.task].name + "'";
        return "; '" + spec_.tasks[path.back()].name + "' waits for " + name +
               " being RETRYING, but " + name + " has no retries";
      }
      if (seen[blocker.task]) {
        path.erase(path.begin(), std::find(path.begin(), path.end(), blocker.task));
        return "; cycle: " + Chain(path) + "'" + spec_.tasks[blocker.task].name + "'";
      }
      seen[blocker.task] = true;
      path.push_back(blocker.task);
    }
  }

 private:
  struct Blocker {
    bool found = false;
    size_t task = 0;
  };
  static constexpr size_t kMaxShown = 20;

  [[nodiscard]] std::string Chain(const std::vector<size_t>& path) const {
    std::string text;
    for (size_t i = 0; i < path.size(); ++i) {
      if (i == kMaxShown) return text + "... (" + std::to_string(path.size()) + " tasks) ... ";
      text += "'" + spec_.tasks[path[i]].name + "' waits for ";
    }
    return text;
  }

  [[nodiscard]] Blocker BlockerOf(const TaskSpec& task) const {
    for (const RuleSpec& rule : task.rules) {
      if (rule.action == TaskAction::kStop) continue;
      if (const Blocker blocker = BlockerOf(rule.condition); blocker.found) return blocker;
    }
    return {};
  }

  /// An upstream that keeps `condition` from being met; none when it may be met.
  [[nodiscard]] Blocker BlockerOf(const ConditionSpec& condition) const {
    if (condition.kind == ConditionKind::kAllOf ||
        condition.kind == ConditionKind::kAllTaskStatus) {
      for (const ConditionSpec& child : condition.children) {
        if (const Blocker blocker = BlockerOf(child); blocker.found) return blocker;
      }
      return {};
    }
    Blocker last;
    if (condition.kind == ConditionKind::kAnyOf) {
      for (const ConditionSpec& child : condition.children) {
        last = BlockerOf(child);
        if (!last.found) break;
      }
      return last;
    }
    if (condition.kind == ConditionKind::kCustom) {
      for (const std::string& key : condition.event_keys) {
        last = BlockedBy(own_.FindByStatusKey(key), TaskStatus::kSuccess);
        if (!last.found) break;
      }
      return last;
    }
    return BlockedBy(UpstreamOf(condition, own_), condition.kind == ConditionKind::kTaskStatus
                                                      ? condition.status
                                                      : TaskStatus::kSuccess);
  }

  [[nodiscard]] Blocker BlockedBy(std::optional<size_t> upstream, TaskStatus status) const {
    if (!upstream.has_value()) return {};
    const bool never = status == TaskStatus::kRetrying && spec_.tasks[*upstream].retry.retries == 0;
    if (graph_.CanStart(*upstream) && !never) return {};
    return {true, *upstream};
  }

  const WorkflowSpec& spec_;
  const OwnTasks& own_;
  const Graph& graph_;
};

}  // namespace

void CheckStartable(const WorkflowSpec& spec, const OwnTasks& own, Problems& problems) {
  constexpr size_t kMaxNamed = 20;
  const Graph graph(spec, own);
  std::vector<size_t> stuck;
  for (size_t i = 0; i < spec.tasks.size(); ++i) {
    if (!graph.CanStart(i)) stuck.push_back(i);
  }
  if (stuck.empty()) return;
  std::string names;
  for (size_t i = 0; i < std::min(stuck.size(), kMaxNamed); ++i) {
    names += (i == 0 ? "'" : ", '") + spec.tasks[stuck[i]].name + "'";
  }
  if (stuck.size() > kMaxNamed) {
    names += " and " + std::to_string(stuck.size() - kMaxNamed) + " more";
  }
  problems.About(stuck.front());
  problems.Add("tasks that can never start: " + names +
               Explanation(spec, own, graph).Why(stuck.front()));
}

}  // namespace aiflow::validation
