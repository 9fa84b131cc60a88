#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

/// The manual, made from the tree of commands. Pure functions.
namespace aiflow::cli {

/// The page of one group or command as troff, for man(1). `app` is the whole program or a part of
/// it.
std::string ManPage(const CLI::App& app, std::string_view version);

/// "aiflow-workflow-upload.1".
std::string ManPageName(const CLI::App& app);

/// Every group and command in one Markdown document.
std::string MarkdownReference(const CLI::App& root);

}  // namespace aiflow::cli
