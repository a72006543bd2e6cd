#pragma once

#include <map>
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

/// The strategies of the library, in the order in which they are listed.
std::vector<std::shared_ptr<const SchemaStrategy>> LibrarySchemaStrategies();
struct NamedMaker {
  std::string name;
  ProcessorMaker maker;
};
std::vector<NamedMaker> LibraryProcessors();

/// `processor`, with each record's time taken from a metadata key beforehand. A record that lacks
/// it, or whose value is no time, is an error that names it.
std::shared_ptr<RecordProcessor> TakeTimeFrom(std::string key,
                                              std::shared_ptr<RecordProcessor> processor);

}  // namespace viper::factory
