#include "viper/factory.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "factory/chooser.h"
#include "factory/strategies.h"
#include "platform/mutex.h"

namespace viper {
namespace {

/// Records of an engine's collection that are looked at.
constexpr size_t kSampledRecordsMax = 4096;

Status CheckShare(std::string_view member, const std::optional<double>& share) {
  if (!share || (*share >= 0 && *share <= 1)) return {};
  return Status::InvalidArgument(
      fmt::format("CollectionConfig::{} is out of range: min=0 max=1 actual={}", member, *share));
}

std::string_view StrategyNameOf(const factory::ListedSchema& schema) {
  return schema.strategy->name();
}
std::string_view StrategyNameOf(const factory::NamedMaker& maker) { return maker.name; }

/// NotFound, listing those that the group has.
template <typename Listed>
Result<Listed> FindStrategy(std::string_view what, const factory::Decision& decision,
                            const std::vector<Listed>& all) {
  std::string names;
  for (const Listed& one : all) {
    if (one.group != decision.group) continue;
    if (StrategyNameOf(one) == decision.name) return one;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", StrategyNameOf(one));
  }
  return Status::NotFound(fmt::format(
      "there is no {} '{}' {}; there are: {}", what, decision.name,
      decision.group == factory::StrategyGroup::kLibrary ? "of the library" : "that is registered",
      names.empty() ? "none" : names));
}

}  // namespace

std::string_view ChoiceOriginName(ChoiceOrigin origin) {
  switch (origin) {
    case ChoiceOrigin::kExplicit:
      return "explicit";
    case ChoiceOrigin::kCollection:
      return "collection";
    case ChoiceOrigin::kInferred:
      return "inferred";
    case ChoiceOrigin::kDefault:
      return "default";
  }
  return "unknown";
}

Status CollectionConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(CheckShare("expected_sparsity", expected_sparsity));
  VIPER_RETURN_IF_ERROR(CheckShare("similarity_share", similarity_share));
  if (time_field && time_field->empty()) {
    return Status::InvalidArgument("CollectionConfig::time_field is empty text");
  }
  if (legacy_files && time_field) {
    return Status::InvalidArgument(fmt::format(
        "CollectionConfig::legacy_files=true contradicts time_field='{}': files of the old layout "
        "are no time series",
        *time_field));
  }
  CollectionSchema schema;
  schema.dim = dim.value_or(1);
  schema.metric = metric.value_or(Metric::kCosine);
  schema.fields = filterable_fields;
  VIPER_RETURN_IF_ERROR(schema.Validate());
  return properties.Validate();
}

// -- Components

std::string ViperComponents::Describe() const {
  std::string text = fmt::format("{}: {}\n", collection, configuration.Describe());
  for (const Choice& choice : choices) {
    text += fmt::format("  {}: {} ({}: {})\n", choice.what, choice.chosen,
                        ChoiceOriginName(choice.origin), choice.reason);
  }
  return text;
}

Result<Engine> ViperComponents::OpenEngine(const std::string& root,
                                           const EngineOptions& process) const {
  EngineOptions options = configuration.engine;
  options.file_system = process.file_system;
  options.clock = process.clock;
  options.log = process.log;
  return Engine::Open(root, options);
}

Result<std::shared_ptr<Collection>> ViperComponents::OpenCollection(Engine& engine) const {
  auto opened = engine.OpenCollection(collection);
  if (opened.ok() || opened.status().code() != StatusCode::kNotFound) return opened;
  if (schema.dim == 0) {
    return Status::FailedPrecondition(
        fmt::format("collection '{}' cannot be created: its dimension is not known; set "
                    "CollectionConfig::dim",
                    collection));
  }
  return engine.CreateCollection(collection, schema, properties);
}

Result<std::unique_ptr<Pipeline>> ViperComponents::MakePipeline(Engine* engine,
                                                                FileSystem* file_system) const {
  return Pipeline::Make(configuration.pipeline, file_system, engine, processor);
}

Result<std::unique_ptr<Utilities>> ViperComponents::MakeUtilities(Engine& engine) const {
  return Utilities::Make(configuration.utilities, engine);
}

// -- The factory

