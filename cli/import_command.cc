// viper import: files of records into a collection.
// 1. The first source opens before a collection is created, so that a bad file leaves none behind.
// 2. Bulk (the default): Collection::Load with a resume key, so that a killed import goes on with
// the
//    rows behind its last commit. Through the log: Upsert in small pieces, each acknowledged by
//    itself.
// 3. Ctrl-C stops after what is committed.

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "duration_text.h"
#include "exit_code.h"
#include "index_build.h"
#include "interrupt.h"
#include "number_text.h"
#include "progress_line.h"
#include "resume_key.h"
#include "status_macros.h"
#include "tidying.h"

namespace viper::cli {
namespace {

// Rows of one write through the log: enough to make its sync cheap, few enough to acknowledge
// often.
constexpr size_t kLoggedRows = 500;

struct Arguments {
  std::string name;
  std::vector<std::string> paths;
  std::string format = "auto";
  RecordSourceOptions source;
  bool create = false;
  PropertyArguments properties;
  std::string metric;
  std::vector<std::string> fields;
  bool via_log = false;
  bool no_resume = false;
  bool no_index = false;
  bool no_compaction = false;
  bool progress = false;
};

struct Totals {
  uint64_t rows = 0;
  uint64_t resumed = 0;
  uint64_t duplicates = 0;
};

class Importer {
 public:
  Importer(const Arguments& arguments, Collection& collection)
      : arguments_(arguments), collection_(collection) {}

  Status Import(const std::string& path, RecordSource& source) {
    const uint64_t before = totals_.rows + totals_.resumed;
    return arguments_.via_log ? Log(before, source) : Load(path, before, source);
  }

  const Totals& totals() const { return totals_; }
  /// Of all files so far, those of an earlier run among them.
  uint64_t rows_read() const { return rows_read_; }

 private:
  Status Load(const std::string& path, uint64_t before, RecordSource& source) {
    LoadOptions options;
    if (!arguments_.no_resume) options.resume_key = ResumeKey(path, arguments_.source);
    uint64_t committed = 0;
    options.progress = [&](uint64_t rows_read, uint64_t rows_committed) {
      committed = rows_committed;
      ShowProgress(before + rows_read, before + rows_committed, rows_read, source);
      return !Interrupted();
    };
    VIPER_ASSIGN_OR_RETURN(const LoadSummary summary, collection_.Load(source, options));
    line_.Clear();
    totals_.rows += summary.rows_committed;
    totals_.resumed += summary.rows_resumed;
    totals_.duplicates += summary.duplicates;
    rows_read_ += summary.rows_resumed + summary.rows_read;
    if (summary.stopped) {
      return Status::Cancelled(
          fmt::format("interrupted; {} rows are in the collection, the same "
                      "command goes on behind them",
                      CountText(before + committed)));
    }
    Acknowledge(totals_.rows + totals_.resumed);
    return Status::Ok();
  }

  Status Log(uint64_t before, RecordSource& source) {
    uint64_t rows = 0;
    while (true) {
      VIPER_ASSIGN_OR_RETURN(RecordBatch batch, source.Next());
      if (batch.row_count() == 0) break;
      rows_read_ += batch.row_count();
      for (size_t first = 0; first < batch.row_count(); first += kLoggedRows) {
        const RecordBatch piece = TakePiece(batch, first, source.dim());
        VIPER_ASSIGN_OR_RETURN(const WriteSummary written, collection_.Upsert(piece));
        rows += piece.row_count();
        totals_.rows += written.rows;
        totals_.duplicates += written.duplicates;
        ShowProgress(before + rows, before + rows, rows, source);
        if (!Interrupted()) continue;
        line_.Clear();
        return Status::Cancelled(
            fmt::format("interrupted; {} rows are in the collection, the same "
                        "command writes them again and goes on",
                        CountText(before + rows)));
      }
    }
    line_.Clear();
    return Status::Ok();
  }

  static RecordBatch TakePiece(RecordBatch& batch, size_t first, size_t dim) {
    const size_t end = std::min(first + kLoggedRows, batch.row_count());
    const auto take = [&](auto& values, size_t width) {
      using Values = std::remove_reference_t<decltype(values)>;
      if (values.empty()) return Values();
      const auto begin = values.begin();
      return Values(std::make_move_iterator(begin + static_cast<ptrdiff_t>(first * width)),
                    std::make_move_iterator(begin + static_cast<ptrdiff_t>(end * width)));
    };
    RecordBatch piece;
    piece.ids = take(batch.ids, 1);
    piece.vectors = take(batch.vectors, dim);
    piece.metadata = take(batch.metadata, 1);
    piece.timestamps = take(batch.timestamps, 1);
    piece.expirations = take(batch.expirations, 1);
    return piece;
  }

