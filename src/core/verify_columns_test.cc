#include "core/verify_columns.h"

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

class VerifyColumnsTest : public VerifiedCollectionFixture {
 protected:
  VerifyColumnsTest() { Create(); }

  /// What is said of a part with one row with that payload.
  std::string FindingsOfPayload(const std::string& payload, std::vector<std::string> keys = {}) {
    HandMadeRows made = MakeRows({"id of " + payload});
    made.rows.payload = columnar::Column(FieldType::kString);
    made.rows.payload.AppendString(payload);
    made.payload_keys = std::move(keys);
    return FindingsAbout(AddPart(made));
  }

  static void SpoilStatistics(storage::AddedFile& added, std::string_view from,
                              std::string_view to) {
    const size_t place = added.stats_json.find(from);
    ASSERT_NE(place, std::string::npos) << added.stats_json;
    added.stats_json.replace(place, from.size(), to);
  }
};

TEST_F(VerifyColumnsTest, PayloadsAreObjectsOfListedUndeclaredKeys) {
  EXPECT_EQ(FindingsOfPayload(R"({"note":1})", {"note"}), "");
  EXPECT_EQ(FindingsOfPayload(R"({"year":null})", {"year"}), "") << "said to be null";
  EXPECT_NE(FindingsOfPayload("{").find("column _payload: the value of row 0 is no JSON"),
            std::string::npos);
  EXPECT_NE(FindingsOfPayload("[1]").find("is no JSON object"), std::string::npos);
  EXPECT_NE(FindingsOfPayload(R"({"note":1})", {"other"}).find("does not list: note"),
            std::string::npos);
  EXPECT_NE(
      FindingsOfPayload(R"({"year":1})", {"year"}).find("has a value of a declared field: year"),
      std::string::npos);
  EXPECT_EQ(FindingsOfPayload(R"({"year":"1977?"})", {"year"}), "") << "parked";
}

TEST_F(VerifyColumnsTest, IdsAreTextThatIsNotEmpty) {
  EXPECT_NE(FindingsAbout(AddPart(MakeRows({"a", "", ""})))
                .find("row 1 is empty; bad rows of this "
                      "page: 2"),
            std::string::npos);
  const auto without_statistics = [](storage::AddedFile& added) { added.stats_json.clear(); };
  EXPECT_NE(
      FindingsAbout(AddPart(MakeRows({"b\xff"}), without_statistics)).find("is no valid UTF-8"),
      std::string::npos);
  EXPECT_NE(FindingsAbout(AddPart(MakeRows({std::string(1025, 'c')}))).find("is too long"),
            std::string::npos);
}

TEST_F(VerifyColumnsTest, StatisticsOfTheTableLogAreThoseOfTheRows) {
  HandMadeRows made = MakeRows({"a", "b"});
  for (auto& field : made.rows.fields) field = columnar::Column(field.type());
  for (int row = 0; row < 2; ++row) {
    made.rows.fields[0].AppendString("category");
    made.rows.fields[1].AppendInt64(1977 + row);
    made.rows.fields[2].AppendFloat64(0.5);
    made.rows.fields[3].AppendNull();
    made.rows.fields[4].AppendNull();
  }
  EXPECT_EQ(FindingsAbout(AddPart(made)), "");
  const std::vector<std::pair<const char*, const char*>> spoilt = {
      {"1977", "1976"},
      {"1978", "1979"},
      {R"("numRecords":2)", R"("numRecords":3)"},
      {R"("seen":2)", R"("seen":1)"},
      {"\"minValues\"", "\"minvalues\""},
      {"{", "["},
      {R"("year":1978)", R"("tear":1978)"}};
  for (const auto& change : spoilt) {
    const std::string part = AddPart(made, [&change](storage::AddedFile& added) {
      SpoilStatistics(added, change.first, change.second);
    });
    EXPECT_NE(FindingsAbout(part).find("the statistics in the table log"), std::string::npos)
        << change.second;
  }
  EXPECT_NE(FindingsAbout(AddPart(made, [](auto& added) { added.stats_json.clear(); }))
                .find("there are none"),
            std::string::npos);
}

TEST_F(VerifyColumnsTest, ADamagedPageIsNamedByItsRows) {
  std::vector<std::string> ids;
  for (int i = 0; i < 30'000; ++i) ids.push_back("identity " + std::to_string(i * 7919));
  const std::string part = AddPart(MakeRows(ids));
  EXPECT_EQ(FindingsAbout(part), "");
  FlipByte(part, 2000);  // The ids come first.
  const std::string findings = FindingsAbout(part);
  EXPECT_NE(findings.find("column _id: page at byte 4 "), std::string::npos) << findings;
  EXPECT_NE(findings.find("[rows 0 to "), std::string::npos) << findings;
}

}  // namespace
}  // namespace viper::core
