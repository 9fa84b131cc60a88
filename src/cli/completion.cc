#include "cli/completion.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "cli/command_tree.h"

namespace aiflow::cli {
namespace {

// Bash hands "--output=js" over as three words; here they become two.
std::vector<std::string> JoinEquals(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool equals = words[i] == "=" && i > 0 && words[i - 1].starts_with("--");
    if (!equals) {
      joined.push_back(words[i]);
    } else if (i + 1 == words.size()) {
      joined.emplace_back();
    }
  }
  return joined;
}

// Where the whole words lead.
struct Place {
  CLI::App* app = nullptr;
  size_t positionals = 0;             // given already
  const CLI::Option* open = nullptr;  // waits for its value
  bool no_options = false;            // after "--"
  std::string ns = "default";
};

void Step(const std::string& word, Place* place) {
  if (place->open != nullptr) {
    if (place->open->check_name("--namespace")) place->ns = word;
    place->open = nullptr;
  } else if (word == "--" && !place->no_options) {
    place->no_options = true;
  } else if (word.starts_with("-") && !place->no_options) {
    const size_t equals = word.find('=');
    const CLI::Option* option = FindOption(*place->app, word.substr(0, equals));
    if (option == nullptr || !TakesValue(*option)) return;
    if (equals == std::string::npos) place->open = option;
    if (equals != std::string::npos && option->check_name("--namespace")) {
      place->ns = word.substr(equals + 1);
    }
  } else if (CLI::App* child = FindChild(*place->app, word)) {
    place->app = child;
  } else {
    ++place->positionals;
  }
}

bool BeginsLike(const std::string& text, std::string_view begin) {
  if (begin.size() > text.size()) return false;
  return std::equal(begin.begin(), begin.end(), text.begin(), [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

// What the values of an option are when they are neither fixed nor free.
std::optional<NameKind> NamesOf(const CLI::App& app, const CLI::Option& option) {
  if (!option.get_positional()) {
    if (option.check_name("--namespace")) return NameKind::kNamespace;
    return std::nullopt;
  }
  if (option.get_name(true) != "NAME" || app.get_parent() == nullptr) return std::nullopt;
  const std::string group = app.get_parent()->get_name();
  if (group.starts_with("workflow")) return NameKind::kWorkflow;
  // What is added has no name yet.
  if (group == "namespace" && app.get_name() != "add") return NameKind::kNamespace;
  if (group == "pool") return NameKind::kPool;
  return std::nullopt;
}

bool IsFile(const CLI::App& app, const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true) == "FILE";
  for (const char* name :
       {"--files", "--home", "--condition", "--all", "--token-file", "--tls-ca"}) {
    if (option.check_name(name)) return true;
  }
  return option.check_name("--output") && app.get_name() == "get";
}

// The values of `option` that begin like `typed`, with `lead` before each.
std::vector<std::string> Values(const Place& place, const CLI::Option& option, std::string typed,
                                std::string lead, const NameSource& names) {
  if (option.get_delimiter() != '\0') {
    const size_t last = typed.rfind(option.get_delimiter());
    if (last != std::string::npos) {
      lead += typed.substr(0, last + 1);
      typed.erase(0, last + 1);
    }
  }
  std::vector<std::string> candidates = FixedValues(option);
  const CLI::App& owner = *place.app;
  if (candidates.empty()) {
    if (const auto kind = NamesOf(owner, option)) {
      candidates = names(*kind, place.ns);
    } else if (IsFile(owner, option)) {
      return {std::string(kCompleteFiles)};
    }
  }
  std::vector<std::string> lines;
  for (const std::string& candidate : candidates) {
    if (BeginsLike(candidate, typed)) lines.push_back(lead + candidate + "\t");
  }
  return lines;
}

// One line, cut short: shells show it in a column.
std::string Described(const std::string& text, const std::string& description) {
  return text + "\t" + description.substr(0, description.find('\n'));
}

std::vector<std::string> OptionWords(const CLI::App& app, const std::string& typed) {
  std::vector<std::string> lines;
  for (const CLI::App* place = &app; place != nullptr; place = place->get_parent()) {
    for (const CLI::Option* option : OptionsOf(*place)) {
      // --help of the parents is the same option again.
      if (place != &app && option == place->get_help_ptr()) continue;
      std::string name;
      if (!option->get_lnames().empty()) name = "--" + option->get_lnames().front();
      if (typed.size() == 2 && typed[1] != '-' && option->check_name(typed)) name = typed;
      if (!name.empty() && name.starts_with(typed)) {
        lines.push_back(Described(name, option->get_description()));
      }
    }
  }
  return lines;
}

constexpr std::string_view kBash = R"(# bash completion of @PROGRAM@
_@PROGRAM@() {
  local line value
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      COMPREPLY=()
      return
    fi
    printf -v value %q "${line%%$'\t'*}"
    COMPREPLY+=("$value")
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _@PROGRAM@ @PROGRAM@
)";

constexpr std::string_view kZsh = R"(#compdef @PROGRAM@
# zsh completion of @PROGRAM@
_@PROGRAM@() {
  local line value
  local -a described
  for line in "${(@f)$("${words[1]/#\~/$HOME}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    [[ -n $line ]] || continue
    value=${${line%%$'\t'*}//:/\\:}
    described+=("$value:${line#*$'\t'}")
  done
  _describe @PROGRAM@ described
}
if [[ $funcstack[1] == _@PROGRAM@ ]]; then
  _@PROGRAM@ "$@"
else
  compdef _@PROGRAM@ @PROGRAM@
fi
)";

constexpr std::string_view kFish = R"(# fish completion of @PROGRAM@
function __@PROGRAM@_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete $words "$typed" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$typed"
        else
            echo $line
        end
    end
end
complete -c @PROGRAM@ -f -a '(__@PROGRAM@_complete)'
)";

}  // namespace

std::vector<std::string> Complete(CLI::App& root, const std::vector<std::string>& given,
                                  const NameSource& names) {
  const std::vector<std::string> words = JoinEquals(given);
  Place place{.app = &root};
  for (size_t i = 0; i + 1 < words.size(); ++i) Step(words[i], &place);
  const std::string typed = words.empty() ? "" : words.back();

  if (place.open != nullptr) return Values(place, *place.open, typed, "", names);
  if (typed.starts_with("-") && !place.no_options) {
    const size_t equals = typed.find('=');
    if (equals == std::string::npos) return OptionWords(*place.app, typed);
    const CLI::Option* option = FindOption(*place.app, typed.substr(0, equals));
    if (option == nullptr || !TakesValue(*option)) return {};
    return Values(place, *option, typed.substr(equals + 1), typed.substr(0, equals + 1), names);
  }
  std::vector<std::string> lines;
  for (const CLI::App* child : ChildrenOf(*place.app)) {
    if (child->get_name().starts_with(typed) && place.positionals == 0) {
      lines.push_back(Described(child->get_name(), child->get_description()));
    }
  }
  const std::vector<const CLI::Option*> positionals = PositionalsOf(*place.app);
  if (positionals.empty()) return lines;
  const CLI::Option& last = *positionals.back();
  if (place.positionals >= positionals.size() && last.get_items_expected_max() <= 1) return {};
  return Values(place, *positionals[std::min(place.positionals, positionals.size() - 1)], typed, "",
                names);
}

std::string CompletionScript(std::string_view shell, const std::string& program) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kScripts = {
      {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}}};
  std::string script;
  for (const auto& [name, text] : kScripts) {
    if (name == shell) script = text;
  }
  const std::string mark = "@PROGRAM@";
  for (size_t at = 0; (at = script.find(mark, at)) != std::string::npos; at += program.size()) {
    script.replace(at, mark.size(), program);
  }
  return script;
}

}  // namespace aiflow::cli
