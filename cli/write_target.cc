#include "write_target.h"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "number_text.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

// Ids of one write.
constexpr size_t kBatchIds = 10'000;

}  // namespace

void WriteTarget::AddTo(Command& command) {
  ids_.AddTo(command);
  command.AddOption("--filter", filter_text_,
                    "In place of ids: all records that match, such as \"year < 1970\"; every "
                    "record is\n\"_id IS NOT NULL\"");
  command.AddFlag("--json", json_, "Print one JSON object");
}

Status WriteTarget::Check() {
  VIPER_RETURN_IF_ERROR(ids_.Check());
  if (!filter_text_.empty() == ids_.is_given()) {
    return Status::InvalidArgument(
        "name the records in one way: ids, --file with one id on each line, or --filter");
  }
  VIPER_ASSIGN_OR_RETURN(filter_, Filter::Parse(filter_text_));
  return Status::Ok();
}

Status WriteTarget::Write(const Writer& writer, std::string_view verb) const {
  uint64_t written = 0;
  std::optional<uint64_t> given;
  if (ids_.is_given()) {
    std::vector<std::string> batch;
    const auto write = [&]() -> Status {
      VIPER_ASSIGN_OR_RETURN(const WriteSummary summary, writer.by_ids(batch));
      given = given.value_or(0) + batch.size();
      written += summary.rows;
      batch.clear();
      return Status::Ok();
    };
    VIPER_RETURN_IF_ERROR(ids_.ForEach([&](std::string id) {
      batch.push_back(std::move(id));
      return batch.size() < kBatchIds ? Status::Ok() : write();
    }));
    VIPER_RETURN_IF_ERROR(write());
  } else {
    VIPER_ASSIGN_OR_RETURN(const WriteSummary summary, writer.by_filter(filter_));
    written = summary.rows;
  }
  if (json_) {
    Value::Object told = {{std::string(verb), static_cast<int64_t>(written)}};
    if (given) told["given"] = static_cast<int64_t>(*given);
    fmt::print("{}\n", Value(std::move(told)).ToJson());
  } else {
    const std::string of = given ? fmt::format(" of {}", CountText(*given)) : "";
    fmt::print("{} {}{} records\n", verb, CountText(written), of);
  }
  return Status::Ok();
}

}  // namespace viper::cli
