#pragma once

#include <span>
#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::pipeline {

/// Columns (or keys) with a meaning of their own, the same in every text format.
inline constexpr std::string_view kTimestampColumn = "_timestamp";
inline constexpr std::string_view kExpiresAtColumn = "_expires_at";
inline constexpr std::string_view kIngestedAtColumn = "_ingested_at";
inline constexpr std::string_view kMetadataColumn = "_metadata";

/// A column of the input, as its first row shows it.
struct Column {
  std::string name;
  /// The first row holds a list of numbers there.
  bool holds_numbers = false;
};

/// The column of the id: `wanted` if not empty, else "_id", else "id", else "" (there is none).
/// InvalidArgument if the wanted one does not exist.
Result<std::string> ChooseIdColumn(std::span<const Column> columns, std::string_view wanted);

/// The column of the vector: `wanted` if not empty, else "_vector", "vector" or "embedding", else
/// the only one that holds a list of numbers. InvalidArgument, naming the columns, if there is
/// none.
Result<std::string> ChooseVectorColumn(std::span<const Column> columns, std::string_view wanted);

}  // namespace viper::pipeline
