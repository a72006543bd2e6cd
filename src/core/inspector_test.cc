#include "core/inspector.h"

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

class InspectorTest : public VerifiedCollectionFixture {
 protected:
  CollectionInspection Inspect() {
    auto engine = OpenToRead();
    EXPECT_OK(engine);
    auto inspection = engine->Inspect("docs");
    EXPECT_OK(inspection);
    return inspection.ok() ? std::move(*inspection) : CollectionInspection();
  }
};

TEST_F(InspectorTest, C30_TellsWhatIsInEveryFile) {
  Fill();
  const CollectionInspection told = Inspect();
  EXPECT_EQ(told.table_version, 3);
  EXPECT_EQ(told.schema->dim, kDim);
  ASSERT_EQ(told.versions.size(), 4u);
  EXPECT_EQ(told.versions[0].operation, "CREATE TABLE");
  EXPECT_TRUE(told.versions[2].has_checkpoint);
  EXPECT_EQ(told.versions[1].committed_at, (Timestamp{1'700'000'000'000'000}));
  EXPECT_EQ(told.versions[3].files_added, 1u);

  ASSERT_EQ(told.parts.size(), 3u);
  uint64_t rows = 0;
  for (const PartInspection& part : told.parts) {
    EXPECT_EQ(part.problem, "");
    EXPECT_FALSE(part.is_foreign);
    rows += part.rows;
    const auto year = std::find_if(part.columns.begin(), part.columns.end(),
                                   [](const auto& column) { return column.path == "year"; });
    ASSERT_NE(year, part.columns.end());
    EXPECT_EQ(year->physical_type, "INT64");
    EXPECT_EQ(year->null_count, 0u);
    EXPECT_EQ(year->min, Value(2000));
    EXPECT_EQ(year->max, Value(2049));
    EXPECT_FALSE(year->encodings.empty());
  }
  EXPECT_EQ(rows, static_cast<uint64_t>(kTableRows));
  ASSERT_EQ(told.sidecars.size(), 3u);
  EXPECT_GT(told.sidecars[0].max_norm, 0);

  ASSERT_EQ(told.log_segments.size(), 1u);
  EXPECT_EQ(told.log_segments[0].last_sequence, told.flushed_sequence + 4);
  EXPECT_LT(told.log_segments[0].used_bytes, told.log_segments[0].bytes);
  ASSERT_EQ(told.index_models.size(), 1u);
  EXPECT_EQ(told.index_models[0].dim, kDim);
  ASSERT_EQ(told.index_segments.size(), 1u);
  EXPECT_EQ(told.index_segments[0].model, told.index_models[0].model);
  EXPECT_EQ(told.index_segments[0].rows, 1100u);
  EXPECT_EQ(told.index_segments[0].parts.size(), 2u);
  EXPECT_EQ(told.index_segments[0].clusters, told.index_models[0].clusters);
}

TEST_F(InspectorTest, DamagedFilesSayWhatIsWrong) {
  Fill();
  const std::string part = FilesOf(".", ".parquet").front();
  Write(part, "no parquet");
  FlipByte(FilesOf("_viper/index", ".vmodel").front(), 100);
  FlipByte(FilesOf("_viper/wal", ".wal").back(), 3);
  const CollectionInspection told = Inspect();
  EXPECT_EQ(told.parts[0].file, part);
  EXPECT_NE(told.parts[0].problem, "");
  EXPECT_EQ(told.parts[1].problem, "");
  EXPECT_NE(told.index_models[0].problem, "");
  EXPECT_NE(told.index_segments[0].problem, "");
  EXPECT_NE(told.log_segments[0].problem, "");
  ASSERT_OK_AND_ASSIGN(Engine engine, OpenToRead());
  EXPECT_STATUS(kNotFound, "", engine.Inspect("films"));
}

}  // namespace
}  // namespace viper::core
