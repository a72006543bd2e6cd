#include "collection_argument.h"

#include <fmt/core.h>

#include "status_macros.h"

namespace viper::cli {

void AddCollection(CLI::App& command, std::string& name) {
  command.add_option("NAME", name, "Name of the collection")->required();
}

void AddFilter(CLI::App& command, std::string& text) {
  command.add_option("--filter", text,
                     "Only records that match, such as \"year >= 2000 AND title LIKE 'A%'\"");
}

void AddExample(CLI::App& command, const std::string& lines) {
  command.footer("Example:\n" + lines);
}

void ProjectionArguments::AddTo(CLI::App& command) {
  command.add_option("--fields", fields, "Only these metadata keys, separated by commas")
      ->delimiter(',');
  command.add_flag("--with-vector", with_vector, "Print vectors too");
}

Result<std::vector<Field>> ParseFields(const std::vector<std::string>& declarations) {
  std::vector<Field> fields;
  for (const std::string& declaration : declarations) {
    const size_t colon = declaration.find(':');
    if (colon == std::string::npos) {
      return Status::InvalidArgument(fmt::format(
          "a field is declared as name:type, such as year:int64: actual={}", declaration));
    }
    VIPER_ASSIGN_OR_RETURN(const FieldType type, ParseFieldType(declaration.substr(colon + 1)));
    fields.push_back({declaration.substr(0, colon), type});
  }
  return fields;
}

}  // namespace viper::cli
