#include "core/expired_rows.h"

#include <utility>

#include "base/status_macros.h"

namespace viper::core {

Result<std::shared_ptr<const Bitmap>> NewlyExpired(const PartView& view, int64_t now) {
  if (view.part->first_expiry() > now) return std::shared_ptr<const Bitmap>();
  // Known without reading anything.
  if (view.part->last_expiry() <= now) {
    return std::make_shared<const Bitmap>(view.part->row_count(), true);
  }
  Bitmap expired(view.part->row_count());
  uint64_t row = 0;
  const parquet::PartReader& reader = view.part->reader();
  for (size_t page = 0; page < reader.PageCount(columnar::kExpiresAtColumn); ++page) {
    VIPER_ASSIGN_OR_RETURN(const auto column, reader.ReadPage(columnar::kExpiresAtColumn, page));
    for (size_t i = 0; i < column.row_count(); ++i, ++row) {
      if (column.IsPresent(i) && column.int64s()[i] <= now) expired.Set(row);
    }
  }
  if (view.deletion_vector != nullptr) expired.AndNot(*view.deletion_vector->rows);
  if (!expired.AnySet()) return std::shared_ptr<const Bitmap>();
  return std::make_shared<const Bitmap>(std::move(expired));
}

Result<ExpiryReport> ReportExpiry(const ReadView& view, int64_t now) {
  ExpiryReport report;
  for (const PartView& part : view.parts) {
    const uint64_t rows = part.part->row_count();
    const uint64_t bytes = part.part->added().size;
    ++report.files;
    report.rows += rows;
    report.bytes += bytes;
    VIPER_ASSIGN_OR_RETURN(const auto expired, NewlyExpired(part, now));
    if (expired == nullptr || rows == 0) continue;
    const uint64_t expired_rows = expired->CountSet();
    ++report.files_with_expired;
    report.files_all_expired += part.part->last_expiry() <= now ? 1 : 0;
    report.expired_rows += expired_rows;
    report.expired_bytes += static_cast<uint64_t>(
        static_cast<double>(bytes) * static_cast<double>(expired_rows) / static_cast<double>(rows));
  }
  return report;
}

}  // namespace viper::core
