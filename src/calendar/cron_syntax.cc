#include "calendar/cron_syntax.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace aiflow {
namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr int kSunday = 7;

struct Grammar {
  std::string_view name;
  int min;
  int max;
  // The names of min, min + 1, ...
  std::span<const std::string_view> names;
  // The largest value that `*` and `a/n` reach.
  int last;
};

const Grammar& GrammarOf(CronFieldKind kind) {
  static constexpr Grammar kGrammars[] = {
      {"second", 0, 59, {}, 59},     {"minute", 0, 59, {}, 59},
      {"hour", 0, 23, {}, 23},       {"day of month", 1, 31, {}, 31},
      {"month", 1, 12, kMonths, 12}, {"day of week", 0, kSunday, kDays, kSunday - 1},
  };
  return kGrammars[static_cast<int>(kind)];
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<int> FindName(std::string_view word, std::span<const std::string_view> names) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto found = std::find(names.begin(), names.end(), lower);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

// nullopt: not a decimal number. Larger ones than any field has are cut to a large one.
std::optional<int> ParseNumber(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? number : std::numeric_limits<int>::max();
}

std::string Subject(const Grammar& grammar) { return std::string(grammar.name); }

tl::unexpected<Status> Refuse(std::string message) {
  return Error(Code::kInvalidArgument, std::move(message));
}

Result<int> ParseValue(const Grammar& grammar, std::string_view text) {
  std::optional<int> value = ParseNumber(text);
  if (!value) {
    value = FindName(text, grammar.names);
    if (value) *value += grammar.min;
  }
  if (!value) {
    return Refuse(Subject(grammar) + " \"" + std::string(text) + "\" is not a number" +
                  (grammar.names.empty() ? "" : " or a name of three letters") +
                  "; a field is *, a number, a range 1-5, a step */2 or a list 1,3");
  }
  if (*value < grammar.min || *value > grammar.max) {
    return Refuse(Subject(grammar) + " " + std::string(text) + " is not between " +
                  std::to_string(grammar.min) + " and " + std::to_string(grammar.max));
  }
  return *value;
}

struct Range {
  int first;
  int last;
};

Result<Range> ParseRange(const Grammar& grammar, std::string_view text, bool has_step) {
  if (text == "*") return Range{grammar.min, grammar.last};
  const std::size_t dash = text.find('-');
  const Result<int> first = ParseValue(grammar, text.substr(0, dash));
  if (!first) return Error(first.error());
  if (dash == std::string_view::npos) {
    return Range{*first, has_step ? std::max(*first, grammar.last) : *first};
  }
  Result<int> last = ParseValue(grammar, text.substr(dash + 1));
  if (!last) return Error(last.error());
  if (grammar.max == kSunday && *last == 0 && *first > 0) *last = kSunday;
  if (*first > *last) {
    return Refuse(Subject(grammar) + " range " + std::string(text) +
                  " runs backwards; write two ranges separated by a comma");
  }
  return Range{*first, *last};
}

Result<int> ParseStep(const Grammar& grammar, std::string_view text) {
  const std::optional<int> step = ParseNumber(text);
  if (!step || *step < 1 || *step > grammar.max) {
    return Refuse(Subject(grammar) + " step \"" + std::string(text) +
                  "\" is not a number between 1 and " + std::to_string(grammar.max));
  }
  return *step;
}

// Adds one item of the list to `field`.
Status AddItem(const Grammar& grammar, std::string_view item, CronField& field) {
  const std::size_t slash = item.find('/');
  const bool has_step = slash != std::string_view::npos;
  const Result<Range> range = ParseRange(grammar, item.substr(0, slash), has_step);
  if (!range) return range.error();
  Result<int> step = 1;
  if (has_step) step = ParseStep(grammar, item.substr(slash + 1));
  if (!step) return step.error();
  for (int value = range->first; value <= range->last; value += *step) {
    const int bit = grammar.max == kSunday ? value % kSunday : value;
    field.values |= std::uint64_t{1} << bit;
  }
  if (item.front() == '*') field.wildcard = true;
  return Status::Ok();
}

}  // namespace

Result<CronField> ParseCronField(CronFieldKind kind, std::string_view text) {
  const Grammar& grammar = GrammarOf(kind);
  CronField field;
  while (true) {
    const std::size_t comma = text.find(',');
    if (Status status = AddItem(grammar, text.substr(0, comma), field); !status.ok()) {
      return Error(std::move(status));
    }
    if (comma == std::string_view::npos) return field;
    text.remove_prefix(comma + 1);
  }
}

bool LooksLikeDaysOfWeek(std::string_view text) {
  if (text.empty() || !IsLetter(text.front())) return true;
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), IsLetter);
    const std::string_view word(text.begin(), end);
    if (!word.empty() && !FindName(word, kDays)) return false;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return true;
}

}  // namespace aiflow
