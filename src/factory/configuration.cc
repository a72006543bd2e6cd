#include "viper/configuration.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "columnar/nearest_name.h"
#include "factory/member_text.h"
#include "factory/members.h"
#include "factory/toml_text.h"

namespace viper {
namespace {

constexpr std::string_view kExplicitKey = "explicit";

std::string JoinMemberPath(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

/// Makes an object of each group.
class MemberWriter {
 public:
  template <typename T>
  void operator()(std::string_view name, const T& member) {
    (*object_)[std::string(name)] = factory::ValueOf(member);
  }
  template <typename Visit>
  void Group(std::string_view name, const Visit& visit) {
    Value::Object* const outer = std::exchange(object_, nullptr);
    Value& value = (*outer)[std::string(name)];
    value = Value(Value::Object());
    object_ = value.as_object();
    visit();
    object_ = outer;
  }
  Value::Object& whole() { return whole_; }

 private:
  Value::Object whole_;
  Value::Object* object_ = &whole_;
};

/// Reads the members that an object has, and remembers the first thing that is wrong.
class MemberReader {
 public:
  explicit MemberReader(const Value::Object& object) : object_(&object) {}

  template <typename T>
  void operator()(std::string_view name, T& member) {
    names_.emplace_back(name);
    if (object_ == nullptr) return;
    const auto found = object_->find(name);
    if (found == object_->end()) return;
    const std::string path = JoinMemberPath(prefix_, name);
    Note(path, factory::ReadMember(found->second, member));
    read_.insert(path);
  }
  template <typename Visit>
  void Group(std::string_view name, const Visit& visit) {
    names_.emplace_back(name);
    const auto outer_names = std::exchange(names_, {});
    const auto outer_prefix = std::exchange(prefix_, JoinMemberPath(prefix_, name));
    const Value::Object* const outer = object_;
    object_ = nullptr;
    if (outer != nullptr) {
      if (const auto found = outer->find(name); found != outer->end()) {
        object_ = found->second.as_object();
        if (object_ == nullptr) Note(prefix_, factory::WrongKind("object", found->second));
      }
    }
    visit();
    Finish();
    object_ = outer;
    prefix_ = outer_prefix;
    names_ = outer_names;
  }
  /// Nothing may be left that no member has the name of.
  void Finish() {
    if (object_ == nullptr) return;
    for (const auto& [key, value] : *object_) {
      if (std::find(names_.begin(), names_.end(), key) != names_.end()) continue;
      const auto nearest = columnar::NearestName(key, names_);
      Note(JoinMemberPath(prefix_, key),
           Status::InvalidArgument(
               nearest ? fmt::format("there is no such member; did you mean '{}'?", *nearest)
                       : fmt::format("there is no such member; the members are: {}", AllNames())));
    }
  }
  void Allow(std::string_view name) { names_.emplace_back(name); }

  const Status& status() const { return status_; }
  std::set<std::string, std::less<>>& read() { return read_; }

 private:
  std::string AllNames() const {
    std::string all;
    for (const std::string& name : names_) all += (all.empty() ? "" : ", ") + name;
    return all;
  }
  void Note(std::string_view path, const Status& status) {
    if (status_.ok() && !status.ok()) status_ = status.WithContext(path);
  }

  const Value::Object* object_;
  std::string prefix_;
  /// Of the members of the group that is visited.
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> read_;
  Status status_;
};

/// Collects the paths of all members.
class PathCollector {
 public:
  template <typename T>
  void operator()(std::string_view name, const T&) {
    paths_.insert(JoinMemberPath(prefix_, name));
  }
  template <typename Visit>
  void Group(std::string_view name, const Visit& visit) {
    const auto outer = std::exchange(prefix_, JoinMemberPath(prefix_, name));
    visit();
    prefix_ = outer;
  }
  const std::set<std::string, std::less<>>& paths() const { return paths_; }

 private:
  std::string prefix_;
  std::set<std::string, std::less<>> paths_;
};

Status CheckPaths(const std::set<std::string, std::less<>>& paths) {
  if (paths.empty()) return {};
  PathCollector known;
  const Configuration defaults;
  factory::VisitConfiguration(known, defaults);
  for (const std::string& path : paths) {
    if (known.paths().contains(path)) continue;
    return Status::InvalidArgument(fmt::format("explicit: there is no member '{}'", path));
  }
  return {};
}

Status CheckSelection(const StrategySelection& selection) {
  const bool needs_names = selection.mode == StrategySelectionMode::kFixed ||
                           selection.mode == StrategySelectionMode::kUserDefined;
  const bool has_names = !selection.schema.empty() || !selection.processor.empty();
  if (selection.mode > StrategySelectionMode::kUserDefined) {
    return Status::InvalidArgument(
        fmt::format("strategy.mode is unknown: actual={}", static_cast<int>(selection.mode)));
  }
  if (needs_names == has_names) return {};
  return Status::InvalidArgument(
      fmt::format("strategy.mode={} {} strategy.schema='{}' strategy.processor='{}'",
                  StrategySelectionModeName(selection.mode),
                  needs_names ? "needs the name of one of" : "contradicts", selection.schema,
                  selection.processor));
}

/// Settings of an engine and a pipeline that cannot both be meant.
Status CheckTogether(const Configuration& configuration) {
  const EngineOptions& engine = configuration.engine;
  if (!engine.enable_clustering && engine.index_clusters > 0) {
    return Status::InvalidArgument(
        fmt::format("engine.enable_clustering=false contradicts engine.index_clusters={}",
                    engine.index_clusters));
  }
  return {};
}

Result<Configuration> ReadConfiguration(const Value& value) {
  const Value::Object* object = value.as_object();
  if (object == nullptr) return factory::WrongKind("object", value).WithContext("configuration");
  Configuration configuration;
  MemberReader reader(*object);
  factory::VisitConfiguration(reader, configuration);
  reader.Allow(kExplicitKey);
  reader.Finish();
  VIPER_RETURN_IF_ERROR(reader.status());
  configuration.explicit_members = std::move(reader.read());
  if (const auto told = object->find(kExplicitKey); told != object->end()) {
    std::vector<std::string> paths;
    const Status read = factory::ReadMember(told->second, paths);
    if (!read.ok()) return read.WithContext(kExplicitKey);
    configuration.explicit_members = {paths.begin(), paths.end()};
  }
  return configuration;
}

/// An object that has one member, at this path.
Value ObjectOf(std::string_view path, Value value) {
  const size_t dot = path.find('.');
  Value::Object object;
  if (dot == std::string_view::npos) {
    object[std::string(path)] = std::move(value);
  } else {
    object[std::string(path.substr(0, dot))] = ObjectOf(path.substr(dot + 1), std::move(value));
  }
  return Value(std::move(object));
}

std::string_view OnOrOff(bool is_on) { return is_on ? "on" : "off"; }

}  // namespace

std::string_view StrategySelectionModeName(StrategySelectionMode mode) {
  switch (mode) {
    case StrategySelectionMode::kAdaptive:
      return "adaptive";
    case StrategySelectionMode::kFixed:
      return "fixed";
    case StrategySelectionMode::kModelGuided:
      return "model_guided";
    case StrategySelectionMode::kUserDefined:
      return "user_defined";
  }
  return "unknown";
}

Result<StrategySelectionMode> ParseStrategySelectionMode(std::string_view name) {
  for (const auto mode :
       {StrategySelectionMode::kAdaptive, StrategySelectionMode::kFixed,
        StrategySelectionMode::kModelGuided, StrategySelectionMode::kUserDefined}) {
    if (name == StrategySelectionModeName(mode)) return mode;
  }
  return Status::InvalidArgument(fmt::format(
      "unknown strategy selection: expected=adaptive|fixed|model_guided|user_defined actual='{}'",
      name));
}

Status Configuration::Validate() const {
  VIPER_RETURN_IF_ERROR(engine.Validate());
  VIPER_RETURN_IF_ERROR(pipeline.Validate());
  VIPER_RETURN_IF_ERROR(utilities.Validate());
  VIPER_RETURN_IF_ERROR(CheckSelection(strategy));
  VIPER_RETURN_IF_ERROR(CheckTogether(*this));
  return CheckPaths(explicit_members);
}

Value Configuration::ToValue() const {
  MemberWriter writer;
  factory::VisitConfiguration(writer, *this);
  writer.whole()[std::string(kExplicitKey)] =
      Value(Value::List(explicit_members.begin(), explicit_members.end()));
  return Value(std::move(writer.whole()));
}

Result<Configuration> Configuration::FromValue(const Value& value) {
  VIPER_ASSIGN_OR_RETURN(Configuration configuration, ReadConfiguration(value));
  VIPER_RETURN_IF_ERROR(configuration.Validate());
  return configuration;
}

std::string Configuration::ToToml() const { return factory::TomlOf(ToValue()); }

Result<Configuration> Configuration::FromToml(std::string_view text) {
  VIPER_ASSIGN_OR_RETURN(const Value value, factory::ParseToml(text));
  return FromValue(value);
}

std::string Configuration::Describe() const {
  const std::string clusters = !engine.enable_clustering ? "off"
                               : engine.index_clusters == 0
                                   ? "adaptive"
                                   : fmt::format("{} clusters", engine.index_clusters);
  return fmt::format("clustering {}, models {}, compression {}, expiry {}, strategies {}", clusters,
                     OnOrOff(pipeline.processing.enable_ml_optimizations),
                     engine.adaptive_compression ? "adaptive" : CompressionName(engine.compression),
                     OnOrOff(engine.enforce_expiry), StrategySelectionModeName(strategy.mode));
}

ConfigurationBuilder ConfigurationBuilder::From(Configuration configuration) {
  ConfigurationBuilder builder;
  builder.configuration_ = std::move(configuration);
  return builder;
}

ConfigurationBuilder& ConfigurationBuilder::Mark(std::string_view path) {
  configuration_.explicit_members.emplace(path);
  return *this;
}

ConfigurationBuilder& ConfigurationBuilder::WithClusteringEnabled(bool enabled) {
  configuration_.engine.enable_clustering = enabled;
  configuration_.pipeline.processing.sorting.order =
      enabled ? SortingOrder::kBySimilarity : SortingOrder::kByTime;
  return Mark("engine.enable_clustering").Mark("pipeline.processing.sorting.order");
}

ConfigurationBuilder& ConfigurationBuilder::WithMlOptimizations(bool enabled) {
  configuration_.pipeline.processing.enable_ml_optimizations = enabled;
  configuration_.pipeline.compaction.enable_ml_compaction = enabled;
  configuration_.engine.audit_share = enabled ? EngineOptions().audit_share : 0;
  return Mark("pipeline.processing.enable_ml_optimizations")
      .Mark("pipeline.compaction.enable_ml_compaction")
      .Mark("engine.audit_share");
}

ConfigurationBuilder& ConfigurationBuilder::WithCompressionOptimization(bool enabled) {
  configuration_.engine.adaptive_compression = enabled;
  configuration_.pipeline.flushing.enable_adaptive_compression = enabled;
  configuration_.utilities.compression.enable_adaptive_compression = enabled;
  return Mark("engine.adaptive_compression")
      .Mark("pipeline.flushing.enable_adaptive_compression")
      .Mark("utilities.compression.enable_adaptive_compression");
}

ConfigurationBuilder& ConfigurationBuilder::WithTtlEnabled(bool enabled) {
  configuration_.engine.enforce_expiry = enabled;
  configuration_.utilities.ttl.enabled = enabled;
  return Mark("engine.enforce_expiry").Mark("utilities.ttl.enabled");
}

ConfigurationBuilder& ConfigurationBuilder::WithStrategySelection(StrategySelection selection) {
  configuration_.strategy = std::move(selection);
  return Mark("strategy.mode").Mark("strategy.schema").Mark("strategy.processor");
}

ConfigurationBuilder& ConfigurationBuilder::WithStrategySelection(StrategySelectionMode mode) {
  return WithStrategySelection(StrategySelection{.mode = mode});
}

ConfigurationBuilder& ConfigurationBuilder::WithBatchSize(size_t records) {
  configuration_.pipeline.processing.batch_size = records;
  return Mark("pipeline.processing.batch_size");
}

ConfigurationBuilder& ConfigurationBuilder::WithClusterCount(uint32_t clusters) {
  configuration_.engine.index_clusters = clusters;
  return Mark("engine.index_clusters");
}

ConfigurationBuilder& ConfigurationBuilder::WithCompression(const Compression& compression) {
  configuration_.engine.compression = compression;
  configuration_.pipeline.flushing.compression = compression;
  return Mark("engine.compression").Mark("pipeline.flushing.compression");
}

ConfigurationBuilder& ConfigurationBuilder::WithFilterableFields(std::vector<std::string> fields) {
  configuration_.engine.filterable_fields = std::move(fields);
  return Mark("engine.filterable_fields");
}

ConfigurationBuilder& ConfigurationBuilder::WithBackgroundServices(bool enabled) {
  configuration_.pipeline.enable_background_processing = enabled;
  configuration_.utilities.enable_background_services = enabled;
  return Mark("pipeline.enable_background_processing").Mark("utilities.enable_background_services");
}

ConfigurationBuilder& ConfigurationBuilder::With(std::string path, Value value) {
  const Value object = ObjectOf(path, std::move(value));
  MemberReader reader(*object.as_object());
  factory::VisitConfiguration(reader, configuration_);
  reader.Finish();
  if (failure_.ok()) failure_ = reader.status();
  return Mark(path);
}

Result<Configuration> ConfigurationBuilder::Build() const {
  VIPER_RETURN_IF_ERROR(failure_);
  VIPER_RETURN_IF_ERROR(configuration_.Validate());
  return configuration_;
}

}  // namespace viper
