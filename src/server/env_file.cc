#include "server/env_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/secret_file.h"
#include "server/config_table.h"

namespace aiflow::server {
namespace {

constexpr std::string_view kReservedPrefix = "AIFLOW_";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kHomeWord = "{AIFLOW_HOME}";

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool BeginsName(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool GoesOnName(char c) { return BeginsName(c) || (c >= '0' && c <= '9'); }

/// Reads a text entry by entry. `line` counts from 1.
class EnvFileReader {
 public:
  explicit EnvFileReader(std::string_view text) : rest_(text) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  Status ReadAll(EnvFileVariables* variables) {
    for (size_t count = 0; SkipToEntry(); ++count) {
      const int line = line_;
      if (count == kMaxEnvFileVariables) {
        return At(line, "more than " + std::to_string(kMaxEnvFileVariables) + " variables");
      }
      const std::optional<std::string_view> name = TakeName();
      if (!name) return At(line, "is no NAME=value, where NAME is of A-Z, a-z, 0-9 and _");
      if (name->starts_with(kReservedPrefix)) {
        return At(line, "sets a variable whose name begins with AIFLOW_: those are the server's");
      }
      std::string value;
      if (const char* wrong = TakeValue(&value)) return At(line, wrong);
      if (value.find('\0') != std::string::npos) return At(line, "has a NUL byte");
      variables->secrets.push_back(value);
      variables->values.insert_or_assign(std::string(*name), std::move(value));
    }
    return Status::Ok();
  }

 private:
  static Status At(int line, const std::string& what) {
    return {Code::kInvalidArgument, "line " + std::to_string(line) + ": " + what};
  }

  char Peek() const { return rest_.empty() ? '\n' : rest_.front(); }
  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }
  void SkipBlanks() {
    while (!rest_.empty() && IsBlank(rest_.front())) rest_.remove_prefix(1);
  }
  bool AtLineEnd() const { return Peek() == '\n' || rest_ == "\r" || rest_.starts_with("\r\n"); }
  std::string_view TakeLine() {
    std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(line.size());
    if (!rest_.empty()) Take();
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  /// False at the end of the text.
  bool SkipToEntry() {
    while (!rest_.empty()) {
      SkipBlanks();
      if (!AtLineEnd() && Peek() != '#') return true;
      TakeLine();
    }
    return false;
  }

  /// NAME, also after "export "; the equals sign is taken, too.
  std::optional<std::string_view> TakeName() {
    constexpr std::string_view kExport = "export";
    if (rest_.starts_with(kExport) && rest_.size() > kExport.size() &&
        IsBlank(rest_[kExport.size()])) {
      rest_.remove_prefix(kExport.size());
      SkipBlanks();
    }
    size_t size = 0;
    while (size < rest_.size() && GoesOnName(rest_[size])) ++size;
    if (size == 0 || !BeginsName(rest_[0]) || size == rest_.size() || rest_[size] != '=') {
      return std::nullopt;
    }
    const std::string_view name = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return name;
  }

  /// What is wrong with it; null when nothing is.
  const char* TakeValue(std::string* value) {
    const bool spaced = IsBlank(Peek());
    SkipBlanks();
    if (Peek() != '\'' && Peek() != '"') {
      *value = Bare(TakeLine(), spaced);
      return nullptr;
    }
    const char quote = Take();
    while (true) {
      if (rest_.empty()) return "the quote that begins its value has no end";
      const char c = Take();
      if (c == quote) break;
      if (c == '\\' && quote == '"' && !rest_.empty()) {
        TakeEscape(value);
      } else {
        value->push_back(c);
      }
    }
    const bool blank = IsBlank(Peek());
    SkipBlanks();
    const bool comment = blank && Peek() == '#';
    if (!comment && !AtLineEnd()) return "has something after the closing quote of its value";
    TakeLine();
    return nullptr;
  }

  /// Other pairs stay as they are, as in a shell.
  void TakeEscape(std::string* value) {
    const char c = Take();
    switch (c) {
      case 'n': return value->push_back('\n');
      case 'r': return value->push_back('\r');
      case 't': return value->push_back('\t');
      case '"':
      case '\\':
      case '$':
      case '`': return value->push_back(c);
      default: value->append({'\\', c});
    }
  }

  /// Without a comment, which a blank goes before, and the blanks at the end. `spaced`: a blank
  /// goes before the line.
  static std::string Bare(std::string_view line, bool spaced) {
    size_t end = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      const bool after_blank = i == 0 ? spaced : IsBlank(line[i - 1]);
      if (line[i] == '#' && after_blank) break;
      if (!IsBlank(line[i])) end = i + 1;
    }
    return std::string(line.substr(0, end));
  }

  std::string_view rest_;
  int line_ = 1;
};

}  // namespace

Status ParseEnvFile(std::string_view text, EnvFileVariables* variables) {
  return EnvFileReader(text).ReadAll(variables);
}

Result<EnvFileVariables> ReadEnvFiles(const std::vector<std::string>& files,
                                      const std::filesystem::path& home) {
  EnvFileVariables variables;
  size_t total = 0;
  for (const std::string& file : files) {
    const std::filesystem::path path = home / ExpandValue(file, home, kHomeWord);
    const Result<std::string> text = ReadSecretFile(path);
    if (!text) return Error(text.error().code(), "env_file: " + text.error().message());
    const auto wrong = [&path](const std::string& what) {
      return Error(Code::kInvalidArgument, "env_file: " + path.string() + what);
    };
    if (text->size() > kMaxEnvFileBytes) {
      return wrong(" is larger than " + std::to_string(kMaxEnvFileBytes) + " bytes");
    }
    total += text->size();
    if (total > kMaxEnvFilesBytes) {
      return wrong(" and the files before it are together larger than " +
                   std::to_string(kMaxEnvFilesBytes) + " bytes");
    }
    const Status parsed = ParseEnvFile(*text, &variables);
    if (!parsed.ok()) return wrong(", " + parsed.message());
  }
  std::sort(variables.secrets.begin(), variables.secrets.end());
  const auto repeated = std::unique(variables.secrets.begin(), variables.secrets.end());
  variables.secrets.erase(repeated, variables.secrets.end());
  return variables;
}

}  // namespace aiflow::server
