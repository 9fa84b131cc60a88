#include "cli/command_tree.h"

#include <algorithm>

namespace aiflow::cli {

std::vector<const CLI::App*> ChildrenOf(const CLI::App& app) {
  std::vector<const CLI::App*> children =
      app.get_subcommands([](const CLI::App* child) { return !child->get_group().empty(); });
  std::sort(children.begin(), children.end(),
            [](const CLI::App* a, const CLI::App* b) { return a->get_name() < b->get_name(); });
  return children;
}

CLI::App* FindChild(CLI::App& app, std::string_view name) {
  const std::string wanted(name);
  const auto found =
      app.get_subcommands([&wanted](const CLI::App* child) { return child->check_name(wanted); });
  return found.empty() ? nullptr : found.front();
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) {
    return option->nonpositional() && !option->get_group().empty();
  });
}

std::vector<const CLI::Option*> PositionalsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

const CLI::Option* FindOption(const CLI::App& app, std::string_view name) {
  const std::string wanted(name);
  for (const CLI::App* place = &app; place != nullptr; place = place->get_parent()) {
    for (const CLI::Option* option : place->get_options()) {
      if (option->nonpositional() && option->check_name(wanted)) return option;
    }
  }
  return nullptr;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// The checks describe themselves behind the type, a set of values as "TEXT:{a,b}".
std::vector<std::string> FixedValues(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find(":{");
  const size_t end = type.find('}', begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 2, end - begin - 2), ',');
}

std::string OptionNames(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(/*positional=*/true);
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) {
    names += (names.empty() ? "--" : ", --") + name;
  }
  return names;
}

std::string ValueName(const CLI::Option& option) {
  if (!TakesValue(option)) return {};
  std::string name;
  for (const std::string& value : FixedValues(option)) name += (name.empty() ? "" : "|") + value;
  if (name.empty()) {
    const std::string type = option.get_type_name();
    name = type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")
               ? "N"
               : "TEXT";
  }
  return option.get_delimiter() != '\0' ? name + ",..." : name;
}

std::string PathOf(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : PathOf(*parent) + " " + app.get_name();
}

}  // namespace aiflow::cli
