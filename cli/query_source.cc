#include "query_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "input_lines.h"
#include "status_macros.h"
#include "viper/record_source.h"

namespace viper::cli {
namespace {

Result<std::vector<float>> ParseNumbers(const Value::List& list) {
  std::vector<float> vector;
  for (const Value& component : list) {
    if (const int64_t* integer = component.as_int64()) {
      vector.push_back(static_cast<float>(*integer));
    } else if (const double* number = component.as_float64()) {
      vector.push_back(static_cast<float>(*number));  // the engine refuses what became infinite
    } else {
      return Status::InvalidArgument(
          fmt::format("query holds what is not a number: component={} value={}", vector.size(),
                      component.ToJson()));
    }
  }
  return vector;
}

Result<std::vector<float>> ParseSparse(const Value::Object& object, size_t dim) {
  const auto indices = object.find("indices");
  const auto values = object.find("values");
  const bool has_both = indices != object.end() && indices->second.as_list() != nullptr &&
                        values != object.end() && values->second.as_list() != nullptr;
  if (!has_both) {
    return Status::InvalidArgument("a sparse query has two lists: indices and values");
  }
  SparseVector sparse;
  for (const Value& index : *indices->second.as_list()) {
    const int64_t* integer = index.as_int64();
    if (integer == nullptr || *integer < 0 || *integer >= static_cast<int64_t>(dim)) {
      return Status::InvalidArgument(
          fmt::format("query has what is no index below the dimension: place={} dim={} value={}",
                      sparse.indices.size(), dim, index.ToJson()));
    }
    sparse.indices.push_back(static_cast<uint32_t>(*integer));
  }
  VIPER_ASSIGN_OR_RETURN(sparse.values, ParseNumbers(*values->second.as_list()));
  return sparse.ToDense(dim);
}

Result<std::vector<float>> ParseVector(std::string_view text, size_t dim) {
  VIPER_ASSIGN_OR_RETURN(const Value value, Value::FromJson(text));
  if (value.as_object() != nullptr) return ParseSparse(*value.as_object(), dim);
  const Value::List* list = value.as_list();
  if (list == nullptr) {
    return Status::InvalidArgument(fmt::format(
        "query is not a JSON array of numbers, or object of indices and values: kind={}",
        KindName(value.kind())));
  }
  if (list->size() != dim) {
    return Status::InvalidArgument(
        fmt::format("query has another dimension than the collection: expected={} actual={}", dim,
                    list->size()));
  }
  return ParseNumbers(*list);
}

// One query that is known from the start.
class SingleQuery final : public QuerySource {
 public:
  explicit SingleQuery(QueryBlock block) : block_(std::move(block)) {}
  Result<QueryBlock> Next() override { return std::exchange(block_, {}); }

 private:
  QueryBlock block_;
};

// A JSON array on each line. What has arrived is answered, without waiting for more.
class LineQueries final : public QuerySource {
 public:
  LineQueries(InputLines lines, size_t dim) : lines_(std::move(lines)), dim_(dim) {}

  Result<QueryBlock> Next() override {
    QueryBlock block;
    while (block.labels.size() < kQueriesMax) {
      if (!block.labels.empty() && !lines_.HasMore()) break;
      VIPER_ASSIGN_OR_RETURN(const std::optional<std::string> line, lines_.Next());
      if (!line.has_value()) break;
      const Result<std::vector<float>> vector = ParseVector(*line, dim_);
      if (!vector.ok()) return vector.status().WithContext(lines_.Place());
      block.floats.insert(block.floats.end(), vector->begin(), vector->end());
      block.labels.push_back(fmt::format("{}", number_++));
    }
    return block;
  }

 private:
  InputLines lines_;
  const size_t dim_;
  uint64_t number_ = 0;
};

// The vectors of a file of records.
class FileQueries final : public QuerySource {
 public:
  explicit FileQueries(std::unique_ptr<RecordSource> source) : source_(std::move(source)) {}

  Result<QueryBlock> Next() override {
    if (next_ == batch_.row_count()) {
      VIPER_ASSIGN_OR_RETURN(batch_, source_->Next());
      next_ = 0;
    }
    const size_t end = std::min(next_ + kQueriesMax, batch_.row_count());
    const size_t dim = source_->dim();
    QueryBlock block;
    block.labels.assign(batch_.ids.begin() + static_cast<ptrdiff_t>(next_),
                        batch_.ids.begin() + static_cast<ptrdiff_t>(end));
    block.floats.assign(batch_.vectors.begin() + static_cast<ptrdiff_t>(next_ * dim),
                        batch_.vectors.begin() + static_cast<ptrdiff_t>(end * dim));
    next_ = end;
    return block;
  }

 private:
  const std::unique_ptr<RecordSource> source_;
  RecordBatch batch_;
  size_t next_ = 0;
};

Result<std::unique_ptr<QuerySource>> OpenFile(const std::string& path, size_t dim) {
  VIPER_ASSIGN_OR_RETURN(auto source, OpenRecordSource(path));
  if (source->dim() != dim) {
    return Status::InvalidArgument(
        fmt::format("{}: queries have another dimension than the collection: expected={} actual={}",
                    path, dim, source->dim()));
  }
  return std::make_unique<FileQueries>(std::move(source));
}

}  // namespace

Result<std::unique_ptr<QuerySource>> OpenQueries(const QueryArguments& arguments,
                                                 const Collection& collection,
                                                 const Snapshot& snapshot) {
  const bool reads_input = !arguments.standard_input.empty() || arguments.vector == "-";
  const int ways = (arguments.id.empty() ? 0 : 1) + (arguments.file.empty() ? 0 : 1) +
                   (reads_input || !arguments.vector.empty() ? 1 : 0);
  if (ways != 1 || (!arguments.standard_input.empty() && arguments.standard_input != "-")) {
    return Status::InvalidArgument(
        "give the query in one way: --id ID, --vector '[0.1, 0.2]', --file FILE, or - for one JSON "
        "array on each line of standard input");
  }
  const size_t dim = collection.dim();
  if (reads_input) {
    VIPER_ASSIGN_OR_RETURN(InputLines lines, InputLines::Open("-"));
    return std::make_unique<LineQueries>(std::move(lines), dim);
  }
  if (!arguments.file.empty()) return OpenFile(arguments.file, dim);
  QueryBlock block;
  if (!arguments.id.empty()) {
    VIPER_ASSIGN_OR_RETURN(
        Record record,
        snapshot.Get(arguments.id, {.vector = true, .metadata = false, .fields = {}}));
    block.floats = std::move(record.vector);
    block.labels.push_back(arguments.id);
  } else {
    VIPER_ASSIGN_OR_RETURN(block.floats, ParseVector(arguments.vector, dim));
    block.labels.push_back("0");
  }
  return std::make_unique<SingleQuery>(std::move(block));
}

}  // namespace viper::cli
