#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "viper/factory.h"

namespace viper::factory {

inline constexpr std::string_view kViperSchema = "viper";
inline constexpr std::string_view kLegacySchema = "legacy";
inline constexpr std::string_view kTimeSeriesSchema = "time_series";
inline constexpr std::string_view kStandardProcessor = "standard";
inline constexpr std::string_view kSimilarityProcessor = "similarity";
inline constexpr std::string_view kTimeSeriesProcessor = "time_series";

/// Where a strategy comes from: StrategySelectionMode::kFixed names those of the library,
/// kUserDefined those that were registered.
enum class StrategyGroup : uint8_t { kLibrary = 0, kRegistered = 1 };

struct ListedSchema {
  std::shared_ptr<const SchemaStrategy> strategy;
  StrategyGroup group = StrategyGroup::kLibrary;
};
struct NamedMaker {
  std::string name;
  ProcessorMaker maker;
  StrategyGroup group = StrategyGroup::kLibrary;
};
/// The strategies of the library, in the order in which they are listed.
std::vector<ListedSchema> LibrarySchemaStrategies();
std::vector<NamedMaker> LibraryProcessors();

/// CollectionConfig::time_field of records that have their time in Record::timestamp.
inline constexpr std::string_view kRecordTime = "timestamp";
/// `processor`, with each record's time taken from a metadata key (or kRecordTime: left as it is)
/// beforehand. A record that lacks it, or whose value is no time, is an error that names it.
std::shared_ptr<RecordProcessor> TakeTimeFrom(std::string key,
                                              std::shared_ptr<RecordProcessor> processor);
/// `processor`, with the time of each record that has none taken from a metadata key, where that
/// key holds a time. That it holds the records' times is a guess: nothing is replaced or refused.
std::shared_ptr<RecordProcessor> FillTimeFrom(std::string key,
                                              std::shared_ptr<RecordProcessor> processor);

}  // namespace viper::factory
