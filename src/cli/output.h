#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "cli/table.h"

namespace aiflow::cli {

/// Where a command prints, and what that place can do.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  bool colours = false;
  size_t width = 80;
  size_t height = 24;
};

/// Prints the results of commands for people and for programs. One thread at a time.
class Output {
 public:
  /// `program`: the name that errors begin with.
  Output(const Terminal& terminal, std::string program)
      : terminal_(terminal), program_(std::move(program)) {}

  const Terminal& terminal() const { return terminal_; }

  /// A line of a result, on stdout.
  void Line(std::string_view text);
  /// Text as it is, on stdout, and flushed.
  void Raw(std::string_view text);
  void Print(const Table& table, Format format);
  /// For a list that comes page by page. The output must outlive it.
  TableWriter MakeTable(const Table& shape, Format format);

  /// A remark or a warning beside the result, on stderr.
  void Note(std::string_view text);
  /// What went wrong and what to do: one paragraph on stderr, wrapped on a terminal.
  void Error(std::string_view text);

 private:
  const Terminal terminal_;
  const std::string program_;
};

}  // namespace aiflow::cli
