// What a user sees: one header, one library.

#include <viper/viper.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(OneHeader, S07_HasTheFourModules) {
  const std::string root = testing::TempDir() + "viper_one_header";
  std::filesystem::remove_all(root);
  {
    const auto parts =
        viper::Factory().CreateForCollection("films", viper::CollectionConfig{.dim = 2});
    ASSERT_TRUE(parts.ok()) << parts.status().ToString();
    auto engine = parts->OpenEngine(root);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    ASSERT_TRUE(parts->OpenCollection(*engine).ok());
    auto pipeline = parts->MakePipeline(&*engine);
    ASSERT_TRUE(pipeline.ok()) << pipeline.status().ToString();
    auto utilities = parts->MakeUtilities(*engine);
    ASSERT_TRUE(utilities.ok()) << utilities.status().ToString();
    viper::Record record;
    record.id = "a";
    record.collection_id = "films";
    record.vector = {1, 2};
    ASSERT_TRUE(engine->InsertVector(record).ok());
    const auto hits = engine->SearchVectors("films", record.vector, 1);
    ASSERT_TRUE(hits.ok() && hits->size() == 1);
    EXPECT_EQ((*hits)[0].id, "a");
  }
  std::filesystem::remove_all(root);
}

}  // namespace
