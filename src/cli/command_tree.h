#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What can be asked of the tree of commands that the parser works with: help, completion, manual
/// and "did you mean" are made from it. Pure functions.
namespace aiflow::cli {

/// The groups and commands directly below `app`, by name; hidden ones are left out.
std::vector<const CLI::App*> ChildrenOf(const CLI::App& app);

/// The child of that name or alias; null when there is none.
CLI::App* FindChild(CLI::App& app, std::string_view name);

/// The options (positionals: without) that can be given to `app`, its own.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& app);
/// The positional arguments of `app`, in order.
std::vector<const CLI::Option*> PositionalsOf(const CLI::App& app);

/// The option of `app` or of a parent with this name ("-n", "--namespace"); null when there is
/// none.
const CLI::Option* FindOption(const CLI::App& app, std::string_view name);

/// Whether the word after the option belongs to it.
bool TakesValue(const CLI::Option& option);

/// The only values that the option takes; empty when there are others.
std::vector<std::string> FixedValues(const CLI::Option& option);

/// "-n, --namespace", or the name of a positional.
std::string OptionNames(const CLI::Option& option);

/// What stands for the value of an option in help and manual: "N", "TEXT", "bash|fish|zsh",
/// "TEXT,..." for several. Empty for flags.
std::string ValueName(const CLI::Option& option);

/// "aiflow workflow upload".
std::string PathOf(const CLI::App& app);

}  // namespace aiflow::cli
