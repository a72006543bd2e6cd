#include <algorithm>
#include <string_view>
#include <utility>

#include "export_writer.h"
#include "output_file.h"
#include "record_json.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

void AppendCell(std::string_view text, std::string& row) {
  if (!row.empty()) row += ',';
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    row += text;
    return;
  }
  row += '"';
  for (const char c : text) {
    if (c == '"') row += '"';
    row += c;
  }
  row += '"';
}

std::string CellText(const Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const Timestamp* time = value.as_timestamp()) return time->ToString();
  return value.is_null() ? "" : value.ToJson();
}

// A cell has no type: it is read back by what it looks like. True if that could be another value.
bool CellIsAmbiguous(const Value& value) {
  const std::string* text = value.as_string();
  if (text == nullptr) {
    return value.is_null() || value.as_list() != nullptr || value.as_object() != nullptr;
  }
  if (text->empty()) return true;
  constexpr std::string_view kNumberStart = "0123456789+-.";
  constexpr std::string_view kWords[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
  return kNumberStart.find(text->front()) != std::string_view::npos ||
         std::ranges::find(kWords, *text) != std::end(kWords);
}

class CsvWriter final : public ExportWriter {
 public:
  CsvWriter(std::unique_ptr<OutputFile> file, const CollectionSchema& schema)
      : file_(std::move(file)), fields_(schema.fields) {}

  Status WriteHeader() {
    std::string row;
    for (const char* name : {"_id", "_timestamp", "_expires_at"}) AppendCell(name, row);
    for (const Field& field : fields_) AppendCell(field.name, row);
    for (const char* name : {"_metadata", "_vector"}) AppendCell(name, row);
    return file_->Write(row + "\n");
  }

  Status Add(const Record& record) override {
    std::string row;
    AppendCell(record.id, row);
    AppendCell(record.timestamp.has_value() ? record.timestamp->ToString() : "", row);
    AppendCell(record.expires_at.has_value() ? record.expires_at->ToString() : "", row);
    Metadata rest = record.metadata;
    for (const Field& field : fields_) {
      const auto found = rest.find(field.name);
      AppendCell(found == rest.end() ? "" : CellText(found->second), row);
      if (found != rest.end() && !CellIsAmbiguous(found->second)) rest.erase(found);
    }
    AppendCell(rest.empty() ? "" : Value(std::move(rest)).ToJson(), row);
    AppendCell(VectorJson(record.vector), row);
    return file_->Write(row + "\n");
  }

  Status Finish() override { return file_->Finish(); }

 private:
  const std::unique_ptr<OutputFile> file_;
  const std::vector<Field> fields_;
};

}  // namespace

Result<std::unique_ptr<ExportWriter>> OpenCsvWriter(const std::string& path,
                                                    const CollectionSchema& schema) {
  VIPER_ASSIGN_OR_RETURN(auto file, OutputFile::Open(path));
  auto writer = std::make_unique<CsvWriter>(std::move(file), schema);
  VIPER_RETURN_IF_ERROR(writer->WriteHeader());
  return writer;
}

}  // namespace viper::cli
