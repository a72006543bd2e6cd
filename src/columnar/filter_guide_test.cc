// Runs every example of docs/guide/filters.md: rows of tables that say what a filter matches, or
// with which error it is refused, over the books that the page lists.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/field_conversion.h"
#include "columnar/predicate.h"
#include "columnar/test_rows.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

/// The rows of the page's tables, by the table's header line.
std::map<std::string, std::vector<std::string>> ReadTables() {
  std::ifstream page(std::filesystem::path(VIPER_SOURCE_DIR) / "docs/guide/filters.md");
  std::map<std::string, std::vector<std::string>> tables;
  std::string header;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    const bool is_row = line.starts_with("|");
    if (is_row && !in_table) {
      header = line;
    } else if (is_row && !line.starts_with("|---")) {
      tables[header].push_back(line);
    }
    in_table = is_row;
  }
  return tables;
}

/// "| `a` | `b` |" into a and b, without backticks; no cell of ours holds a bar.
std::pair<std::string, std::string> TwoCells(const std::string& line) {
  const size_t bar = line.find(" |", 2);
  const auto trimmed = [](std::string_view cell) {
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '`')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '`')) cell.remove_suffix(1);
    return std::string(cell);
  };
  const std::string_view text = line;
  return {trimmed(text.substr(1, bar - 1)), trimmed(text.substr(bar + 2, line.size() - bar - 3))};
}

CollectionSchema BookSchema() {
  CollectionSchema schema;
  schema.dim = 1;
  schema.fields = {{"category", FieldType::kString},    {"year", FieldType::kInt64},
                   {"price", FieldType::kFloat64},      {"in_print", FieldType::kBool},
                   {"released", FieldType::kTimestamp}, {"tags", FieldType::kStringList}};
  return schema;
}

class FilterGuide : public ::testing::Test {
 protected:
  FilterGuide() : tables_(ReadTables()), books_(BookSchema(), ReadBooks()) {}

  std::vector<Record> ReadBooks() const {
    std::vector<Record> books;
    for (const std::string& line : RowsUnder("| id | metadata |")) {
      const auto [id, json] = TwoCells(line);
      Record book;
      book.id = id;
      book.metadata = *Value::FromJson(json).value().as_object();
      book.timestamp = Timestamp::Parse("2026-11-22").value();
      for (const Field& field : BookSchema().fields) {
        const auto found = book.metadata.find(field.name);
        if (found == book.metadata.end()) continue;
        found->second = ConvertToField(field, found->second).value();
      }
      books.push_back(std::move(book));
    }
    return books;
  }

  std::vector<std::string> RowsUnder(const std::string& header) const {
    const auto found = tables_.find(header);
    return found == tables_.end() ? std::vector<std::string>() : found->second;
  }

  Result<std::string> Matching(const std::string& text) const {
    VIPER_ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(text));
    VIPER_ASSIGN_OR_RETURN(const Predicate predicate, Predicate::Bind(filter, books_.names()));
    VIPER_ASSIGN_OR_RETURN(const Bitmap matches, predicate.Evaluate(books_));
    std::string ids;
    matches.ForEachSet(
        [&](size_t row) { ids += (ids.empty() ? "" : " ") + books_.records()[row].id; });
    return ids;
  }

  std::map<std::string, std::vector<std::string>> tables_;
  TestRows books_;
};

TEST_F(FilterGuide, ExamplesMatchWhatThePageSays) {
  const std::vector<std::string> examples = RowsUnder("| filter | matches |");
  ASSERT_GE(examples.size(), 40U);
  ASSERT_EQ(books_.row_count(), 6U);
  for (const std::string& line : examples) {
    const auto [text, ids] = TwoCells(line);
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const std::string matching, Matching(text));
    EXPECT_EQ(matching, ids);
  }
}

TEST_F(FilterGuide, BadExamplesFailAsThePageSays) {
  const std::vector<std::string> examples = RowsUnder("| filter | error |");
  ASSERT_GE(examples.size(), 5U);
  for (const std::string& line : examples) {
    const auto [text, message] = TwoCells(line);
    SCOPED_TRACE(text);
    EXPECT_EQ(Matching(text).status().message(), message);
  }
}

TEST_F(FilterGuide, ExamplesInItsProseAreFilters) {
  using where::Field;
  const Filter built =
      Field("category") == "text" && Field("year") >= 2000 && Field("tags").Contains("x");
  EXPECT_EQ(built.ToString(), "category = 'text' AND year >= 2000 AND tags CONTAINS 'x'");
  for (const std::string_view text :
       {"category = 'text' AND year >= 2000 AND tags CONTAINS 'x'", "year > 1999.5",
        "released > TIMESTAMP '2026-11-22T08:30:00Z'", "\"net.weight\" > 2", "`in` = 5",
        "price < 12", "_id = '...'", "category LIKE 'abc%'"}) {
    EXPECT_OK(Filter::Parse(text));
  }
}

}  // namespace
}  // namespace viper::columnar
