#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "collection_argument.h"
#include "viper/engine.h"

namespace viper::cli {

/// The records that a write is for, ID..., --file or --filter, and how it tells what it did.
class WriteTarget {
 public:
  void AddTo(Command& command);
  /// InvalidArgument unless the records are named in one way; by a filter that can be parsed.
  Status Check();

  /// How to write records by id, a batch at a time, and by filter.
  struct Writer {
    std::function<Result<WriteSummary>(std::span<const std::string> ids)> by_ids;
    std::function<Result<WriteSummary>(const Filter& filter)> by_filter;
  };
  /// Write, and print "updated 3 of 4 records" (`verb` is "updated"), or "updated 3 records" by
  /// filter, or the same as one JSON object. Call Check first.
  Status Write(const Writer& writer, std::string_view verb) const;

 private:
  IdArguments ids_;
  std::string filter_text_;
  bool json_ = false;
  Filter filter_;
};

}  // namespace viper::cli
