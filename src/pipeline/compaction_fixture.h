#pragma once

// For tests of this folder: an engine whose collections are tidied by a pipeline alone.

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {

/// Names of the threads of this process that begin with `prefix`.
inline std::multiset<std::string> ThreadsNamed(const std::string& prefix) {
  std::multiset<std::string> names;
  const auto tasks = FileSystem::Local().List("/proc/self/task").value();
  for (const std::string& task : tasks) {
    std::ifstream file("/proc/self/task/" + task + "/comm");
    std::string name;
    std::getline(file, name);
    if (name.starts_with(prefix)) names.insert(name);
  }
  return names;
}

class CompactionFixture : public PipelineFixture {
 protected:
  CompactionFixture() {
    options_.file_system = &files_;
    options_.background_flush = false;
    options_.background_compaction = false;
    options_.background_index = false;
    options_.index_min_rows = 1000;
    options_.search_threads = 1;
    config_.enable_background_processing = false;
    config_.compaction.worker_count = 0;
  }

  void OpenEngine() {
    pipeline_.reset();
    collections_.clear();
    engine_.reset();
    engine_.emplace(Engine::Open("/db", options_).value());
    pipeline_ = Pipeline::Make(config_, &files_, &*engine_).value();
  }
  std::shared_ptr<Collection> Create(const std::string& name, size_t dim = 8) {
    return collections_.emplace_back(engine_->CreateCollection(name, ClusteredSchema(dim)).value());
  }
  std::shared_ptr<Collection> Open(const std::string& name) {
    return collections_.emplace_back(engine_->OpenCollection(name).value());
  }
  /// Write these records as so many files.
  static void Fill(Collection& collection, const std::vector<Record>& records, size_t files) {
    for (size_t file = 0; file < files; ++file) {
      const size_t first = file * records.size() / files;
      const size_t end = (file + 1) * records.size() / files;
      ASSERT_OK(collection.Upsert(std::span(records).subspan(first, end - first)));
      ASSERT_OK(collection.Flush());
    }
  }
  static std::vector<Record> Contents(const Collection& collection) {
    return collection.Scroll({.limit = 100'000}).value().records;
  }
  std::vector<std::string> PartPaths(const std::string& name) {
    std::vector<std::string> paths;
    const auto inspection = engine_->Inspect(name).value();
    for (const auto& part : inspection.parts) paths.push_back("/db/" + name + "/" + part.file);
    return paths;
  }
  CompactionTaskStatus Run(const CompactionRequest& request) {
    CompactionEngine& compaction = *pipeline_->compaction();
    const uint64_t id = compaction.Submit(request).value();
    EXPECT_TRUE(compaction.RunNext());
    return compaction.TaskStatus(id).value();
  }

  EngineOptions options_;
  std::optional<Engine> engine_;
  std::vector<std::shared_ptr<Collection>> collections_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace viper::pipeline
