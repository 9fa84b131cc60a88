#include "cli/table.h"

#include <gtest/gtest.h>

#include <string>

namespace aiflow::cli {
namespace {

TEST(SpanTest, HasTheTwoUnitsThatMatter) {
  EXPECT_EQ(SpanOrNone(1'000, 0), std::nullopt);
  EXPECT_EQ(SpanOrNone(1'000, 1'007), "7 ms");
  EXPECT_EQ(SpanOrNone(1'000, 4'250), "3.2 s");
  EXPECT_EQ(SpanOrNone(1, 63'001), "1 min 3 s");
  EXPECT_EQ(SpanOrNone(1, 1 + 3'600'000 + 61'000), "1 h 1 min");
  EXPECT_EQ(SpanOrNone(1, 1 + 49 * 3'600'000), "2 d 1 h");
  EXPECT_EQ(SpanOrNone(9, 8), "0 ms");  // a clock that went back
}

Table Small() {
  return {.columns = {"id", "name", {"reason", true}},
          .rows = {{"1", "a", std::nullopt}, {"22", "bcd", "it's: true"}}};
}

TEST(Table, BoxHasADoubleHeadAndNoOuterEdges) {
  EXPECT_EQ(Render(Small(), Format::kTable, 80),
            "id | name\n"
            "===+=====\n"
            "1  | a   \n"
            "22 | bcd \n");
}

TEST(Table, LongCellsWrapToTheWidthLikeTheForerunner) {
  const Table table{.columns = {"id", "workflow_name", "namespace", "create_time", "update_time",
                                "is_enabled", "event_offset"},
                    .rows = {{"1", "online_learning", "default", "2026-11-23 18:49:38.123000",
                              "2026-11-23 18:49:38.123000", "True", "123"}}};
  EXPECT_EQ(Render(table, Format::kTable, 80),
            "   | workflow_n |           | create_tim | update_tim |            | event_offse\n"
            "id | ame        | namespace | e          | e          | is_enabled | t          \n"
            "===+============+===========+============+============+============+============\n"
            "1  | online_lea | default   | 2026-11-23 | 2026-11-23 | True       | 123        \n"
            "   | rning      |           | 18:49:38.1 | 18:49:38.1 |            |            \n"
            "   |            |           | 23000      | 23000      |            |            \n");
}

TEST(Table, WordsBreakAtBlanksAndLineBreaksStay) {
  const Table table{.columns = {"id", "text"},
                    .rows = {{"1", "the quick brown fox jumps over the lazy dog\nsecond line"}}};
  EXPECT_EQ(Render(table, Format::kTable, 30),
            "id | text                     \n"
            "===+==========================\n"
            "1  | the quick brown fox jumps\n"
            "   | over the lazy dog        \n"
            "   | second line              \n");
}

TEST(Table, ColumnsForEyesAreOnlyInTheTableOfATerminal) {
  const Table table{.columns = {"id", {"where", kOnScreen}, {"task", kOffScreen}, {"x", kDetail}},
                    .rows = {{"1", "task t of 5", "t", "y"}}};
  EXPECT_EQ(Render(table, {.format = Format::kTable, .width = 80, .screen = true}),
            "id | where      \n"
            "===+============\n"
            "1  | task t of 5\n");
  EXPECT_EQ(Render(table, {.format = Format::kPlain, .width = 80, .screen = true}),
            "id  task\n1   t\n");
  EXPECT_EQ(Render(table, {.format = Format::kJson, .width = 80, .screen = true}),
            "[{\"id\": \"1\", \"task\": \"t\", \"x\": \"y\"}]\n");
  EXPECT_EQ(Render(table, Format::kWide, 80),
            "id | task | x\n"
            "===+======+==\n"
            "1  | t    | y\n");
}

std::string InPages(const Table& shape, Format format,
                    const std::vector<std::vector<Table::Row>>& pages) {
  std::string text;
  TableWriter writer(shape, {.format = format, .width = 20},
                     [&text](std::string_view part) { text += part; });
  for (const auto& page : pages) writer.Add(page);
  writer.Finish();
  return text;
}

TEST(Table, RowsComeInPages) {
  const Table shape{.columns = {"id", "name"}, .rows = {}};
  const std::vector<std::vector<Table::Row>> pages = {{}, {{"1", "abc"}}, {{"22", "abc def"}}};
  EXPECT_EQ(InPages(shape, Format::kJson, pages),
            "[{\"id\": \"1\", \"name\": \"abc\"}, {\"id\": \"22\", \"name\": \"abc def\"}]\n");
  EXPECT_EQ(InPages(shape, Format::kYaml, pages),
            "- id: '1'\n  name: abc\n- id: '22'\n  name: 'abc def'\n");
  EXPECT_EQ(InPages(shape, Format::kTable, pages),
            "id | name\n"
            "===+=====\n"
            "1  | abc \n"
            "22 | abc \n"
            "   | def \n");
  EXPECT_EQ(InPages(shape, Format::kWide, pages),
            "id | name\n"
            "===+=====\n"
            "1  | abc \n"
            "22 | abc def\n");
  EXPECT_EQ(InPages(shape, Format::kPlain, pages), "id  name\n1   abc\n22  abc def\n");
}

TEST(Table, WithoutRowsItSaysSo) {
  const Table shape{.columns = {"id", "name"}, .rows = {}};
  EXPECT_EQ(InPages(shape, Format::kJson, {}), "[]\n");
  EXPECT_EQ(InPages(shape, Format::kYaml, {}), "[]\n");
  EXPECT_EQ(InPages(shape, Format::kTable, {{}}), "No data found\n");
  EXPECT_EQ(InPages(shape, Format::kWide, {}), "No data found\n");
  EXPECT_EQ(InPages(shape, Format::kPlain, {}), "id  name\n");
}

TEST(Table, WholeColumnsKeepTheirWidthAndOthersAreCutToOneLine) {
  const Table table{
      .columns = {"key", "value", {"time", false, true}},
      .rows = {{"hour_complete", "a rather long value\nof two lines", "12:00:00.000"}},
      .one_line = true};
  EXPECT_EQ(Render(table, {.format = Format::kTable, .width = 36, .screen = true}),
            "key       | value     | time        \n"
            "==========+===========+=============\n"
            "hour_com… | a rather… | 12:00:00.000\n");
  EXPECT_EQ(Render(table, Format::kPlain, 36),
            "key            value                              time\n"
            "hour_complete  a rather long value\\nof two lines  12:00:00.000\n");
}

TEST(Table, NarrowTerminalsStillShowEveryColumn) {
  const std::string text = Render(Small(), Format::kTable, 3);
  EXPECT_NE(text.find('b'), std::string::npos);
}

TEST(Table, EmptySaysSoForPeopleOnly) {
  const Table table{.columns = {"id", "name"}, .rows = {}};
  EXPECT_EQ(Render(table, Format::kTable, 80), "No data found\n");
  EXPECT_EQ(Render(table, Format::kWide, 80), "No data found\n");
  EXPECT_EQ(Render(table, Format::kJson, 80), "[]\n");
  EXPECT_EQ(Render(table, Format::kYaml, 80), "[]\n");
  EXPECT_EQ(Render(table, Format::kPlain, 80), "id  name\n");
}

TEST(Table, JsonIsOneLineOfStringsAndNull) {
  EXPECT_EQ(Render(Small(), Format::kJson, 80),
            "[{\"id\": \"1\", \"name\": \"a\", \"reason\": null}, "
            "{\"id\": \"22\", \"name\": \"bcd\", \"reason\": \"it's: true\"}]\n");
}

TEST(Table, JsonSurvivesBytesThatAreNotText) {
  const Table table{.columns = {"a"}, .rows = {{std::string("\"\n\xff", 3)}}};
  EXPECT_EQ(Render(table, Format::kJson, 80), "[{\"a\": \"\\\"\\n\xEF\xBF\xBD\"}]\n");
}

TEST(Table, YamlSortsKeysAndQuotesWhatIsNotPlainText) {
  const Table table{.columns = {"name", "id", "flag", "none", "text", "lines"},
                    .rows = {{"train", "1", "True", std::nullopt, "it's: true", "a\nb"}}};
  EXPECT_EQ(Render(table, Format::kYaml, 80),
            "- flag: 'True'\n"
            "  id: '1'\n"
            "  lines: \"a\\nb\"\n"
            "  name: train\n"
            "  none: null\n"
            "  text: 'it''s: true'\n");
}

TEST(Table, PlainHasOneLinePerRow) {
  const Table table{.columns = {"id", "text"}, .rows = {{"1", "a\nb"}, {"22", std::nullopt}}};
  EXPECT_EQ(Render(table, Format::kPlain, 10),
            "id  text\n"
            "1   a\\nb\n"
            "22  None\n");
}

TEST(Table, WideShowsMoreColumnsAndNeverWraps) {
  EXPECT_EQ(Render(Small(), Format::kWide, 10),
            "id | name | reason    \n"
            "===+======+===========\n"
            "1  | a    | None      \n"
            "22 | bcd  | it's: true\n");
}

TEST(Table, ControlSequencesOfValuesDoNotReachTheTerminal) {
  const Table table{.columns = {"a"}, .rows = {{"\x1b[2Jx"}}};
  EXPECT_EQ(Render(table, Format::kTable, 80).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace aiflow::cli
