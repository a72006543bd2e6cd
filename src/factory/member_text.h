#pragma once

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "viper/configuration.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper::factory {

/// The words of an enumeration: a constant for each that a configuration has.
template <typename E>
struct Words;
#define VIPER_WORDS(Type, NameFunction, ParseFunction)                               \
  template <>                                                                        \
  struct Words<Type> {                                                               \
    static std::string_view Name(Type value) { return NameFunction(value); }         \
    static Result<Type> Parse(std::string_view name) { return ParseFunction(name); } \
  }
VIPER_WORDS(Durability, DurabilityName, ParseDurability);
VIPER_WORDS(DeleteMode, DeleteModeName, ParseDeleteMode);
VIPER_WORDS(StoragePolicy, StoragePolicyName, ParseStoragePolicy);
VIPER_WORDS(VectorFormat, VectorFormatName, ParseVectorFormat);
VIPER_WORDS(Metric, MetricName, ParseMetric);
VIPER_WORDS(SortingOrder, SortingOrderName, ParseSortingOrder);
VIPER_WORDS(FileLayout, FileLayoutName, ParseFileLayout);
VIPER_WORDS(TimePrecision, TimePrecisionName, ParseTimePrecision);
VIPER_WORDS(StrategySelectionMode, StrategySelectionModeName, ParseStrategySelectionMode);
#undef VIPER_WORDS

/// The one of these values that has the name.
template <typename E>
Result<E> ParseWord(std::string_view name, std::initializer_list<E> values) {
  std::string expected;
  for (const E value : values) {
    if (Words<E>::Name(value) == name) return value;
    expected += (expected.empty() ? "" : "|") + std::string(Words<E>::Name(value));
  }
  return Status::InvalidArgument(fmt::format("expected={} actual='{}'", expected, name));
}

template <>
struct Words<WindowSplit> {
  static std::string_view Name(WindowSplit value) {
    return value == WindowSplit::kFiles ? "files" : "row_groups";
  }
  static Result<WindowSplit> Parse(std::string_view name) {
    return ParseWord(name, {WindowSplit::kRowGroups, WindowSplit::kFiles});
  }
};

template <>
struct Words<PartitionAlgorithm> {
  static std::string_view Name(PartitionAlgorithm value) { return PartitionAlgorithmName(value); }
  static Result<PartitionAlgorithm> Parse(std::string_view name) {
    return ParseWord(name, {PartitionAlgorithm::kKMeans, PartitionAlgorithm::kMiniBatchKMeans,
                            PartitionAlgorithm::kTimeWindow, PartitionAlgorithm::kHash,
                            PartitionAlgorithm::kField, PartitionAlgorithm::kDensity});
  }
};

// -- A member as a value

template <typename T>
Value ValueOf(const T& member) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double> ||
                std::is_same_v<T, std::string>) {
    return Value(member);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return Value(Value::List(member.begin(), member.end()));
  } else if constexpr (std::is_same_v<T, Compression>) {
    return Value(CompressionName(member));
  } else if constexpr (std::is_enum_v<T>) {
    return Value(std::string(Words<T>::Name(member)));
  } else {
    static_assert(std::is_integral_v<T>);
    // JSON and TOML have no integers beyond: as text.
    if (!std::in_range<int64_t>(member)) return Value(std::to_string(member));
    return Value(static_cast<int64_t>(member));
  }
}

inline Status WrongKind(std::string_view wanted, const Value& value) {
  return Status::InvalidArgument(fmt::format("expected={} actual={}", wanted, value.ToJson()));
}

/// One that is beyond what JSON and TOML have, as text.
template <typename T>
Status ReadLargeNumber(const std::string& text, T& member) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return WrongKind("integer", Value(text));
  }
  member = number;
  return {};
}

template <typename T>
Status ReadMember(const Value& value, T& member) {
  if constexpr (std::is_same_v<T, bool>) {
    if (value.as_bool() == nullptr) return WrongKind("true|false", value);
    member = *value.as_bool();
  } else if constexpr (std::is_same_v<T, double>) {
    if (value.as_int64() != nullptr) {
      member = static_cast<double>(*value.as_int64());
    } else if (value.as_float64() != nullptr) {
      member = *value.as_float64();
    } else {
      return WrongKind("number", value);
    }
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    if (value.as_list() == nullptr) return WrongKind("list of strings", value);
    std::vector<std::string> read;
    for (const Value& element : *value.as_list()) {
      if (element.as_string() == nullptr) return WrongKind("list of strings", value);
      read.push_back(*element.as_string());
    }
    member = std::move(read);
  } else if constexpr (std::is_integral_v<T>) {
    if (std::is_unsigned_v<T> && sizeof(T) == sizeof(uint64_t) && value.as_string() != nullptr) {
      return ReadLargeNumber(*value.as_string(), member);
    }
    if (value.as_int64() == nullptr) return WrongKind("integer", value);
    const int64_t number = *value.as_int64();
    if (!std::in_range<T>(number)) {
      return Status::InvalidArgument(fmt::format("out of range: min={} max={} actual={}",
                                                 std::numeric_limits<T>::min(),
                                                 std::numeric_limits<T>::max(), number));
    }
    member = static_cast<T>(number);
  } else {
    if (value.as_string() == nullptr) return WrongKind("string", value);
    if constexpr (std::is_same_v<T, std::string>) {
      member = *value.as_string();
    } else {
      auto parsed = [&] {
        if constexpr (std::is_same_v<T, Compression>) {
          return ParseCompression(*value.as_string());
        } else {
          return Words<T>::Parse(*value.as_string());
        }
      }();
      if (!parsed.ok()) return parsed.status();
      member = *parsed;
    }
  }
  return {};
}

}  // namespace viper::factory
