#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "command_line.h"
#include "viper/engine.h"
#include "viper/options.h"
#include "viper/result.h"
#include "viper/schema.h"

namespace viper::cli {

/// What several commands have in common.

/// Add the positional NAME of a collection.
void AddCollection(Command& command, std::string& name);
/// Add --filter.
void AddFilter(Command& command, std::string& text);
/// Show these lines as the example of a command's help.
void AddExample(Command& command, const std::string& lines);

/// CollectionProperties::retention_ms as --retention takes it: a duration, 0, or default.
std::string RetentionText(const std::optional<int64_t>& retention_ms);

/// The properties of a collection that are given: --default-ttl, a duration (duration_text.h),
/// --undeclared and --retention.
struct PropertyArguments {
  std::string default_ttl;
  std::string undeclared;
  std::string retention;

  void AddTo(Command& command);
  bool empty() const { return default_ttl.empty() && undeclared.empty() && retention.empty(); }
  /// `properties` with what is given in its place.
  Result<CollectionProperties> Apply(CollectionProperties properties) const;
};

/// Which parts of a record are printed: --fields and --with-vector.
struct ProjectionArguments {
  std::vector<std::string> fields;
  bool with_vector = false;

  void AddTo(Command& command);
  Projection Get() const { return {.vector = with_vector, .metadata = true, .fields = fields}; }
};

/// Which state of a collection is read: --version or --as-of, else the newest.
class SnapshotArguments {
 public:
  void AddTo(Command& command);
  /// InvalidArgument for a time that is none, and for both; NotFound names what is kept.
  Result<Snapshot> Take(const Collection& collection) const;

 private:
  static constexpr uint64_t kNewest = std::numeric_limits<uint64_t>::max();
  uint64_t version_ = kNewest;
  std::string as_of_;
};

/// The records that a command names: ID..., or --file with one id on each line.
class IdArguments {
 public:
  void AddTo(Command& command);
  bool is_given() const { return !first_.empty() || !file_.empty(); }
  /// InvalidArgument if something that looks like an option was taken for an id.
  Status Check() const;
  /// Call `visit` with each id. InvalidArgument unless ids are given in one of the two ways.
  Status ForEach(const std::function<Status(std::string)>& visit) const;

 private:
  // CLI11 takes [a,b] for two values where an option takes several, so one takes the first id and
  // the command's extra arguments are the others.
  std::optional<Command> command_;
  std::string first_;
  std::string file_;
};

/// Read "name:type" declarations.
Result<std::vector<Field>> ParseFields(const std::vector<std::string>& declarations);

}  // namespace viper::cli
