#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parquet/schema.h>

#include "viper/schema.h"

namespace viper::parquet {

/// The leaf that holds the floats, as Parquet spells its path.
inline constexpr std::string_view kVectorLeafPath = "_vector.list.element";

/// A column of a part other than the vector.
struct PartColumn {
  std::string name;
  FieldType type = FieldType::kString;
  bool required = false;
};

/// The scalar columns of a part in file order: `_id`, `_timestamp`, `_ingested_at`, `_expires_at`,
/// the declared fields, `_payload`. The vector comes after them.
std::vector<PartColumn> ScalarColumns(const CollectionSchema& schema);

/// The Parquet schema of a part: ScalarColumns and `_vector` as required list<required float>.
std::shared_ptr<::parquet::schema::GroupNode> MakePartSchema(const CollectionSchema& schema);

}  // namespace viper::parquet
