#include "core/unpacked_vectors.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/indexed_collection_fixture.h"
#include "core/read_view.h"
#include "storage/file_names.h"
#include "testing/hooked_file_system.h"

namespace viper::core {
namespace {

/// Two parts of compressed vectors, and no cache for them.
class UnpackedVectorsTest : public IndexedCollectionFixture {
 protected:
  static constexpr int kRows = 3000;

  UnpackedVectorsTest() {
    hooked_.before_create = [this](const std::string& path) {
      if (path.ends_with(".floats")) ++files_made_;
    };
    options_.file_system = &hooked_;
    options_.storage_policy = StoragePolicy::kSize;
    options_.vector_cache_bytes = 0;
  }
  ~UnpackedVectorsTest() override { collection_.reset(); }

  void SetUp() override {
    CreateIndexed();
    Write(0, kRows - 1000);
    ASSERT_OK(collection_->Flush());
    Write(kRows - 1000, kRows);
    ASSERT_OK(collection_->Flush());
  }

  void OpenInside() {
    ASSERT_OK_AND_ASSIGN(open_, ReopenInside());
    context_.directory = "/db/docs";
    context_.options = options_;
    context_.file_system = &files_;
    context_.dim = kDim;
    for (const PartView& part : open_->View()->parts) parts_.push_back(part.part);
    ASSERT_EQ(parts_.size(), 2U);
    ASSERT_FALSE(parts_[0]->maps_vectors() || parts_[1]->maps_vectors());
  }

  std::vector<float> FloatsOf(const Part& part) {
    std::vector<float> all;
    for (uint64_t row = 0; row < part.row_count(); ++row) {
      const auto held = part.Floats(row);
      EXPECT_OK(held);
      all.resize(all.size() + kDim);
      std::memcpy(&all[all.size() - kDim], held->floats, kDim * sizeof(float));
    }
    return all;
  }

  size_t FilesLeft() { return files_.List(storage::TmpDirectory("/db/docs"))->size(); }

  HookedFileSystem hooked_{files_};
  size_t files_made_ = 0;
  std::unique_ptr<Collection::Impl> open_;
  CollectionContext context_;
  std::vector<std::shared_ptr<const Part>> parts_;
};

Status GoOn() { return {}; }

TEST_F(UnpackedVectorsTest, PartsReadFromThemWhileTheyLive) {
  OpenInside();
  const auto packed = FloatsOf(*parts_[1]);
  {
    ASSERT_OK_AND_ASSIGN(auto unpacked, UnpackedVectors::Make(context_, parts_, GoOn));
    EXPECT_EQ(FilesLeft(), 0U) << "the files have no name";
    EXPECT_EQ(FloatsOf(*parts_[1]), packed);
    ASSERT_OK_AND_ASSIGN(const HeldFloats first, parts_[1]->Floats(0));
    ASSERT_OK_AND_ASSIGN(const HeldFloats kept, parts_[1]->FloatsToKeep(999));
    EXPECT_EQ(kept.floats, first.floats + 999 * kDim * sizeof(float)) << "in one file, no copy";

    // What another has unpacked is shared, and stays as long as any of them.
    ASSERT_OK_AND_ASSIGN(const auto shared, UnpackedVectors::Make(context_, parts_, GoOn));
    unpacked = UnpackedVectors();
    EXPECT_NE(parts_[1]->unpacked(), nullptr);
  }
  EXPECT_EQ(parts_[1]->unpacked(), nullptr);
  EXPECT_EQ(FloatsOf(*parts_[1]), packed);
}

TEST_F(UnpackedVectorsTest, AreNoneWhereTheCacheHoldsTheFloats) {
  OpenInside();
  context_.options.vector_cache_bytes = kRows * kDim * sizeof(float);
  ASSERT_OK_AND_ASSIGN(const auto none, UnpackedVectors::Make(context_, parts_, GoOn));
  EXPECT_EQ(parts_[0]->unpacked(), nullptr);
  context_.options.vector_cache_bytes -= 1;
  ASSERT_OK_AND_ASSIGN(const auto all, UnpackedVectors::Make(context_, parts_, GoOn));
  EXPECT_NE(parts_[0]->unpacked(), nullptr);
}

TEST_F(UnpackedVectorsTest, StopAndLeaveNothing) {
  OpenInside();
  const auto stop = [] { return Status::Cancelled("enough"); };
  const auto stopped = UnpackedVectors::Make(context_, parts_, stop);
  EXPECT_EQ(stopped.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(FilesLeft(), 0U);
  EXPECT_EQ(parts_[0]->unpacked(), nullptr);
}

TEST_F(UnpackedVectorsTest, IndexBuildsReadFromThem) {
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(files_made_, 2U);
  EXPECT_GE(Recall(0.95), 0.9);
  // One new part: it alone is unpacked.
  Write(kRows, kRows + 100);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(files_made_, 3U);
}

TEST_F(UnpackedVectorsTest, CompactionInTheOrderOfClustersReadsFromThem) {
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const auto before, collection_->Get("id7", {.vector = true}));
  files_made_ = 0;
  ASSERT_OK(collection_->Compact({.rewrite_all = true, .order_by_cluster = true}));
  EXPECT_EQ(files_made_, 2U) << "codes of moved rows are copied";
  ASSERT_OK_AND_ASSIGN(const auto after, collection_->Get("id7", {.vector = true}));
  EXPECT_EQ(after.vector, before.vector);
  EXPECT_GE(Recall(0.95), 0.9);
}

}  // namespace
}  // namespace viper::core
