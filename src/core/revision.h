#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "columnar/predicate.h"
#include "core/read_view.h"
#include "core/row.h"
#include "core/write_batch.h"
#include "viper/record.h"

namespace viper::core {

/// The rows that a batch finds when its turn has come: those of a view, as earlier batches of its
/// group have left them. For one thread at a time.
class CurrentRows {
 public:
  /// `view` is of the state before the group; rows that have expired at `now` do not exist.
  CurrentRows(std::shared_ptr<const ReadView> view, int64_t now)
      : view_(std::move(view)), now_(now) {}

  /// A batch comes next in the group. Its rows must stay where they are.
  void Add(const WriteBatch& batch);

  /// What the group makes of an id: the row that it wrote; null if it has deleted it, or wrote it
  /// with an expiry that has passed; absent if no batch named it.
  std::optional<const Row*> FindInGroup(std::string_view id) const;
  /// The same, expired or not.
  std::optional<const Row*> WrittenInGroup(std::string_view id) const;

  /// Where the live row of an id is: in the group, in the view, or nowhere.
  struct Place {
    const Row* in_group = nullptr;
    std::optional<Location> in_view;
    bool exists() const { return in_group != nullptr || in_view.has_value(); }
  };
  Result<Place> Find(std::string_view id) const;
  /// The row at a place, which exists; as ReadRow.
  Result<Row> Read(const Place& place) const;
  /// Record::version of the row at a place; 0 if nothing is there.
  Result<int64_t> VersionAt(const Place& place) const;

  const std::shared_ptr<const ReadView>& view() const { return view_; }
  int64_t now() const { return now_; }

 private:
  const std::shared_ptr<const ReadView> view_;
  const int64_t now_;
  std::map<std::string, const Row*, std::less<>> group_;
};

/// OK if the change can be made, whatever the record holds; its values are converted to those of
/// the declared fields. InvalidArgument names the key that is wrong.
Status CheckChange(MetadataChange& change, const CollectionSchema& schema, Misfits misfits);
/// Make `first` do what it does and then what `second` does; both are checked.
void Compose(MetadataChange& first, const MetadataChange& second);

/// A batch that is made from the rows that it replaces: updates of metadata, and deletes by filter.
///
/// It is made without a lock from the rows that a view shows (Add...). When its turn in the log has
/// come, under the apply lock, BringUpToDate looks where each row is by then: rows never change
/// where they lie, so one that is still in its place is the one that was read, and what was made
/// of it holds. Only those that were written, deleted or moved by a flush since are read again.
/// So no concurrent write is lost, nothing is tried again for other writers' sake, and they wait
/// for look-ups, not for pages to be decoded. The log has whole rows and ids, as of any other
/// write, so that replaying it asks for nothing but the log.
class Revision {
 public:
  /// An update (kUpsert) or a delete of what `view` shows. `predicate` (null = none): a row that
  /// was written since is only touched if it matches. `stamp` is the `_ingested_at` of what it
  /// writes.
  Revision(WriteKind kind, std::shared_ptr<const ReadView> view,
           std::shared_ptr<const columnar::Predicate> predicate, int64_t stamp)
      : view_(std::move(view)), predicate_(std::move(predicate)), stamp_(stamp) {
    batch_.kind = kind;
  }

  /// Change the metadata of the record with this id, which is at `seen` in the view; absent: the
  /// view has none. An id may come once. `change` is checked and outlives the revision.
  /// InvalidArgument: the outcome is too large.
  Status AddUpdate(std::string id, const MetadataChange& change,
                   const std::optional<Location>& seen);
  /// The same for the record at a place of the view, whatever its id.
  Status AddUpdate(const Location& seen, const MetadataChange& change);
  Status AddDelete(const Location& seen);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  /// About how many bytes it takes in the log.
  size_t bytes() const { return bytes_; }

  /// What is to be written, as far as is known.
  WriteBatch& batch() { return batch_; }
  const std::string& id(size_t i) const { return entries_[i].id; }

  /// Make the batch that fits the rows of now. True if it is not the same as before. After a
  /// failure the revision is not to be used any more.
  Result<bool> BringUpToDate(const CurrentRows& rows);
  bool IsMadeFrom(const std::shared_ptr<const ReadView>& view) const { return view == view_; }

 private:
  struct Entry {
    std::string id;
    const MetadataChange* change = nullptr;  // null: delete
    std::optional<Location> seen;
    bool is_in_batch = false;
  };
  bool IsWhereSeen(const Entry& entry, const CurrentRows::Place& place,
                   const ReadView& current) const;
  Result<Row> Revise(const Entry& entry, const CollectionSchema& schema, Row row) const;
  void Append(Entry& entry, std::optional<Row> row, WriteBatch& batch) const;

  /// Keeps the vectors of the batch alive.
  std::shared_ptr<const ReadView> view_;
  const std::shared_ptr<const columnar::Predicate> predicate_;
  const int64_t stamp_;
  std::vector<Entry> entries_;
  /// Of the entries that are in it, in their order.
  WriteBatch batch_;
  size_t bytes_ = 0;
};

}  // namespace viper::core
