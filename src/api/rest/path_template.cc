#include "api/rest/path_template.h"

#include <algorithm>

namespace aiflow::api::rest {
namespace {

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded.push_back(c);
  }
  return decoded;
}

Result<PathTemplate> PathTemplate::Parse(std::string_view text) {
  const auto refuse = [text](const std::string& why) {
    return Error(Code::kInvalidArgument, "path " + std::string(text) + ": " + why);
  };
  if (!text.starts_with("/")) return refuse("does not begin with a slash");
  PathTemplate parsed;
  for (std::string_view part : Split(text)) {
    if (!parsed.segments_.empty() && parsed.segments_.back().rest) {
      return refuse("something follows **");
    }
    Segment segment;
    if (part.starts_with("{")) {
      if (!part.ends_with("}")) return refuse("a brace is not closed");
      part = part.substr(1, part.size() - 2);
      segment.variable = true;
      if (part.ends_with("=**")) {
        segment.rest = true;
        part.remove_suffix(3);
      }
      if (part.find_first_of("={}*") != std::string_view::npos) {
        return refuse("only {field} and {field=**} are known");
      }
    }
    if (part.empty()) return refuse("has an empty segment");
    segment.text = std::string(part);
    parsed.shown_.append("/").append(segment.variable ? "{" + segment.text + "}" : segment.text);
    parsed.segments_.push_back(std::move(segment));
  }
  return parsed;
}

std::optional<PathTemplate::Variables> PathTemplate::Match(std::string_view path) const {
  if (!path.starts_with("/")) return std::nullopt;
  Variables variables;
  size_t at = 0;  // of the slash before the segment
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (at >= path.size()) return std::nullopt;
    const size_t begin = at + 1;
    const size_t end = segment.rest ? path.size() : std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (segment.variable) {
      std::optional<std::string> value = DecodePercent(part);
      if (part.empty() || !value.has_value()) return std::nullopt;
      variables.emplace_back(segment.text, *std::move(value));
    } else if (part != segment.text) {
      return std::nullopt;
    }
    at = end;
  }
  if (at != path.size()) return std::nullopt;
  return variables;
}

std::vector<std::string> PathTemplate::fields() const {
  std::vector<std::string> fields;
  for (const Segment& segment : segments_) {
    if (segment.variable) fields.push_back(segment.text);
  }
  return fields;
}

size_t PathTemplate::literals() const {
  return static_cast<size_t>(std::count_if(segments_.begin(), segments_.end(),
                                           [](const Segment& s) { return !s.variable; }));
}

}  // namespace aiflow::api::rest
