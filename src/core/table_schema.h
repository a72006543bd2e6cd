#pragma once

#include <map>
#include <string>
#include <string_view>

#include "columnar/predicate.h"
#include "parquet/part_file.h"
#include "storage/table_log.h"
#include "viper/schema.h"

namespace viper::core {

/// How a collection's schema is written into its Delta table: columns as Delta types in the
/// schemaString, dimension and metric as `viper.*` table properties.

/// Table metadata of a new collection.
storage::TableMetadata MakeTableMetadata(const CollectionSchema& schema, int64_t now_ms);

/// The metadata of an existing table, whose schema this one follows: columns of further fields, and
/// other types of those that it has. Everything else stays, columns that VIPER cannot read, too.
/// InvalidArgument if such a column has the name of a field.
Result<storage::TableMetadata> ChangeTableMetadata(const storage::TableMetadata& metadata,
                                                   const CollectionSchema& schema);

/// Whether the table has the column `_sparse` of sparse vectors.
bool HasSparseColumn(const storage::TableMetadata& metadata);
/// Whether files with sparse vectors may be added to the table: it has no column `_sparse`, or the
/// one that is meant. False if another writer gave that name to something else.
bool AllowsSparseColumn(const storage::TableMetadata& metadata);
/// The metadata with the column `_sparse`, struct<indices array<integer>, values array<float>> and
/// nullable, before `_vector`; as they are if they have it, or AllowsSparseColumn is false.
storage::TableMetadata WithSparseColumn(const storage::TableMetadata& metadata);

/// The schema of an existing table. Unsupported when it is not a collection or of a newer format;
/// Corruption when it contradicts itself. Columns that other writers added are taken as declared
/// fields where their type is one of ours, and ignored otherwise.
Result<CollectionSchema> ReadTableSchema(const storage::TableMetadata& metadata);

/// Put the properties among those of the table; what has its default is left out, and a retention
/// that the table has already stays in the words that it has.
void WriteTableProperties(const CollectionProperties& properties, storage::TableMetadata& metadata);
/// Corruption names a property whose value makes no sense.
Result<CollectionProperties> ReadTableProperties(const storage::TableMetadata& metadata);

/// Key of commitInfo.operationParameters: why a compaction made the commit.
inline constexpr std::string_view kReasonParameter = "reason";

/// The Delta statistics document of a part: exact row count, bounds of the scalar columns (strings
/// cut to a prefix, with the maximum rounded up; timestamps rounded outward to milliseconds).
std::string MakeStatistics(const parquet::PartSummary& summary, const CollectionSchema& schema);

}  // namespace viper::core