  // `rows` and `acknowledged` count over all files, `file_rows` in this one.
  void ShowProgress(uint64_t rows, uint64_t acknowledged, uint64_t file_rows,
                    const RecordSource& source) {
    Acknowledge(acknowledged);
    std::optional<double> share = source.fraction_read();
    if (const std::optional<uint64_t> count = source.row_count(); count.value_or(0) > 0) {
      share = static_cast<double>(file_rows) / static_cast<double>(*count);
    }
    line_.Show(rows, share);
  }

  // A program that reads this may rely on the rows at once, so it must not wait in a buffer.
  void Acknowledge(uint64_t rows) {
    if (!arguments_.progress || rows <= acknowledged_) return;
    acknowledged_ = rows;
    fmt::print("acknowledged {}\n", rows);
    std::fflush(stdout);
  }

  const Arguments& arguments_;
  Collection& collection_;
  ProgressLine line_;
  Totals totals_;
  uint64_t rows_read_ = 0;
  uint64_t acknowledged_ = 0;
};

// Declare what the input declares, as far as the name allows; other keys are kept undeclared.
Result<CollectionSchema> SchemaFor(const Arguments& arguments, const RecordSource& source) {
  CollectionSchema schema;
  schema.dim = source.dim();
  if (!arguments.metric.empty()) {
    VIPER_ASSIGN_OR_RETURN(schema.metric, ParseMetric(arguments.metric));
  }
  VIPER_ASSIGN_OR_RETURN(schema.fields, ParseFields(arguments.fields));
  VIPER_RETURN_IF_ERROR(schema.Validate());
  for (const Field& field : source.fields()) {
    if (schema.FindField(field.name) != nullptr) continue;
    schema.fields.push_back(field);
    const Status status = schema.Validate();
    if (status.ok()) continue;
    schema.fields.pop_back();
    Tell(fmt::format("kept without a typed column: {}", status.message()));
  }
  return schema;
}

// Create the collection unless it is there: an interrupted import is repeated with the same
// command.
Result<std::shared_ptr<Collection>> CreateOrOpen(Engine& engine, const Arguments& arguments,
                                                 const RecordSource& source) {
  VIPER_ASSIGN_OR_RETURN(const CollectionSchema schema, SchemaFor(arguments, source));
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties properties, arguments.properties.Apply({}));
  Result<std::shared_ptr<Collection>> created =
      engine.CreateCollection(arguments.name, schema, properties);
  if (created.ok() || created.status().code() != StatusCode::kAlreadyExists) return created;
  VIPER_ASSIGN_OR_RETURN(auto opened, engine.OpenCollection(arguments.name));
  if (!arguments.metric.empty() && opened->schema().metric != schema.metric) {
    return Status::AlreadyExists(
        fmt::format("collection {} exists with another metric: wanted={} actual={}", arguments.name,
                    MetricName(schema.metric), MetricName(opened->schema().metric)));
  }
  const CollectionProperties actual = opened->Properties();
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties wanted, arguments.properties.Apply(actual));
  if (wanted != actual) {
    return Status::AlreadyExists(fmt::format(
        "collection {} exists with other properties, which `viper alter` changes: default_ttl={} "
        "undeclared={} retention={}",
        arguments.name, DurationText(actual.default_ttl_ms),
        UndeclaredKeysName(actual.undeclared_keys), RetentionText(actual.retention_ms)));
  }
  return opened;
}

void PrintSummary(const Arguments& arguments, const Totals& totals, double seconds) {
  fmt::print("imported {} rows into {} in {}", CountText(totals.rows), arguments.name,
             SecondsText(seconds));
  const std::string rate = RateText(totals.rows, seconds);
  if (!rate.empty()) fmt::print(" ({})", rate);
  if (totals.duplicates > 0) {
    fmt::print("; {} rows replaced by later ones of the same id", CountText(totals.duplicates));
  }
  if (totals.resumed > 0) {
    fmt::print("; {} rows were there from the interrupted run", CountText(totals.resumed));
  }
  fmt::print("\n");
}