class Factory::Impl {
 public:
  explicit Impl(Configuration configuration) : configuration_(std::move(configuration)) {}

  const Configuration& configuration() const { return configuration_; }

  Status Register(std::shared_ptr<const SchemaStrategy> strategy) VIPER_EXCLUDES(mutex_) {
    if (strategy == nullptr || strategy->name().empty()) {
      return Status::InvalidArgument("a schema strategy needs a name");
    }
    MutexLock lock(mutex_);
    for (const auto& known : schemas_) {
      if (known.strategy->name() == strategy->name()) {
        return IsThere("schema strategy", strategy->name());
      }
    }
    schemas_.push_back({std::move(strategy), factory::StrategyGroup::kRegistered});
    return {};
  }

  Status Register(const std::string& name, ProcessorMaker maker) VIPER_EXCLUDES(mutex_) {
    if (name.empty() || maker == nullptr) {
      return Status::InvalidArgument("a processor needs a name and a maker");
    }
    MutexLock lock(mutex_);
    for (const auto& known : processors_) {
      if (known.name == name) return IsThere("processor", name);
    }
    processors_.push_back({name, std::move(maker), factory::StrategyGroup::kRegistered});
    return {};
  }

  std::vector<std::string> SchemaNames() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& known : schemas_) names.emplace_back(known.strategy->name());
    return names;
  }
  std::vector<std::string> ProcessorNames() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& maker : processors_) names.push_back(maker.name);
    return names;
  }

  /// `rows` (may be null) is the collection whose files are tried.
  Result<ViperComponents> Create(const std::string& name, const CollectionConfig& collection,
                                 const DataProfile& profile, const Collection* rows = nullptr) const
      VIPER_EXCLUDES(mutex_) {
    VIPER_RETURN_IF_ERROR(ValidateCollectionName(name));
    VIPER_RETURN_IF_ERROR(configuration_.Validate());
    VIPER_RETURN_IF_ERROR(collection.Validate());
    if (collection.dim && profile.dim > 0 && *collection.dim != profile.dim) {
      return Status::InvalidArgument(fmt::format(
          "collection '{}': CollectionConfig::dim={} but its records have {} components", name,
          *collection.dim, profile.dim));
    }
    factory::Chooser chooser(configuration_, collection, profile);
    VIPER_ASSIGN_OR_RETURN(Parts parts, Find(chooser));
    std::vector<Choice> choices;
    VIPER_RETURN_IF_ERROR(ChooseWriting(chooser, rows, choices));
    VIPER_RETURN_IF_ERROR(MakeProcessor(chooser, collection, profile, parts));
    ViperComponents made;
    made.collection = name;
    made.schema_strategy = parts.schema.strategy;
    made.processor = std::move(parts.processor);
    made.properties = collection.properties;
    made.profile = profile;
    Note("schema_strategy", parts.schema_choice, made.choices);
    Note("processor", parts.processor_choice, made.choices);
    std::move(choices.begin(), choices.end(), std::back_inserter(made.choices));
    made.configuration = chooser.configuration();
    // The layout came last: what is set on purpose may contradict it, or each other.
    if (const Status valid = made.configuration.Validate(); !valid.ok()) {
      return valid.WithContext(fmt::format("collection '{}': the schema strategy '{}' ({})", name,
                                           parts.schema_choice.name, parts.schema_choice.reason));
    }
    VIPER_RETURN_IF_ERROR(TakeTimes(collection, made));
    CollectionSchema known;
    known.dim = collection.dim.value_or(profile.dim);
    known.metric = collection.metric.value_or(made.configuration.engine.default_metric);
    known.fields = chooser.Fields();
    made.schema = made.schema_strategy->MakeSchema(known, profile);
    return made;
  }

 private:
  /// The strategies, and why they are these.
  struct Parts {
    factory::Decision schema_choice;
    factory::ListedSchema schema;
    factory::Decision processor_choice;
    factory::NamedMaker maker;
    std::shared_ptr<RecordProcessor> processor;
  };

  static void Note(std::string_view what, factory::Decision decision,
                   std::vector<Choice>& choices) {
    choices.push_back(
        {std::string(what), std::move(decision.name), decision.origin, std::move(decision.reason)});
  }

  static Status IsThere(std::string_view what, std::string_view name) {
    return Status::AlreadyExists(fmt::format("there is a {} '{}' already", what, name));
  }

  /// The layout goes into the chooser's configuration.
  Result<Parts> Find(factory::Chooser& chooser) const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    Parts parts;
    parts.schema_choice = chooser.ChooseSchema();
    VIPER_ASSIGN_OR_RETURN(parts.schema,
                           FindStrategy("schema strategy", parts.schema_choice, schemas_));
    const FileLayout layout = parts.schema.strategy->layout();
    ProcessingConfig& processing = chooser.configuration().pipeline.processing;
    if (configuration_.explicit_members.contains("pipeline.processing.layout") &&
        processing.layout != layout) {
      return Status::InvalidArgument(fmt::format(
          "strategy.schema='{}' contradicts pipeline.processing.layout={}: its files are {}",
          parts.schema_choice.name, FileLayoutName(processing.layout), FileLayoutName(layout)));
    }
    processing.layout = layout;
    parts.processor_choice = chooser.ChooseProcessor(layout);
    VIPER_ASSIGN_OR_RETURN(parts.maker,
                           FindStrategy("processor", parts.processor_choice, processors_));
    return parts;
  }

  /// How files are written and found; `rows` (may be null) are tried.
  static Status ChooseWriting(factory::Chooser& chooser, const Collection* rows,
                              std::vector<Choice>& choices) {
    std::vector<StorageTrial> trials;
    if (rows != nullptr) {
      VIPER_ASSIGN_OR_RETURN(auto tried, rows->TryStorage(chooser.CompressionWays()));
      trials = std::move(tried.trials);
    }
    Note("compression", chooser.ChooseCompression(trials), choices);
    const FlushingConfig& flushing = chooser.configuration().pipeline.flushing;
    const size_t taken = flushing.enable_adaptive_compression ? 0 : 1;
    if (taken < trials.size()) {
      for (const StorageTrialColumn& column : trials[taken].columns) {
        Note("compression of " + column.path,
             {column.chosen, ChoiceOrigin::kInferred,
              fmt::format("{} bytes of a sample, {} before", column.bytes, column.encoded_bytes)},
             choices);
      }
    }
    Note("engine_compression", chooser.ChooseEngineCompression(), choices);
    Note("vector_format", chooser.ChooseVectorFormat(), choices);
    Note("engine_vector_format", chooser.ChooseEngineVectorFormat(), choices);
    Note("model", chooser.ChooseModel(), choices);
    return {};
  }

  /// Only a processor that is made tells its order. Where a time series that was inferred does not
  /// suit it there is none.
  Status MakeProcessor(factory::Chooser& chooser, const CollectionConfig& collection,
                       const DataProfile& profile, Parts& parts) const VIPER_EXCLUDES(mutex_) {
    const auto make = [&]() -> Status {
      VIPER_ASSIGN_OR_RETURN(parts.processor,
                             parts.maker.maker(chooser.configuration(), collection, profile));
      if (parts.processor != nullptr) return {};
      return Status::InvalidArgument(
          fmt::format("the maker of the processor '{}' made none", parts.processor_choice.name));
    };
    VIPER_RETURN_IF_ERROR(make());
    const ProcessingConfig& processing = chooser.configuration().pipeline.processing;
    const SortingOrder order = parts.processor->Sorting(processing.sorting).order;
    if (processing.layout != FileLayout::kTimeSeries || order == SortingOrder::kByTime) return {};
    const std::string sorts =
        fmt::format("the processor '{}' ({}) sorts {}", parts.processor_choice.name,
                    parts.processor_choice.reason, SortingOrderName(order));
    if (parts.schema_choice.origin == ChoiceOrigin::kExplicit) {
      return Status::InvalidArgument(fmt::format(
          "the schema strategy '{}' ({}) and the processor contradict each other: the rows of a "
          "time series are sorted by_time, {}",
          parts.schema_choice.name, parts.schema_choice.reason, sorts));
    }
    chooser.RuleOutTimeSeries(sorts);
    VIPER_ASSIGN_OR_RETURN(parts, Find(chooser));
    return make();
  }

  /// A key that the caller names has the time of every record. One that merely looks like it fills
  /// gaps.
  static Status TakeTimes(const CollectionConfig& collection, ViperComponents& made) {
    const ProcessingConfig& processing = made.configuration.pipeline.processing;
    if (!collection.time_field) {
      if (processing.layout == FileLayout::kTimeSeries && made.profile.time_key) {
        made.processor = factory::FillTimeFrom(*made.profile.time_key, std::move(made.processor));
      }
      return {};
    }
    if (!processing.enable_preprocessing) {
      if (*collection.time_field == factory::kRecordTime) return {};
      return Status::InvalidArgument(
          fmt::format("collection '{}': CollectionConfig::time_field='{}' contradicts "
                      "pipeline.processing.enable_preprocessing=false, in which times are taken",
                      made.collection, *collection.time_field));
    }
    made.processor = factory::TakeTimeFrom(*collection.time_field, std::move(made.processor));
    return {};
  }

  const Configuration configuration_;
  mutable Mutex mutex_;
  std::vector<factory::ListedSchema> schemas_ VIPER_GUARDED_BY(mutex_) =
      factory::LibrarySchemaStrategies();
  std::vector<factory::NamedMaker> processors_ VIPER_GUARDED_BY(mutex_) =
      factory::LibraryProcessors();
};

