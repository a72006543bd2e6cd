#include <utility>

#include "export_writer.h"
#include "output_file.h"
#include "record_json.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

class JsonlWriter final : public ExportWriter {
 public:
  explicit JsonlWriter(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}
  Status Add(const Record& record) override { return file_->Write(RecordJson(record) + "\n"); }
  Status Finish() override { return file_->Finish(); }

 private:
  const std::unique_ptr<OutputFile> file_;
};

}  // namespace

Result<std::unique_ptr<ExportWriter>> OpenJsonlWriter(const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(auto file, OutputFile::Open(path));
  return std::make_unique<JsonlWriter>(std::move(file));
}

}  // namespace viper::cli
