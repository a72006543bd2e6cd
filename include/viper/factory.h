#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/configuration.h"
#include "viper/engine.h"
#include "viper/export.h"
#include "viper/pipeline.h"
#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/utilities.h"

namespace viper {

/// What a caller knows of a collection that is to be made. Everything may be left out.
struct CollectionConfig {
  /// Components of the vectors; absent: those of the records that there are, or of the first that
  /// is written.
  std::optional<size_t> dim = {};
  std::optional<Metric> metric = {};
  /// Metadata fields to filter by.
  std::vector<Field> filterable_fields = {};
  /// The metadata key that has each record's time, as a timestamp or as ISO 8601 text: it becomes
  /// Record::timestamp, and a record that lacks it is refused. "timestamp" = Record::timestamp
  /// itself; with enable_preprocessing off nobody looks whether records have it. Makes files time
  /// series, unless what is set on purpose forbids it.
  std::optional<std::string> time_field = {};
  /// How many records it will have, about.
  std::optional<uint64_t> estimated_rows = {};
  /// Share of components that are zero, 0 to 1. Above the sparsity_threshold vectors are stored
  /// sparse, up to a tenth of it dense; between, a sample of each row group of a file decides.
  std::optional<double> expected_sparsity = {};
  /// Share of reads that are searches by similarity, 0 to 1; the others go by time or id.
  std::optional<double> similarity_share = {};
  /// Files are for programs that know FileLayout::kLegacy only.
  bool legacy_files = false;
  CollectionProperties properties = {};

  /// OK, or InvalidArgument naming the member, its value and what is allowed.
  Status Validate() const;
};

/// What a sample of records says.
struct DataProfile {
  /// Records that there are, if that is known, and those that were looked at.
  std::optional<uint64_t> rows = {};
  uint64_t sampled_rows = 0;
  size_t dim = 0;
  /// Share of components that are zero; absent without a sample.
  std::optional<double> zero_share = {};
  /// Metadata keys with the one type that all their values have, sorted, and the share of records
  /// that have them. Text is text, whatever it says.
  struct KeyProfile {
    Field field;
    double fill = 0;
  };
  std::vector<KeyProfile> keys = {};
  /// The key that every record has and whose values are, or say, times; of several the first. A
  /// guess: it may make files time series, and then is the time of records without a timestamp,
  /// where it holds one. A record that has a timestamp keeps it, and none is refused.
  std::optional<std::string> time_key = {};
  /// How much clusters tell: 1 - (squared distances to the nearest of k centroids) / (the same
  /// where each component was shuffled among the rows, which leaves its distribution and takes the
  /// structure), k = the root of the rows, at most 64. About 0 where there are no clusters, 1 where
  /// they are points. The reference is that of the gap statistic (Tibshirani, Walther, Hastie
  /// 2001). Absent below 100 rows.
  std::optional<double> cluster_tendency = {};
};

/// Look at records: all of them, of equal dimension. `dim` 0 = that of the first dense vector.
/// InvalidArgument: a vector of another dimension, or not finite; sparse ones alone without `dim`.
VIPER_EXPORT Result<DataProfile> ProfileRecords(std::span<const Record> records, size_t dim = 0);

/// Where a choice comes from; the first that there is wins.
enum class ChoiceOrigin : uint8_t { kExplicit = 0, kCollection = 1, kInferred = 2, kDefault = 3 };

/// Return "explicit", "collection", "inferred" or "default".
VIPER_EXPORT std::string_view ChoiceOriginName(ChoiceOrigin origin);

/// One thing that a factory chose, and why.
struct Choice {
  /// "schema_strategy", "processor", "compression", "compression of COLUMN" and "vector_format" of
  /// the pipeline's files, "engine_compression" and "engine_vector_format" of the tables, or
  /// "model".
  std::string what;
  std::string chosen;
  ChoiceOrigin origin = ChoiceOrigin::kDefault;
  /// With the numbers that it goes by.
  std::string reason;
};

/// Which columns the files and the table of a collection have. Users may write their own.
class VIPER_EXPORT SchemaStrategy {
 public:
  virtual ~SchemaStrategy() = default;
  /// For results; by it Factory finds the strategy.
  virtual std::string_view name() const = 0;
  virtual FileLayout layout() const = 0;
  /// The schema, given one with the dimension, the metric and the filterable fields that are known
  /// (`dim` 0: not yet). As it is by default.
  virtual CollectionSchema MakeSchema(const CollectionSchema& known,
                                      const DataProfile& profile) const;
};

/// Makes a processor for a collection. Called once more, with another layout, where its order does
/// not suit a time series that nobody has set on purpose.
using ProcessorMaker = std::function<Result<std::shared_ptr<RecordProcessor>>(
    const Configuration& configuration, const CollectionConfig& collection,
    const DataProfile& profile)>;

/// Parts tuned for one collection, ready to be used together. A value; what it makes lives on by
/// itself.
struct VIPER_EXPORT ViperComponents {
  std::string collection;
  std::shared_ptr<const SchemaStrategy> schema_strategy;
  std::shared_ptr<RecordProcessor> processor;
  /// What was asked for, with what was chosen.
  Configuration configuration;
  /// Of the collection; `dim` 0 if it is not known yet.
  CollectionSchema schema;
  CollectionProperties properties;
  DataProfile profile;
  std::vector<Choice> choices;

