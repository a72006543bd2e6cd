/// Writes that depend on the rows they replace: metadata changed by id or by filter, rows deleted
/// by filter. Each is cut into revisions (core/revision.h), which are made from a view and brought
/// up to date in the write queue. By filter: the rows are selected once, in the view with which the
/// call begins, and changed in the order in which they lie.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "core/collection_impl.h"
#include "core/revision.h"

namespace viper {
namespace {

/// The selected rows of a view, one after the other.
class SelectedRows {
 public:
  SelectedRows(const core::ReadView& view, const core::ViewSelection& selection)
      : view_(view), selection_(selection) {}

  /// Absent at the end.
  std::optional<core::Location> Next() {
    for (; source_ < view_.source_count(); ++source_, row_ = 0) {
      const Bitmap* selected = selection_.sources[source_].get();
      const uint64_t rows = view_.source_rows(source_);
      while (row_ < rows) {
        const uint64_t row = row_++;
        if (selected == nullptr || selected->Test(row)) return core::Location{source_, row};
      }
    }
    return std::nullopt;
  }

 private:
  const core::ReadView& view_;
  const core::ViewSelection& selection_;
  size_t source_ = 0;
  uint64_t row_ = 0;
};

Status AfterRows(const Status& status, std::string_view operation, uint64_t rows) {
  if (status.ok() || rows == 0) return status.WithContext(operation);
  return status.WithContext(
      fmt::format("{}: {} rows were done before the failure", operation, rows));
}

Status AtUpdate(const Status& status, size_t index, std::string_view id) {
  const std::string_view shown = IsValidUtf8(id) ? id.substr(0, 64) : "(not UTF-8)";
  return status.WithContext(fmt::format("update {} (id '{}')", index, shown));
}

}  // namespace

Status Collection::Impl::Revise(core::Revision& revision, WriteSummary& total) {
  VIPER_ASSIGN_OR_RETURN(MemoryCharge memory, TakeRoom(revision.bytes()));
  // What has moved since the revision was made is read here, so that nobody waits for it.
  const core::CurrentRows current(state()->View(), context_.ExpiryNow());
  if (!revision.IsMadeFrom(current.view())) {
    VIPER_RETURN_IF_ERROR(revision.BringUpToDate(current).status());
  }
  VIPER_ASSIGN_OR_RETURN(const WriteSummary written, SubmitBesideLoads([&] {
                           return writer_->queue->Submit(revision, memory);
                         }));
  if (written.sequence == 0) return {};  // nothing was left to write
  NoteWritten(revision.batch().kind, written.rows);
  total.rows += written.rows;
  total.sequence = written.sequence;
  return {};
}

Result<WriteSummary> Collection::Impl::UpdateById(std::span<const CheckedUpdate> updates) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  // What may be written in pieces is, in such as find room in memory.
  const uint64_t piece_bytes = PieceBytes(uint64_t{updates.size()} * context_.dim * sizeof(float));
  WriteSummary total;
  size_t next = 0;
  while (next < updates.size()) {
    const auto view = state()->View();
    const int64_t now = context_.ExpiryNow();
    core::Revision revision(core::WriteKind::kUpsert, view, nullptr,
                            context_.stamps->Next(context_.NowMicros()));
    Status status;
    while (status.ok() && next < updates.size() && revision.bytes() < piece_bytes) {
      const CheckedUpdate& update = updates[next++];
      const auto seen = view->Find(update.id, now);
      status = seen.ok() ? revision.AddUpdate(std::string(update.id), *update.change, *seen)
                         : seen.status();
    }
    if (status.ok()) status = Revise(revision, total);
    if (!status.ok()) return AfterRows(status, "update", total.rows);
  }
  return total;
}

