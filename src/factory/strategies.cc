#include "factory/strategies.h"

#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace viper {

CollectionSchema SchemaStrategy::MakeSchema(const CollectionSchema& known,
                                            const DataProfile& profile) const {
  static_cast<void>(profile);
  return known;
}

namespace factory {
namespace {

class ViperSchema : public SchemaStrategy {
 public:
  std::string_view name() const override { return kViperSchema; }
  FileLayout layout() const override { return FileLayout::kViper; }
};

/// All metadata are one opaque column: fields that are declared have none of their own.
class LegacySchema : public SchemaStrategy {
 public:
  std::string_view name() const override { return kLegacySchema; }
  FileLayout layout() const override { return FileLayout::kLegacy; }
};

class TimeSeriesSchema : public SchemaStrategy {
 public:
  std::string_view name() const override { return kTimeSeriesSchema; }
  FileLayout layout() const override { return FileLayout::kTimeSeries; }
};

/// Hands all but the times of records on.
class TimeWriter : public RecordProcessor {
 public:
  TimeWriter(std::string key, std::shared_ptr<RecordProcessor> inner)
      : key_(std::move(key)), inner_(std::move(inner)) {}

  std::string_view name() const override { return inner_->name(); }
  SortingStrategy Sorting(const SortingStrategy& configured) const override {
    return inner_->Sorting(configured);
  }
  int64_t window_ms() const override { return inner_->window_ms(); }
  Status Postprocess(FileSummary& file) override { return inner_->Postprocess(file); }

 protected:
  Status PreprocessInner(std::vector<Record>& records) { return inner_->Preprocess(records); }
  Result<Timestamp> TimeOf(const Record& record) const {
    const auto found = record.metadata.find(key_);
    if (found == record.metadata.end()) {
      return Status::InvalidArgument(fmt::format("the time field '{}' is missing", key_));
    }
    if (found->second.as_timestamp() != nullptr) return *found->second.as_timestamp();
    if (found->second.as_string() != nullptr) {
      auto parsed = Timestamp::Parse(*found->second.as_string());
      if (parsed.ok()) return parsed;
      return parsed.status().WithContext(fmt::format("the time field '{}'", key_));
    }
    return Status::InvalidArgument(fmt::format("the time field '{}' is no time: actual={}", key_,
                                               found->second.ToJson().substr(0, 64)));
  }

 private:
  const std::string key_;
  const std::shared_ptr<RecordProcessor> inner_;
};

class TimeTaker : public TimeWriter {
 public:
  using TimeWriter::TimeWriter;
  Status Preprocess(std::vector<Record>& records) override {
    for (size_t i = 0; i < records.size(); ++i) {
      auto time = TimeOf(records[i]);
      if (!time.ok()) {
        return time.status().WithContext(
            fmt::format("record {} (id '{}')", i, records[i].id.substr(0, 64)));
      }
      records[i].timestamp = *time;
    }
    return PreprocessInner(records);
  }
};

/// The key is the record's own.
class TimeRequirer : public TimeWriter {
 public:
  using TimeWriter::TimeWriter;
  Status Preprocess(std::vector<Record>& records) override {
    for (size_t i = 0; i < records.size(); ++i) {
      if (records[i].timestamp) continue;
      return Status::InvalidArgument(
          fmt::format("record {} (id '{}') has no timestamp", i, records[i].id.substr(0, 64)));
    }
    return PreprocessInner(records);
  }
};

class TimeFiller : public TimeWriter {
 public:
  using TimeWriter::TimeWriter;
  Status Preprocess(std::vector<Record>& records) override {
    // Times beyond nanoseconds are refused by files of that precision: no guess may lead there.
    constexpr int64_t kReach = std::numeric_limits<int64_t>::max() / 1000;
    for (Record& record : records) {
      if (record.timestamp) continue;
      const auto time = TimeOf(record);
      if (time.ok() && time->micros <= kReach && time->micros >= -kReach) record.timestamp = *time;
    }
    return PreprocessInner(records);
  }
};

}  // namespace

std::vector<ListedSchema> LibrarySchemaStrategies() {
  return {{std::make_shared<ViperSchema>()},
          {std::make_shared<LegacySchema>()},
          {std::make_shared<TimeSeriesSchema>()}};
}

std::vector<NamedMaker> LibraryProcessors() {
  return {
      {std::string(kStandardProcessor),
       [](const auto&, const auto&, const auto&) -> Result<std::shared_ptr<RecordProcessor>> {
         return MakeStandardProcessor();
       }},
      {std::string(kSimilarityProcessor),
       [](const auto&, const auto&, const auto&) -> Result<std::shared_ptr<RecordProcessor>> {
         return MakeSimilarityProcessor();
       }},
      {std::string(kTimeSeriesProcessor),
       [](const Configuration& configuration, const auto&, const auto&) {
         return MakeTimeSeriesProcessor(configuration.pipeline.processing.time_series.window_ms);
       }},
  };
}

std::shared_ptr<RecordProcessor> TakeTimeFrom(std::string key,
                                              std::shared_ptr<RecordProcessor> processor) {
  if (key == kRecordTime) {
    return std::make_shared<TimeRequirer>(std::move(key), std::move(processor));
  }
  return std::make_shared<TimeTaker>(std::move(key), std::move(processor));
}

std::shared_ptr<RecordProcessor> FillTimeFrom(std::string key,
                                              std::shared_ptr<RecordProcessor> processor) {
  return std::make_shared<TimeFiller>(std::move(key), std::move(processor));
}

}  // namespace factory
}  // namespace viper