  /// The choices, a line each, below what the configuration says of itself.
  std::string Describe() const;
  /// An engine in this directory, by the configuration. `clock`, `file_system` and `log` are as in
  /// EngineOptions.
  Result<Engine> OpenEngine(const std::string& root, const EngineOptions& process = {}) const;
  /// The collection, created by the schema if there is none. FailedPrecondition if it has to be and
  /// the dimension is not known.
  Result<std::shared_ptr<Collection>> OpenCollection(Engine& engine) const;
  /// A pipeline with the processor and the layout, bound to the engine (null = to none), which must
  /// outlive it.
  Result<std::unique_ptr<Pipeline>> MakePipeline(Engine* engine,
                                                 FileSystem* file_system = nullptr) const;
  /// Utilities of the engine, which must outlive them.
  Result<std::unique_ptr<Utilities>> MakeUtilities(Engine& engine) const;
};

/// One place that makes the parts of VIPER for a collection, and says why they are as they are.
/// What is set in its configuration on purpose (Configuration::explicit_members) stays; then the
/// CollectionConfig counts, then what the records say, then the default. Nothing that is inferred
/// contradicts what is set; the reason says what gave way. Thread-safe.
class VIPER_EXPORT Factory {
 public:
  Factory();
  /// For components by this configuration.
  explicit Factory(Configuration configuration);
  ~Factory();
  Factory(Factory&&) noexcept;
  Factory& operator=(Factory&&) noexcept;

  const Configuration& configuration() const;

  /// Add a strategy of the user's. AlreadyExists: one of that name; InvalidArgument: no name.
  Status RegisterSchemaStrategy(std::shared_ptr<const SchemaStrategy> strategy);
  Status RegisterProcessor(const std::string& name, ProcessorMaker maker);
  /// Names of those that there are, the library's first.
  std::vector<std::string> SchemaStrategies() const;
  std::vector<std::string> Processors() const;

  /// Choose the parts for a collection, by what is said of it.
  /// InvalidArgument: a bad name, configuration or CollectionConfig, or two things that are set on
  /// purpose contradict each other: the message names both. NotFound: a strategy is named that
  /// there is none of, of the library (kFixed) or registered (kUserDefined); the message lists
  /// those that there are.
  Result<ViperComponents> CreateForCollection(
      const std::string& name, const std::optional<CollectionConfig>& config = {}) const;
  /// The same, looking at these records too.
  Result<ViperComponents> CreateForCollection(const std::string& name,
                                              const std::optional<CollectionConfig>& config,
                                              std::span<const Record> sample) const;
  /// The same, looking at the collection's records in an engine, if it has some: their number,
  /// 4,096 of them drawn at random, and how well its files can be compressed
  /// (Collection::TryStorage).
  Result<ViperComponents> CreateForCollection(const std::string& name,
                                              const std::optional<CollectionConfig>& config,
                                              Engine& engine) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
