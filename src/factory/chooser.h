#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/factory.h"

namespace viper::factory {

/// What a strategy is, and why.
struct Decision {
  std::string name;
  ChoiceOrigin origin = ChoiceOrigin::kDefault;
  std::string reason;
};

/// Chooses, from a configuration, what a caller says of a collection, and what its records say, in
/// that order; what was chosen goes into the configuration. The names of strategies are not looked
/// up here.
class Chooser {
 public:
  Chooser(Configuration configuration, const CollectionConfig& collection,
          const DataProfile& profile)
      : configuration_(std::move(configuration)), collection_(collection), profile_(profile) {}

  Decision ChooseSchema() const;
  /// `layout` is that of the schema strategy.
  Decision ChooseProcessor(FileLayout layout) const;
  /// From how many rows on there is a model goes into the configuration.
  Decision ChooseModel();
  Decision ChooseVectorFormat() const;
  /// Whether the pipeline's files have codecs by trial goes into the configuration. `trials` are of
  /// CompressionWays, and may be empty.
  Decision ChooseCompression(std::span<const StorageTrial> trials);
  /// The ways that are worth trying: codecs and encodings by trial, and the one codec that is
  /// configured.
  std::vector<StorageWay> CompressionWays() const;

  /// The metadata key that has the times, if any.
  std::optional<std::string> TimeField() const;
  /// The fields that are declared, or that the configuration asks for and the sample knows.
  std::vector<Field> Fields() const;

  Configuration& configuration() { return configuration_; }

 private:
  bool IsExplicit(std::string_view path) const {
    return configuration_.explicit_members.contains(path);
  }
  bool IsNamed() const;
  std::optional<uint64_t> Rows() const;
  std::string RowsText() const;
  /// By the share of searches and the number of rows, or by the sample.
  Decision ChooseOrder() const;
  Decision ChooseOrderByTendency() const;

  Configuration configuration_;
  const CollectionConfig& collection_;
  const DataProfile& profile_;
};

}  // namespace viper::factory