Status Run(const Session& session, Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(arguments.source.format, ParseFileFormat(arguments.format));
  if (!arguments.create &&
      !(arguments.metric.empty() && arguments.fields.empty() && arguments.properties.empty())) {
    return Status::InvalidArgument(
        "--metric, --field, --default-ttl and --undeclared go with --create");
  }
  if (arguments.paths.size() > 1 && !arguments.source.metadata_path.empty()) {
    return Status::InvalidArgument("--metadata describes the rows of one file: give one FILE");
  }
  CatchInterrupts();
  const auto begin = std::chrono::steady_clock::now();
  VIPER_ASSIGN_OR_RETURN(Engine engine, session.OpenEngine(Access::kWrite));
  std::shared_ptr<Collection> collection;
  if (!arguments.create) {
    VIPER_ASSIGN_OR_RETURN(collection, engine.OpenCollection(arguments.name));
    if (arguments.source.dim == 0) arguments.source.dim = collection->dim();
  }
  VIPER_ASSIGN_OR_RETURN(auto source, OpenRecordSource(arguments.paths.front(), arguments.source));
  if (arguments.create) {
    VIPER_ASSIGN_OR_RETURN(collection, CreateOrOpen(engine, arguments, *source));
  }
  Importer importer(arguments, *collection);
  for (const std::string& path : arguments.paths) {
    // Rows without an id are numbered through all files, lest those of one replace another's.
    arguments.source.first_row = importer.rows_read();
    if (source == nullptr) {
      VIPER_ASSIGN_OR_RETURN(source, OpenRecordSource(path, arguments.source));
    }
    VIPER_RETURN_IF_ERROR(importer.Import(path, *source));
    source.reset();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  PrintSummary(arguments, importer.totals(), seconds);
  if (!arguments.no_compaction) TidyUp(*collection);
  return arguments.no_index ? Status::Ok() : BuildIndexShown(*collection);
}

void AddSourceOptions(Command& command, Arguments& arguments) {
  command.AddOptionWithDefault(
      "--format", arguments.format,
      "parquet, jsonl, csv, npy, fvecs, bvecs, ivecs; auto goes by the name's ending");
  command.AddOption("--id-column", arguments.source.id_column,
                    "Column or key of the id (_id or id if there is one, else rows are numbered,\n"
                    "through all files)");
  command.AddOption("--id-prefix", arguments.source.id_prefix, "Put before the numbers of rows");
  command.AddOption("--vector-column", arguments.source.vector_column,
                    "Column or key of the vector (_vector, vector, embedding, or the only list of\n"
                    "numbers); in CSV also v* for the columns v0, v1, ...");
  command.AddOption("--dim", arguments.source.dim,
                    "Components of a vector, for files that begin with a sparse one\n"
                    "({\"indices\": [..], \"values\": [..]}); else as the collection has");
  command.AddOption("--metadata", arguments.source.metadata_path,
                    "For npy and *vecs: a JSON Lines file, line i describing row i");
  command.AddOption("--limit", arguments.source.limit, "Read at most this many rows of each file");
}

}  // namespace

void AddImportCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("import", "Write the records of files into a collection");
  AddCollection(command, arguments->name);
  command.AddRequired("FILE", arguments->paths, "Files of records");
  AddSourceOptions(command, *arguments);
  command.AddFlag("--create", arguments->create, "Create the collection unless it exists");
  command.AddOption("--metric", arguments->metric, "With --create: cosine (default), l2 or dot");
  command.AddRepeated("--field", arguments->fields,
                      "With --create: a typed metadata column, as name:type; may be repeated");
  arguments->properties.AddTo(command);
  command.AddFlag("--via-log", arguments->via_log,
                  "Write as single inserts are written, through the log, instead of in bulk");
  command.AddFlag("--no-resume", arguments->no_resume,
                  "Begin at the first row even if an earlier run was interrupted");
  AddNoCompaction(command, arguments->no_compaction);
  command.AddFlag("--no-index", arguments->no_index,
                  "Leave the index as it is; searches compare with the new rows one by one");
  command.AddFlag("--progress", arguments->progress,
                  "Print `acknowledged N` whenever N rows in all are durable");
  AddExample(
      command,
      "  viper import films films.parquet --create --metric cosine\n"
      "  viper import photos base.fvecs --metadata base_meta.jsonl --id-prefix photo-\n"
      "\n"
      "Rows replace those of the same id. An import that was interrupted, even by kill -9, goes\n"
      "on behind its last commit when it is run again. In JSON Lines, _timestamp and _expires_at\n"
      "are ISO 8601 times, and every key that is not id, vector or a time is metadata.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
