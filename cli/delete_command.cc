#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

// Ids of one write.
constexpr size_t kBatchIds = 10'000;

struct Arguments {
  std::string name;
  IdArguments ids;
};

class Deleter {
 public:
  explicit Deleter(Collection& collection) : collection_(collection) {}

  Status Add(std::string id) {
    batch_.push_back(std::move(id));
    ++given_;
    return batch_.size() < kBatchIds ? Status::Ok() : Write();
  }
  Status Write() {
    if (batch_.empty()) return Status::Ok();
    VIPER_ASSIGN_OR_RETURN(const WriteSummary summary, collection_.Delete(batch_));
    batch_.clear();
    deleted_ += summary.rows;
    return Status::Ok();
  }
  uint64_t given() const { return given_; }
  uint64_t deleted() const { return deleted_; }

 private:
  Collection& collection_;
  std::vector<std::string> batch_;
  uint64_t given_ = 0;
  uint64_t deleted_ = 0;
};

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  Deleter deleter(*opened.collection);
  VIPER_RETURN_IF_ERROR(
      arguments.ids.ForEach([&](std::string id) { return deleter.Add(std::move(id)); }));
  VIPER_RETURN_IF_ERROR(deleter.Write());
  fmt::print("deleted {} of {} records\n", CountText(deleter.deleted()),
             CountText(deleter.given()));
  return Status::Ok();
}

}  // namespace

void AddDeleteCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("delete", "Delete records by id");
  AddCollection(command, arguments->name);
  arguments->ids.AddTo(command);
  AddExample(
      command,
      "  viper delete films alien heat\n"
      "  viper search films --id alien --json | jq -r '.hits[].id' | viper delete films --file -\n"
      "\n"
      "Ids that do not exist are ignored.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
