#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/options.h"
#include "viper/pipeline.h"
#include "viper/result.h"
#include "viper/utilities.h"
#include "viper/value.h"

namespace viper {

/// How a Factory chooses what nobody has set.
enum class StrategySelectionMode : uint8_t {
  /// By rules, from what is known of the collection: what its caller says, and its records. The
  /// default.
  kAdaptive = 0,
  /// The strategies of the library that are named.
  kFixed = 1,
  /// By measuring a sample of its records: how much clusters tell of them.
  kModelGuided = 2,
  /// The strategies that are named, of those that the user has registered.
  kUserDefined = 3,
};

/// Return "adaptive", "fixed", "model_guided" or "user_defined".
VIPER_EXPORT std::string_view StrategySelectionModeName(StrategySelectionMode mode);
VIPER_EXPORT Result<StrategySelectionMode> ParseStrategySelectionMode(std::string_view name);

struct StrategySelection {
  StrategySelectionMode mode = StrategySelectionMode::kAdaptive;
  /// Names of a schema strategy and a processor, for kFixed and kUserDefined, which need at least
  /// one; what is empty is chosen as by kAdaptive, of the library.
  std::string schema = {};
  std::string processor = {};

  friend bool operator==(const StrategySelection&, const StrategySelection&) = default;
};

/// Everything that can be set of an engine, a pipeline and their utilities, in one. A value.
struct VIPER_EXPORT Configuration {
  /// But for what belongs to the process: `read_only`, `accept_loss_from`, `file_system`, `clock`
  /// and `log` are neither compared nor written down.
  EngineOptions engine = {};
  PipelineConfig pipeline = {};
  UtilitiesConfig utilities = {};
  StrategySelection strategy = {};
  /// Paths of the members that somebody has set on purpose, such as "pipeline.processing.layout":
  /// a factory leaves them alone.
  std::set<std::string, std::less<>> explicit_members = {};

  /// OK, or InvalidArgument naming the member, its value and what is allowed; of two that
  /// contradict each other both.
  Status Validate() const;

  /// As JSON: an object for each group, with a key for each member, and `explicit`, the list of
  /// explicit_members.
  Value ToValue() const;
  /// Read what ToValue or a person wrote: members that are not there keep their defaults. Without
  /// `explicit`, those that are there count as set. InvalidArgument names the path of a member that
  /// there is none of, with the one that may be meant, or whose value is of the wrong kind or out
  /// of range.
  static Result<Configuration> FromValue(const Value& value);
  /// The same as TOML text (v1.0).
  std::string ToToml() const;
  static Result<Configuration> FromToml(std::string_view text);

  /// Whether every member is equal, and so is what was set on purpose.
  friend bool operator==(const Configuration& a, const Configuration& b) {
    return a.ToValue() == b.ToValue();
  }

  /// One sentence on what it turns on and off.
  std::string Describe() const;
};

/// Makes a configuration step by step. What a step sets counts as set on purpose.
class VIPER_EXPORT ConfigurationBuilder {
 public:
  ConfigurationBuilder() = default;
  /// Begin with this one.
  static ConfigurationBuilder From(Configuration configuration);

  /// Whether rows are placed and found by clusters (EngineOptions::enable_clustering), and files
  /// ordered by similarity rather than by time.
  ConfigurationBuilder& WithClusteringEnabled(bool enabled);
  /// Whether what is learned from data and use steers: the order and the compactions of the
  /// pipeline, and how cautious searches are (EngineOptions::audit_share).
  ConfigurationBuilder& WithMlOptimizations(bool enabled);
  /// Whether codecs and encodings are chosen by trial, in tables and files, and advice on them is
  /// given anew over time. Off: EngineOptions::compression for every column.
  ConfigurationBuilder& WithCompressionOptimization(bool enabled);
  /// Whether records expire (EngineOptions::enforce_expiry), and what has expired is cleaned up.
  ConfigurationBuilder& WithTtlEnabled(bool enabled);
  ConfigurationBuilder& WithStrategySelection(StrategySelection selection);
  ConfigurationBuilder& WithStrategySelection(StrategySelectionMode mode);
  /// ProcessingConfig::batch_size.
  ConfigurationBuilder& WithBatchSize(size_t records);
  /// EngineOptions::index_clusters; 0 = as many as suit the rows.
  ConfigurationBuilder& WithClusterCount(uint32_t clusters);
  /// The codec where it is not chosen by trial, of tables and files.
  ConfigurationBuilder& WithCompression(const Compression& compression);
  /// EngineOptions::filterable_fields.
  ConfigurationBuilder& WithFilterableFields(std::vector<std::string> fields);
  /// Whether utilities and pipeline have threads of their own.
  ConfigurationBuilder& WithBackgroundServices(bool enabled);
  /// Any member by its path and value, as Configuration::FromValue reads them. What is wrong with
  /// it, Build tells.
  ConfigurationBuilder& With(std::string path, Value value);

  /// The configuration. Fails as Configuration::Validate, or with what a step was given.
  Result<Configuration> Build() const;

 private:
  ConfigurationBuilder& Mark(std::string_view path);

  Configuration configuration_;
  Status failure_;
};

}  // namespace viper