Result<WriteSummary> Collection::Impl::ReviseWhere(const Filter& filter,
                                                   const MetadataChange* change) {
  if (context_.operations != nullptr) context_.operations->NoteFilter(filter);
  VIPER_RETURN_IF_ERROR(CheckWritable());
  const std::string_view operation = change == nullptr ? "delete" : "update";
  if (filter.matches_all()) {
    return Status::InvalidArgument(fmt::format(
        "{}: the filter is empty or always true; to mean every record, write _id IS NOT NULL",
        operation));
  }
  const auto view = state()->View();
  const int64_t now = context_.ExpiryNow();
  VIPER_ASSIGN_OR_RETURN(auto bound, core::BindFilter(*view, filter));
  const auto predicate = std::make_shared<const columnar::Predicate>(std::move(bound));
  VIPER_ASSIGN_OR_RETURN(
      const auto selection,
      context_.read->selector.Select(view, core::FilterKey(filter), now, StopSignal(), nullptr));
  const auto kind = change == nullptr ? core::WriteKind::kDelete : core::WriteKind::kUpsert;
  SelectedRows selected(*view, *selection);
  // What may be written in pieces is, in such as find room in memory.
  const uint64_t piece_bytes =
      std::min<uint64_t>(kAtomicWriteBytesMax, core::FileMemory(*context_.memory));
  WriteSummary total;
  while (true) {
    core::Revision revision(kind, view, predicate, context_.stamps->Next(context_.NowMicros()));
    Status status;
    while (status.ok() && revision.size() < kFilterWriteRowsMax && revision.bytes() < piece_bytes) {
      const auto seen = selected.Next();
      if (!seen) break;
      status = change == nullptr ? revision.AddDelete(*seen) : revision.AddUpdate(*seen, *change);
    }
    if (status.ok() && revision.empty()) return total;
    if (status.ok()) status = Revise(revision, total);
    if (!status.ok()) return AfterRows(status, operation, total.rows);
  }
}

Result<WriteSummary> Collection::UpdateMetadata(std::span<const MetadataUpdate> updates) {
  return impl_->Measured(core::OperationKind::kUpdate, [&]() -> Result<WriteSummary> {
    std::vector<MetadataChange> changes(updates.size());
    std::vector<Impl::CheckedUpdate> checked;
    std::unordered_map<std::string_view, size_t> places;
    for (size_t i = 0; i < updates.size(); ++i) {
      const std::string& id = updates[i].id;
      changes[i] = updates[i].change;
      Status status = core::CheckId(id);
      if (status.ok())
        status = core::CheckChange(changes[i], schema(), impl_->context().MisfitsOfWrites());
      if (!status.ok()) return AtUpdate(status, i, id);
      const auto [place, is_new] = places.try_emplace(id, i);
      if (is_new) {
        checked.push_back({id, &changes[i]});
      } else {
        core::Compose(changes[place->second], changes[i]);
      }
    }
    return impl_->UpdateById(checked);
  });
}

Result<WriteSummary> Collection::UpdateMetadata(std::span<const std::string> ids,
                                                const MetadataChange& change) {
  return impl_->Measured(core::OperationKind::kUpdate, [&]() -> Result<WriteSummary> {
    MetadataChange converted = change;
    std::vector<Impl::CheckedUpdate> checked;
    std::unordered_set<std::string_view> known;
    VIPER_RETURN_IF_ERROR(core::CheckChange(converted, schema(), impl_->context().MisfitsOfWrites())
                              .WithContext("update"));
    for (size_t i = 0; i < ids.size(); ++i) {
      Status status = core::CheckId(ids[i]);
      if (!status.ok()) return AtUpdate(status, i, ids[i]);
      if (known.insert(ids[i]).second) checked.push_back({ids[i], &converted});
    }
    return impl_->UpdateById(checked);
  });
}

Result<WriteSummary> Collection::UpdateMetadata(const Filter& filter,
                                                const MetadataChange& change) {
  return impl_->Measured(core::OperationKind::kUpdate, [&]() -> Result<WriteSummary> {
    MetadataChange converted = change;
    VIPER_RETURN_IF_ERROR(core::CheckChange(converted, schema(), impl_->context().MisfitsOfWrites())
                              .WithContext("update"));
    return impl_->ReviseWhere(filter, &converted);
  });
}

Result<WriteSummary> Collection::DeleteWhere(const Filter& filter) {
  return impl_->Measured(core::OperationKind::kDelete,
                         [&] { return impl_->ReviseWhere(filter, nullptr); });
}

}  // namespace viper
