#include "cli/output.h"

#include "cli/text.h"

namespace aiflow::cli {

void Output::Line(std::string_view text) { terminal_.out << text << std::endl; }

void Output::Raw(std::string_view text) { terminal_.out << text << std::flush; }

void Output::Print(const Table& table, Format format) {
  TableWriter writer = MakeTable(table, format);
  writer.Add(table.rows);
  writer.Finish();
}

TableWriter Output::MakeTable(const Table& shape, Format format) {
  return {shape,
          {.format = format, .width = terminal_.width, .screen = terminal_.out_is_terminal},
          [this](std::string_view text) { Raw(text); }};
}

void Output::Note(std::string_view text) {
  terminal_.out << std::flush;
  terminal_.err << Printable(text, /*keep_lines=*/true) << std::endl;
}

void Output::Error(std::string_view text) {
  terminal_.out << std::flush;
  terminal_.err << program_ << ": " << Printable(text, /*keep_lines=*/true) << std::endl;
}

}  // namespace aiflow::cli
