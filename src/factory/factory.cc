#include "viper/factory.h"

#include <algorithm>
#include <cmath>
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

template <typename Named>
std::string ListNames(const std::vector<Named>& all, std::string_view (*name_of)(const Named&)) {
  std::string names;
  for (const Named& one : all) {
    if (!names.empty()) names += ", ";
    names += name_of(one);
  }
  return names;
}

std::string_view NameOfSchema(const std::shared_ptr<const SchemaStrategy>& strategy) {
  return strategy->name();
}
std::string_view NameOfMaker(const factory::NamedMaker& maker) { return maker.name; }

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
      if (known->name() == strategy->name()) return IsThere("schema strategy", strategy->name());
    }
    schemas_.push_back(std::move(strategy));
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
    processors_.push_back({name, std::move(maker)});
    return {};
  }

  std::vector<std::string> SchemaNames() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& strategy : schemas_) names.emplace_back(strategy->name());
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
    ViperComponents made;
    made.collection = name;
    made.profile = profile;
    made.properties = collection.properties;
    const auto note = [&made](std::string_view what, factory::Decision decision) {
      made.choices.push_back({std::string(what), std::move(decision.name), decision.origin,
                              std::move(decision.reason)});
    };
    const factory::Decision schema = chooser.ChooseSchema();
    VIPER_ASSIGN_OR_RETURN(made.schema_strategy, FindSchema(schema.name));
    note("schema_strategy", schema);
    const FileLayout layout = made.schema_strategy->layout();
    const factory::Decision processor = chooser.ChooseProcessor(layout);
    VIPER_ASSIGN_OR_RETURN(const ProcessorMaker maker, FindProcessor(processor.name));
    note("processor", processor);
    std::vector<StorageTrial> trials;
    if (rows != nullptr) {
      VIPER_ASSIGN_OR_RETURN(auto tried, rows->TryStorage(chooser.CompressionWays()));
      trials = std::move(tried.trials);
    }
    note("compression", chooser.ChooseCompression(trials));
    if (!trials.empty()) {
      for (const StorageTrialColumn& column : trials.front().columns) {
        note("compression of " + column.path,
             {column.chosen, ChoiceOrigin::kInferred,
              fmt::format("{} bytes of a sample, {} before", column.bytes, column.encoded_bytes)});
      }
    }
    note("vector_format", chooser.ChooseVectorFormat());
    note("model", chooser.ChooseModel());
    made.configuration = std::move(chooser.configuration());
    made.configuration.pipeline.processing.layout = layout;
    VIPER_ASSIGN_OR_RETURN(made.processor, maker(made.configuration, collection, profile));
    if (made.processor == nullptr) {
      return Status::InvalidArgument(
          fmt::format("the maker of the processor '{}' made none", processor.name));
    }
    const auto time_field = chooser.TimeField();
    if (layout == FileLayout::kTimeSeries && time_field && *time_field != kRecordTime) {
      made.processor = factory::TakeTimeFrom(*time_field, std::move(made.processor));
    }
    CollectionSchema known;
    known.dim = collection.dim.value_or(profile.dim);
    known.metric = collection.metric.value_or(made.configuration.engine.default_metric);
    known.fields = chooser.Fields();
    made.schema = made.schema_strategy->MakeSchema(known, profile);
    return made;
  }

 private:
  /// CollectionConfig::time_field that is no metadata key.
  static constexpr std::string_view kRecordTime = "timestamp";

  static Status IsThere(std::string_view what, std::string_view name) {
    return Status::AlreadyExists(fmt::format("there is a {} '{}' already", what, name));
  }

  Result<std::shared_ptr<const SchemaStrategy>> FindSchema(std::string_view name) const
      VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (const auto& strategy : schemas_) {
      if (strategy->name() == name) return strategy;
    }
    return Status::NotFound(fmt::format("there is no schema strategy '{}'; there are: {}", name,
                                        ListNames(schemas_, NameOfSchema)));
  }

  Result<ProcessorMaker> FindProcessor(std::string_view name) const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (const auto& known : processors_) {
      if (known.name == name) return known.maker;
    }
    return Status::NotFound(fmt::format("there is no processor '{}'; there are: {}", name,
                                        ListNames(processors_, NameOfMaker)));
  }

  const Configuration configuration_;
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<const SchemaStrategy>> schemas_ VIPER_GUARDED_BY(mutex_) =
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
