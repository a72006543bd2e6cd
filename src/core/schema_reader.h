#pragma once

#include <cstdint>
#include <vector>

#include "core/read_view.h"
#include "viper/schema_report.h"

namespace viper::core {

/// Collection::ReportSchema for the records of a view that are alive at `now`.
Result<SchemaReport> ReportSchema(const ReadView& view, int64_t now,
                                  const SchemaReportOptions& options);

/// What all of them have under some of the declared fields. Reads payloads only where a field has
/// no value in its column.
Result<std::vector<FieldReport>> ReportFields(const ReadView& view, int64_t now,
                                              const std::vector<Field>& fields);

}  // namespace viper::core
