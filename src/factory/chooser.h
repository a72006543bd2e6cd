#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "factory/strategies.h"
#include "viper/factory.h"

namespace viper::factory {

/// What a strategy is, and why.
struct Decision {
  std::string name;
  ChoiceOrigin origin = ChoiceOrigin::kDefault;
  std::string reason;
  /// Among which strategies the name is looked up.
  StrategyGroup group = StrategyGroup::kLibrary;
};

/// Chooses, from a configuration, what a caller says of a collection, and what its records say, in
/// that order; what was chosen goes into the configuration. Nothing that it infers contradicts what
/// is configured. The names of strategies are not looked up here.
class Chooser {
 public:
  Chooser(Configuration configuration, const CollectionConfig& collection,
          const DataProfile& profile)
      : configuration_(std::move(configuration)), collection_(collection), profile_(profile) {}

  Decision ChooseSchema() const;
  /// From now on ChooseSchema infers no time series; `why` goes into its reason.
  void RuleOutTimeSeries(std::string why) { ruled_out_ = std::move(why); }
  /// `layout` is that of the schema strategy.
  Decision ChooseProcessor(FileLayout layout) const;
  /// From how many rows on there is a model goes into the configuration.
  Decision ChooseModel();
  /// How vectors lie in the pipeline's files, whose layout is that of the configuration, and in the
  /// engine's tables; goes into the configuration.
  Decision ChooseVectorFormat();
  Decision ChooseEngineVectorFormat();
  /// Whether the pipeline's files have codecs by trial goes into the configuration. `trials` are of
  /// CompressionWays, and may be empty.
  Decision ChooseCompression(std::span<const StorageTrial> trials);
  /// As it is configured.
  Decision ChooseEngineCompression() const;
  /// The ways that the pipeline's files may be written: codecs and encodings by trial, and the one
  /// codec that is configured.
  std::vector<StorageWay> CompressionWays() const;

  /// The fields that are declared, or that the configuration asks for and the sample knows.
  std::vector<Field> Fields() const;

  Configuration& configuration() { return configuration_; }

 private:
  bool IsExplicit(std::string_view path) const {
    return configuration_.explicit_members.contains(path);
  }
  bool IsNamed() const;
  Decision Named(std::string_view name, std::string_view path) const;
  /// What is configured that a time series contradicts, if anything.
  std::optional<std::string> TimeSeriesObstacle() const;
  std::optional<uint64_t> Rows() const;
  std::string RowsText() const;
  /// By the share of searches and the number of rows, or by the sample.
  Decision ChooseOrder() const;
  Decision ChooseOrderByTendency() const;
  Decision ChooseFormat(std::string_view path, double threshold, VectorFormat& format) const;

  Configuration configuration_;
  const CollectionConfig& collection_;
  const DataProfile& profile_;
  std::optional<std::string> ruled_out_;
};

}  // namespace viper::factory
