#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"
#include "core/collection_impl.h"

namespace viper::core {

/// A collection that gets an index from 1,000 rows on, for tests of this folder.
class IndexedCollectionFixture : public CollectionFixture {
 protected:
  /// Wide enough that a few thousand rows are searched through the index.
  static constexpr size_t kDim = 96;

  IndexedCollectionFixture() {
    options_.background_index = false;
    options_.index_min_rows = 1000;
    options_.flush_bytes = size_t{256} << 20;
  }

  void CreateIndexed(Metric metric = Metric::kL2) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    schema.metric = metric;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
  }

  /// Close the collection, and open what is behind its public face.
  Result<std::unique_ptr<Collection::Impl>> ReopenInside() {
    collection_.reset();
    CollectionContext context;
    context.name = "docs";
    context.directory = "/db/docs";
    context.options = options_;
    context.file_system = &files_;
    context.clock = &clock_;
    return Collection::Impl::Open(std::move(context));
  }

  std::vector<float> RandomVector() {
    std::vector<float> vector(kDim);
    const double centre = static_cast<double>(random_.Uniform(20));
    for (size_t i = 0; i < kDim; ++i) {
      const double noise = static_cast<double>(random_.Uniform(1000)) / 400;
      vector[i] = static_cast<float>(centre * (i % 3 == 0 ? 1 : -0.5) + noise);
    }
    return vector;
  }

  /// Upsert records number first .. last - 1, some of them again.
  void Write(int first, int last) {
    std::vector<Record> records;
    for (int i = first; i < last; ++i) {
      Record record;
      record.id = "id" + std::to_string(i);
      record.vector = RandomVector();
      record.metadata = {{"year", 2000 + i % 50}};
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  std::vector<std::string> Ids(const std::vector<float>& query, const SearchOptions& options) {
    auto hits = collection_->Search(query, options);
    EXPECT_OK(hits);
    std::vector<std::string> ids;
    if (!hits.ok()) return ids;
    for (const Hit& hit : *hits) ids.push_back(hit.id);
    return ids;
  }

  /// Share of the exact answers that the index finds, over some queries.
  double Recall(double wanted, const std::string& filter_text = "") {
    SearchOptions options;
    options.filter = Filter::Parse(filter_text).value();
    size_t found = 0;
    size_t all = 0;
    for (int i = 0; i < 100; ++i) {
      const std::vector<float> query = RandomVector();
      options.exact = true;
      const auto truth = Ids(query, options);
      options.exact = false;
      options.recall = wanted;
      const auto answer = Ids(query, options);
      EXPECT_EQ(answer.size(), truth.size());
      EXPECT_EQ(std::set<std::string>(answer.begin(), answer.end()).size(), answer.size());
      for (const std::string& id : answer) {
        found += static_cast<size_t>(std::count(truth.begin(), truth.end(), id));
      }
      all += truth.size();
    }
    return static_cast<double>(found) / static_cast<double>(std::max<size_t>(all, 1));
  }

  std::vector<std::string> IndexFiles() {
    auto names = files_.List("/db/docs/_viper/index").value();
    std::erase_if(names, [](const std::string& name) { return name.ends_with(".vidx"); });
    return names;
  }

  Random random_{41};
};

}  // namespace viper::core
