#include "pipeline/csv_reader.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

using Row = std::vector<std::string>;

Result<std::vector<Row>> ReadRows(const std::string& content) {
  CsvReader reader(MakeInput(content));
  std::vector<Row> rows;
  while (true) {
    const Result<bool> there = reader.Next();
    if (!there.ok()) return there.status();
    if (!*there) return rows;
    rows.emplace_back(reader.cells().begin(), reader.cells().end());
  }
}

std::string ErrorOf(const std::string& content) { return ReadRows(content).status().message(); }

TEST(CsvReader, CellsMayHoldCommasQuotesAndLineFeeds) {
  const auto rows = ReadRows("a,\"b,c\",\"d\"\"e\"\r\n\"x\r\ny\n\",,\"\"\n\n1,2,3");
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ(*rows, (std::vector<Row>{{"a", "b,c", "d\"e"}, {"x\r\ny\n", "", ""}, {"1", "2", "3"}}));
}

TEST(CsvReader, TrailingCommaIsAnEmptyCell) {
  EXPECT_EQ(*ReadRows("a,\n,"), (std::vector<Row>{{"a", ""}, {"", ""}}));
}

TEST(CsvReader, RandomTablesComeBack) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const std::vector<std::string> pieces = {"a", "\"", ",", "\n", "\r\n", " ", "\u00e9", "[1, 2]"};
  std::vector<Row> table;
  std::string content;
  for (int r = 0; r < 500; ++r) {
    Row row = {"first"};  // no row is blank
    content += "first";
    for (int c = 0; c < 5; ++c) {
      std::string cell;
      for (auto i = random() % 5; i > 0; --i) cell += pieces[random() % pieces.size()];
      content += ",\"";
      for (const char ch : cell) content += ch == '"' ? "\"\"" : std::string(1, ch);
      content += '"';
      row.push_back(cell);
    }
    content += random() % 2 == 0 ? "\n" : "\r\n";
    table.push_back(row);
  }
  const auto rows = ReadRows(content);
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ(*rows, table);
}

TEST(CsvReader, FaultsNameFileLineAndColumn) {
  EXPECT_EQ(ErrorOf("a,b\n1,x\"y\"\n"),
            "input, line 2: a quote inside a cell that does not begin with one: column=2 byte=4");
  EXPECT_EQ(ErrorOf("a,b\n\"1\"2,3\n"),
            "input, line 2: text after the closing quote of a cell: column=1 byte=4");
  EXPECT_EQ(ErrorOf("a\n\n\"never\nclosed\n"),
            "input, line 3: a quoted cell is not closed before the end of the file");
  EXPECT_EQ(ErrorOf("a\n\xff\n"), "input, line 2: the record is not UTF-8");
}

TEST(CsvReader, PlaceIsWhereARecordOfSeveralLinesBegins) {
  CsvReader reader(MakeInput("a\n\"1\n2\n3\"\n"));
  ASSERT_TRUE(*reader.Next());
  ASSERT_TRUE(*reader.Next());
  EXPECT_EQ(reader.Place(), "input, line 2");
}

}  // namespace
}  // namespace viper::pipeline
