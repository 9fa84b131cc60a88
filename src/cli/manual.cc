#include "cli/manual.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "cli/command_tree.h"
#include "cli/exit_code.h"

namespace aiflow::cli {
namespace {

std::string Sentence(const std::string& text) {
  const bool ends = text.empty() || text.ends_with('.') || text.ends_with('?');
  return ends ? text : text + ".";
}

// Whether the command may be given other words than its name.
std::string Synopsis(const CLI::App& app) {
  std::string text = "[OPTION]...";
  if (!ChildrenOf(app).empty()) return text + " COMMAND";
  for (const CLI::Option* positional : PositionalsOf(app)) {
    std::string name = OptionNames(*positional);
    if (positional->get_items_expected_max() > 1) name += "...";
    text += positional->get_required() ? " " + name : " [" + name + "]";
  }
  return text;
}

std::string Explanation(const CLI::Option& option) {
  std::string text = Sentence(option.get_description());
  const std::string byDefault = option.get_default_str();
  if (TakesValue(option) && !byDefault.empty() && byDefault != "[]") {
    text += " Default: " + byDefault + ".";
  }
  if (option.get_positional() && !FixedValues(option).empty()) {
    text += " One of: " + ValueName(option) + ".";
  }
  return text;
}

const CLI::App& RootOf(const CLI::App& app) {
  return app.get_parent() == nullptr ? app : RootOf(*app.get_parent());
}

// --- troff ---

std::string Troff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if ((c == '.' || c == '\'') && (escaped.empty() || escaped.back() == '\n')) {
      escaped += std::string("\\&") + c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string TroffItem(const std::string& head, const std::string& value, const std::string& text) {
  std::string item = ".TP\n\\fB" + Troff(head) + "\\fR";
  if (!value.empty()) item += " \\fI" + Troff(value) + "\\fR";
  return item + "\n" + Troff(text) + "\n";
}

std::string TroffOptions(const std::string& title, const std::vector<const CLI::Option*>& options) {
  std::string text;
  for (const CLI::Option* option : options) {
    const bool named = !option->get_positional();
    text += TroffItem(OptionNames(*option), named ? ValueName(*option) : "", Explanation(*option));
  }
  return text.empty() ? text : ".SH " + title + "\n" + text;
}

std::string DashedPath(const CLI::App& app) {
  std::string path = PathOf(app);
  std::replace(path.begin(), path.end(), ' ', '-');
  return path;
}

std::string TroffExitCodes(const CLI::App& app) {
  const bool server = RunsServer(PathOf(app));
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitMeaning& meaning : kExitMeanings) {
    const std::string_view says = server ? meaning.server : meaning.client;
    if (!says.empty()) text += TroffItem(std::to_string(meaning.code), "", std::string(says));
  }
  return text;
}

// --- Markdown ---

std::string Cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

std::string Code(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return "`" + text + "`";
}

std::string MarkdownOptions(const std::vector<const CLI::Option*>& options) {
  std::string text;
  for (const CLI::Option* option : options) {
    std::string head = OptionNames(*option);
    if (!option->get_positional() && TakesValue(*option)) head += " " + ValueName(*option);
    text += "| " + Code(head) + " | " + Cell(Explanation(*option)) + " |\n";
  }
  return text;
}

bool IsHelp(const CLI::App& app, const CLI::Option* option) { return option == app.get_help_ptr(); }

void AppendMarkdown(const CLI::App& app, std::string* text) {
  const std::vector<const CLI::App*> children = ChildrenOf(app);
  const bool root = app.get_parent() == nullptr;
  if (!root) {
    *text += std::string("\n") + (children.empty() ? "### " : "## ") + PathOf(app) + "\n\n";
    *text += Cell(Sentence(app.get_description())) + "\n";
  }
  if (children.empty()) {
    *text += "\n    " + PathOf(app) + " " + Synopsis(app) + "\n";
    std::vector<const CLI::Option*> options = PositionalsOf(app);
    for (const CLI::Option* option : OptionsOf(app)) {
      if (!IsHelp(app, option)) options.push_back(option);
    }
    if (!options.empty()) *text += "\n| | |\n|---|---|\n" + MarkdownOptions(options);
  }
  // Commands of their own first, as a reader meets them before the groups below.
  for (const bool groups : {false, true}) {
    for (const CLI::App* child : children) {
      if (ChildrenOf(*child).empty() != groups) AppendMarkdown(*child, text);
    }
  }
}

}  // namespace

std::string ManPageName(const CLI::App& app) { return DashedPath(app) + ".1"; }

std::string ManPage(const CLI::App& app, std::string_view version) {
  const CLI::App& root = RootOf(app);
  std::string title = DashedPath(app);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string page = ".TH " + Troff(title) + " 1 \"\" \"AIFlow " + std::string(version) +
                     "\" \"AIFlow manual\"\n.nh\n.ad l\n";
  page += ".SH NAME\n" + Troff(DashedPath(app)) + " \\- " + Troff(app.get_description()) + "\n";
  page += ".SH SYNOPSIS\n\\fB" + Troff(PathOf(app)) + "\\fR " + Troff(Synopsis(app)) + "\n";
  page += TroffOptions("ARGUMENTS", PositionalsOf(app));
  std::string commands;
  for (const CLI::App* child : ChildrenOf(app)) {
    commands += TroffItem(child->get_name(), "", Sentence(child->get_description()));
  }
  if (!commands.empty()) page += ".SH COMMANDS\n" + commands;
  page += TroffOptions("OPTIONS", OptionsOf(app));
  if (&app != &root) {
    std::vector<const CLI::Option*> global = OptionsOf(root);
    std::erase_if(global, [&](const CLI::Option* option) {
      return IsHelp(root, option) || option->check_name("--version");
    });
    page += TroffOptions("GLOBAL OPTIONS", global);
  }
  page += TroffExitCodes(app);
  page += ".SH SEE ALSO\n";
  if (&app == &root) return page + "The documentation in docs/, which begins with README.md.\n";
  const CLI::App& parent = *app.get_parent();
  return page + ".BR " + Troff(DashedPath(parent)) + " (1)\n";
}

std::string MarkdownReference(const CLI::App& root) {
  std::string text = "# Reference of the command line\n\n";
  text +=
      "Made by `aiflow man --markdown`; do not edit. [The command line](cli.md) says what the "
      "commands "
      "have in\ncommon: which server they talk to, output, parameters, exit codes.\n\n"
      "These options may stand anywhere:\n\n| | |\n|---|---|\n";
  text += MarkdownOptions(OptionsOf(root));
  AppendMarkdown(root, &text);
  return text;
}

}  // namespace aiflow::cli
