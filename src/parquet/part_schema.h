#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parquet/schema.h>

#include "parquet/part_shape.h"
#include "viper/schema.h"

namespace viper::parquet {

/// The leaf that holds the floats, as Parquet spells its path.
inline constexpr std::string_view kVectorLeafPath = "_vector.list.element";

/// The fields of `_sparse`, and the definition levels of both leaves: of a row that is stored
/// dense, of a sparse one without components, of a component.
inline constexpr std::string_view kSparseIndices = "indices";
inline constexpr std::string_view kSparseValues = "values";
inline constexpr int16_t kDenseRowLevel = 0;
inline constexpr int16_t kEmptySparseLevel = 1;
inline constexpr int16_t kComponentLevel = 2;

/// What a scalar column holds.
enum class PartColumnKind : uint8_t {
  kId,
  kTimestamp,
  kIngestedAt,
  kExpiresAt,
  kField,
  kPayload,
};

/// A column of a part other than the vector.
struct PartColumn {
  std::string name;
  FieldType type = FieldType::kString;
  bool required = false;
  PartColumnKind kind = PartColumnKind::kField;
};

/// The scalar columns of a part in file order: `_id`, `_timestamp`, `_ingested_at`, `_expires_at`,
/// the declared fields, `_payload`. The vector comes after them.
std::vector<PartColumn> ScalarColumns(const CollectionSchema& schema, const PartShape& shape = {});
/// How the column of the vectors is called.
std::string_view VectorColumnName(const PartShape& shape);

/// Whether a part has the column `_sparse`, an optional struct<indices: required list<required
/// int32>, values: required list<required float>>.
enum class SparseColumn : uint8_t { kAbsent, kPresent };

/// The Parquet schema of a part: ScalarColumns, `_sparse` if it is there, and `_vector` as required
/// list<required float>.
std::shared_ptr<::parquet::schema::GroupNode> MakePartSchema(
    const CollectionSchema& schema, SparseColumn sparse = SparseColumn::kAbsent,
    const PartShape& shape = {});

}  // namespace viper::parquet
