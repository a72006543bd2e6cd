/// What a collection says about its schema, and how that is changed.

#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "core/collection_impl.h"
#include "core/schema_change.h"
#include "core/schema_reader.h"

namespace viper {

Result<SchemaChangeReport> Collection::Impl::ChangeSchema(const core::Flusher::MakeSchema& make,
                                                          std::span<const Field> named) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  VIPER_RETURN_IF_ERROR(writer_->flusher->ChangeSchema(make));
  // Files that were written anew are not in the index yet.
  NotifyIndexThread();
  const auto view = state()->View();
  SchemaChangeReport report;
  report.table_version = view->table_version;
  auto fields =
      core::ReportFields(*view, context_.ExpiryNow(), std::vector(named.begin(), named.end()));
  if (!fields.ok()) {
    return fields.status().WithContext("the schema was changed, but its records cannot be counted");
  }
  report.fields = std::move(*fields);
  return report;
}

Result<SchemaReport> Collection::Impl::ReportSchema(const SchemaReportOptions& options) const {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  return core::ReportSchema(*state()->View(), context_.ExpiryNow(), options);
}

Result<SchemaChangeReport> Collection::AddFields(std::span<const Field> fields) {
  return impl_->ChangeSchema(
      [fields](const CollectionSchema& current) { return core::WithFields(current, fields); },
      fields);
}

Result<SchemaChangeReport> Collection::WidenField(const Field& field) {
  return impl_->ChangeSchema(
      [&field](const CollectionSchema& current) { return core::WithWidenedField(current, field); },
      std::span(&field, 1));
}

Result<SchemaReport> Collection::ReportSchema(const SchemaReportOptions& options) const {
  return impl_->ReportSchema(options);
}

}  // namespace viper