Factory::Factory() : Factory(Configuration()) {}
Factory::Factory(Configuration configuration)
    : impl_(std::make_unique<Impl>(std::move(configuration))) {}
Factory::~Factory() = default;
Factory::Factory(Factory&&) noexcept = default;
Factory& Factory::operator=(Factory&&) noexcept = default;

const Configuration& Factory::configuration() const { return impl_->configuration(); }

Status Factory::RegisterSchemaStrategy(std::shared_ptr<const SchemaStrategy> strategy) {
  return impl_->Register(std::move(strategy));
}
Status Factory::RegisterProcessor(const std::string& name, ProcessorMaker maker) {
  return impl_->Register(name, std::move(maker));
}
std::vector<std::string> Factory::SchemaStrategies() const { return impl_->SchemaNames(); }
std::vector<std::string> Factory::Processors() const { return impl_->ProcessorNames(); }

Result<ViperComponents> Factory::CreateForCollection(
    const std::string& name, const std::optional<CollectionConfig>& config) const {
  return impl_->Create(name, config.value_or(CollectionConfig()), {});
}

Result<ViperComponents> Factory::CreateForCollection(const std::string& name,
                                                     const std::optional<CollectionConfig>& config,
                                                     std::span<const Record> sample) const {
  const CollectionConfig collection = config.value_or(CollectionConfig());
  VIPER_ASSIGN_OR_RETURN(const DataProfile profile,
                         ProfileRecords(sample, collection.dim.value_or(0)));
  return impl_->Create(name, collection, profile);
}

Result<ViperComponents> Factory::CreateForCollection(const std::string& name,
                                                     const std::optional<CollectionConfig>& config,
                                                     Engine& engine) const {
  const CollectionConfig collection = config.value_or(CollectionConfig());
  auto opened = engine.OpenCollection(name);
  if (!opened.ok()) {
    if (opened.status().code() != StatusCode::kNotFound) return opened.status();
    return impl_->Create(name, collection, {});
  }
  VIPER_ASSIGN_OR_RETURN(const std::vector<Record> sample, (*opened)->Sample(kSampledRecordsMax));
  VIPER_ASSIGN_OR_RETURN(DataProfile profile, ProfileRecords(sample, (*opened)->dim()));
  VIPER_ASSIGN_OR_RETURN(profile.rows, (*opened)->Count());
  const bool has_files = (*opened)->Statistics().part_count > 0;
  VIPER_ASSIGN_OR_RETURN(ViperComponents made, impl_->Create(name, collection, profile,
                                                             has_files ? opened->get() : nullptr));
  // It is what it is.
  made.schema = (*opened)->schema();
  made.properties = (*opened)->Properties();
  return made;
}

}  // namespace viper
