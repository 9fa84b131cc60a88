#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Completion of command lines, from the tree of commands.
namespace aiflow::cli {

/// Names that only a server knows.
enum class NameKind { kNamespace, kWorkflow, kPool };
/// The names of that kind; of workflows those of the namespace. May be slow: it is asked only when
/// nothing else will do, and once.
using NameSource = std::function<std::vector<std::string>(NameKind kind, const std::string& ns)>;

/// What may stand for the last of `words`, which may be empty or half typed; the words before it
/// are whole and begin after the program's name. One line each: the text, a tab, its description.
/// The one line kCompleteFiles stands for names of files.
std::vector<std::string> Complete(CLI::App& root, const std::vector<std::string>& words,
                                  const NameSource& names);
inline constexpr std::string_view kCompleteFiles = ":files";

/// The script for `shell` (bash, zsh or fish) that lets `PROGRAM __complete WORDS...` answer.
std::string CompletionScript(std::string_view shell, const std::string& program);

}  // namespace aiflow::cli
