#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"
#include "viper/utilities.h"

namespace viper {

/// An engine on the in-memory file system with utilities, for tests of this folder.
class UtilitiesFixture : public ::testing::Test {
 protected:
  UtilitiesFixture() {
    options_.file_system = &files_;
    options_.clock = &clock_;
    options_.background_flush = false;
    options_.background_compaction = false;
    options_.background_index = false;
    options_.search_threads = 1;
    config_.log = [this](std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_.emplace_back(line);
    };
  }

  void Open() {
    utilities_.reset();
    engine_.reset();
    auto engine = Engine::Open("/db", options_);
    ASSERT_OK(engine);
    engine_.emplace(std::move(*engine));
  }
  void MakeUtilities() {
    utilities_.reset();
    auto made = Utilities::Make(config_, *engine_);
    ASSERT_OK(made);
    utilities_ = std::move(*made);
  }

  std::shared_ptr<Collection> Create(const std::string& name, size_t dim = 2) {
    CollectionSchema schema;
    schema.dim = dim;
    schema.metric = Metric::kL2;
    auto created = engine_->CreateCollection(name, schema);
    EXPECT_OK(created);
    return created.ok() ? *created : nullptr;
  }

  /// So many records, of which the first so many expire in ten seconds; in one file.
  void Write(Collection& collection, int rows, int expiring) {
    std::vector<Record> records(static_cast<size_t>(rows));
    for (int i = 0; i < rows; ++i) {
      Record& record = records[static_cast<size_t>(i)];
      record.id = "id" + std::to_string(i);
      record.vector.assign(collection.dim(), static_cast<float>(i));
      if (i < expiring) record.expires_at = Timestamp{clock_.Now().micros + 10'000'000};
    }
    ASSERT_OK(collection.Upsert(records));
    ASSERT_OK(collection.Flush());
  }

  std::vector<std::string> Log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  static void WaitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(condition());
  }

  MemoryFileSystem files_;
  ManualClock clock_{Timestamp{1'700'000'000'000'000}};
  EngineOptions options_;
  UtilitiesConfig config_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
  std::optional<Engine> engine_;
  std::unique_ptr<Utilities> utilities_;
};

}  // namespace viper
