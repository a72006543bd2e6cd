#include "core/part.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/field_conversion.h"
#include "core/norm_bound.h"
#include "core/row.h"
#include "core/write_batch.h"
#include "parquet/logical_bytes.h"
#include "storage/file_names.h"
#include "viper/value.h"

namespace viper::core {
namespace {

std::vector<parquet::VectorPage> ToVectorPages(const std::vector<storage::PagePlace>& places) {
  std::vector<parquet::VectorPage> pages;
  pages.reserve(places.size());
  for (const storage::PagePlace& place : places) {
    pages.push_back({{place.first_row, place.row_count}, place.float_offset});
  }
  return pages;
}

Status WriteSidecarFile(FileSystem& file_system, const std::string& path,
                        std::span<const std::byte> bytes) {
  Status removed = file_system.RemoveFile(path);
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  VIPER_ASSIGN_OR_RETURN(auto file, file_system.CreateFile(path));
  VIPER_RETURN_IF_ERROR(file->Append(bytes));
  return file->Close();
}

/// Encode the content of a sidecar, and write it if the options say so.
Result<std::unique_ptr<storage::PartSidecar>> KeepSidecar(const Part::OpenOptions& options,
                                                          const std::string& path,
                                                          const storage::SidecarContent& content) {
  VIPER_ASSIGN_OR_RETURN(auto encoded, storage::EncodeSidecar(content));
  if (options.write_sidecar) {
    // Derived and checksummed: if it cannot be written, or is lost unsynced, it is made again.
    (void)WriteSidecarFile(*options.file_system, path, encoded).ok();
  }
  return storage::PartSidecar::FromBytes(std::move(encoded));
}

uint32_t FloatCrc(const std::byte* floats, const parquet::VectorPage& page, size_t dim) {
  return crc32c::Value({floats, page.rows.count * dim * sizeof(float)});
}

/// The first row with text that is not UTF-8: Parquet does not ask other writers for it.
std::optional<size_t> FindBadText(const columnar::Column& column) {
  const auto find = [](const columnar::StringArray& texts) -> std::optional<size_t> {
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!IsValidUtf8(texts[i])) return i;
    }
    return std::nullopt;
  };
  if (column.type() == FieldType::kString) return find(column.strings());
  if (column.type() != FieldType::kStringList) return std::nullopt;
  const columnar::StringListArray& lists = column.string_lists();
  const auto element = find(lists.elements);
  if (!element) return std::nullopt;
  const auto after = std::upper_bound(lists.offsets.begin(), lists.offsets.end(), *element);
  return static_cast<size_t>(after - lists.offsets.begin()) - 1;
}

}  // namespace

Result<storage::SidecarContent> MakeSidecarContent(const parquet::PartReader& reader, size_t dim,
                                                   const storage::PartFingerprint& fingerprint) {
  storage::SidecarContent content;
  content.part = fingerprint;
  content.row_count = reader.row_count();
  for (size_t i = 0; i < reader.vector_pages().size(); ++i) {
    const parquet::VectorPage& page = reader.vector_pages()[i];
    std::vector<float> decoded;
    if (!reader.maps_vectors()) {
      VIPER_ASSIGN_OR_RETURN(decoded, reader.DecodeVectors(i));
    }
    const std::byte* floats = reader.maps_vectors()
                                  ? reader.Floats(page)
                                  : reinterpret_cast<const std::byte*>(decoded.data());
    if (reader.maps_vectors()) {
      content.pages.push_back(
          {page.rows.first, page.rows.count, page.offset, FloatCrc(floats, page, dim)});
    }
    content.max_norm = std::max(content.max_norm, NormBound(floats, page.rows.count, dim));
  }
  content.id_hashes.reserve(reader.row_count());
  for (size_t page = 0; page < reader.PageCount(columnar::kIdColumn); ++page) {
    VIPER_ASSIGN_OR_RETURN(auto ids, reader.ReadPage(columnar::kIdColumn, page));
    for (size_t i = 0; i < ids.row_count(); ++i) {
      const std::string_view id = ids.strings()[i];
      if (const Status valid = CheckId(id); !valid.ok()) {
        return Status::Corruption(fmt::format("column {} row {}: {}", columnar::kIdColumn,
                                              content.id_hashes.size(), valid.message()));
      }
      content.id_hashes.push_back(storage::HashId(id));
    }
  }
  return content;
}

Result<std::shared_ptr<const Part>> Part::Open(const storage::AddedFile& added,
                                               const OpenOptions& options) {
  std::shared_ptr<Part> part(new Part());  // NOLINT: the constructor is private
  part->added_ = added;
  part->dim_ = options.schema->dim;
  part->fields_ = options.schema->fields;
  const std::string path = storage::DataFilePath(options.table_directory, added.path);
  VIPER_ASSIGN_OR_RETURN(auto mapped, options.file_system->Map(path));
  part->file_ = std::move(mapped);
  const auto bytes = part->file_->bytes();
  if (added.size != 0 && bytes.size() != added.size) {
    return Status::Corruption(
        fmt::format("part {}: its size is not that of the table log: expected={} actual={}", path,
                    added.size, bytes.size()));
  }
  const storage::PartFingerprint fingerprint = storage::FingerprintPart(bytes);
  part->footer_crc_ = fmt::format("{:08x}", fingerprint.footer_crc);
  const auto tag = added.tags.find(std::string(kFooterCrcTag));
  if (tag != added.tags.end() && tag->second != part->footer_crc_) {
    return Status::Corruption(
        fmt::format("part {}: its footer is damaged: checksum in the table log={} actual={}", path,
                    tag->second, part->footer_crc_));
  }
  VIPER_RETURN_IF_ERROR(part->OpenFiles(options, fingerprint));
  part->row_groups_ = part->reader_->RowGroups();
  part->MakeCachedColumns(options);
  part->is_foreign_ = !part->reader_->key_values().contains(std::string(kPartKey));
  part->ReadPayloadKeys();
  part->CompareFields();
  VIPER_RETURN_IF_ERROR(part->ReadExpiries());
  part->ReadLastStamp();
  return std::shared_ptr<const Part>(std::move(part));
}

Status Part::OpenFiles(const OpenOptions& options, const storage::PartFingerprint& fingerprint) {
  const std::string sidecar_path = storage::SidecarPath(options.table_directory, added_.path);
  const auto open_sidecar = [&]() -> Result<std::unique_ptr<storage::PartSidecar>> {
    if (options.known_content == nullptr) {
      return storage::PartSidecar::Open(*options.file_system, sidecar_path, fingerprint);
    }
    storage::SidecarContent content = *options.known_content;
    content.part = fingerprint;
    return KeepSidecar(options, sidecar_path, content);
  };
  auto sidecar = open_sidecar();
  parquet::PartOpenOptions open_options;
  open_options.path = storage::DataFilePath(options.table_directory, added_.path);
  if (sidecar.ok() && !(*sidecar)->pages().empty()) {
    open_options.vector_pages = ToVectorPages((*sidecar)->pages());
  }
  VIPER_ASSIGN_OR_RETURN(reader_, parquet::PartReader::Open(file_, *options.schema, open_options));
  if (sidecar.ok() && (*sidecar)->row_count() == row_count()) {
    sidecar_ = std::move(*sidecar);
  } else {
    VIPER_RETURN_IF_ERROR(reader_->VerifyVectors());
    VIPER_ASSIGN_OR_RETURN(auto content, MakeSidecarContent(*reader_, dim_, fingerprint));
    VIPER_ASSIGN_OR_RETURN(sidecar_, KeepSidecar(options, sidecar_path, content));
    rebuilt_sidecar_ = sidecar_path;
  }
  for (const storage::PagePlace& page : sidecar_->pages()) page_crcs_.push_back(page.float_crc);
  page_is_good_ = std::vector<std::atomic<bool>>(page_crcs_.size());
  return {};
}

std::optional<uint64_t> Part::logical_bytes() const {
  const auto found = reader_->key_values().find(std::string(parquet::kLogicalBytesKey));
  if (found == reader_->key_values().end()) return std::nullopt;
  const std::string& text = found->second;
  uint64_t bytes = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return bytes;
}

void Part::ReadPayloadKeys() {
  auto found = reader_->key_values().find(std::string(kPayloadKeysKey));
  if (found == reader_->key_values().end()) return;
  auto parsed = Value::FromJson(found->second);
  if (!parsed.ok() || parsed->as_list() == nullptr) return;
  payload_keys_.emplace();
  for (const Value& key : *parsed->as_list()) {
    if (key.as_string() != nullptr) payload_keys_->insert(*key.as_string());
  }
}

void Part::CompareFields() {
  unread_columns_ = reader_->UnreadColumns();
  for (const Field& field : fields_) {
    const auto stored = reader_->StoredType(field.name);
    if (!stored) lacking_.insert(field.name);
    const bool knows_field = !is_foreign_ && stored == field.type;
    if (!knows_field && MayHaveKey(field.name)) back_filled_.insert(field.name);
  }
}

bool Part::ReadKnownExpiries() {
  first_expiry_ = kNeverExpires;
  last_expiry_ = std::numeric_limits<int64_t>::min();
  const auto bounds = reader_->RowGroupBounds(columnar::kExpiresAtColumn);
  if (bounds.size() != row_groups_.size()) return false;
  for (const columnar::ColumnBounds& group : bounds) {
    if (group.null_count > 0) last_expiry_ = kNeverExpires;
    if (group.null_count == group.row_count) continue;
    const bool has_both = group.min && group.min->as_timestamp() != nullptr && group.max &&
                          group.max->as_timestamp() != nullptr;
    if (!has_both) return false;
    first_expiry_ = std::min(first_expiry_, group.min->as_timestamp()->micros);
    last_expiry_ = std::max(last_expiry_, group.max->as_timestamp()->micros);
  }
  return true;
}

Status Part::ReadExpiries() {
  if (ReadKnownExpiries()) return {};
  first_expiry_ = kNeverExpires;
  last_expiry_ = std::numeric_limits<int64_t>::min();
  for (size_t group = 0; group < row_groups_.size(); ++group) {
    VIPER_ASSIGN_OR_RETURN(auto column, RowGroup(columnar::kExpiresAtColumn, group));
    for (size_t i = 0; i < column->row_count(); ++i) {
      const int64_t expiry = column->IsPresent(i) ? column->int64s()[i] : kNeverExpires;
      first_expiry_ = std::min(first_expiry_, expiry);
      last_expiry_ = std::max(last_expiry_, expiry);
    }
  }
  return {};
}

void Part::ReadLastStamp() {
  for (const columnar::ColumnBounds& group : reader_->RowGroupBounds(columnar::kIngestedAtColumn)) {
    if (!group.max || group.max->as_timestamp() == nullptr) continue;
    last_stamp_ = std::max(last_stamp_, group.max->as_timestamp()->micros);
  }
}

Result<std::optional<uint32_t>> Part::FindId(std::string_view id, uint64_t id_hash,
                                             const Bitmap* dead) const {
  VIPER_ASSIGN_OR_RETURN(const std::vector<uint32_t> rows, FindRowsOfId(id, id_hash, dead));
  if (rows.empty()) return std::optional<uint32_t>();
  return std::optional<uint32_t>(rows.back());
}

Result<std::vector<uint32_t>> Part::FindRowsOfId(std::string_view id, uint64_t id_hash,
                                                 const Bitmap* dead) const {
  std::vector<uint32_t> rows;
  for (const uint32_t row : sidecar_->FindRows(id_hash)) {
    if (dead != nullptr && dead->Test(row)) continue;
    VIPER_ASSIGN_OR_RETURN(const PagePlace place, PlaceOfId(row));
    if (place.column->strings()[place.index] == id) rows.push_back(row);
  }
  if (sidecar_->is_cut()) {
    return Status::Corruption(fmt::format(
        "part {}: its sidecar was cut while it was open; opening the collection makes it anew",
        added_.path));
  }
  return rows;
}

Result<uint32_t> Part::NewestOf(std::span<const uint32_t> rows) const {
  if (rows.empty()) {
    // The id was read from this very file.
    return Status::Corruption(fmt::format("part {}: its sidecar lacks a row", added_.path));
  }
  uint32_t newest = rows.front();
  if (rows.size() == 1) return newest;
  VIPER_ASSIGN_OR_RETURN(int64_t newest_stamp, TimeOf(columnar::kIngestedAtColumn, newest));
  for (const uint32_t row : rows.subspan(1)) {
    VIPER_ASSIGN_OR_RETURN(const int64_t stamp, TimeOf(columnar::kIngestedAtColumn, row));
    if (stamp < newest_stamp) continue;
    newest = row;
    newest_stamp = stamp;
  }
  return newest;
}

Result<int64_t> Part::TimeOf(std::string_view column, uint64_t row) const {
  VIPER_ASSIGN_OR_RETURN(const PagePlace place, PageOfRow(column, row));
  if (place.column->IsPresent(place.index)) return place.column->int64s()[place.index];
  return added_.modification_time_ms * 1000;
}

Result<HeldFloats> Part::Floats(uint64_t row) const {
  const auto& pages = reader_->vector_pages();
  auto after = std::upper_bound(
      pages.begin(), pages.end(), row,
      [](uint64_t wanted, const parquet::VectorPage& page) { return wanted < page.rows.first; });
  VIPER_ASSERT(after != pages.begin());
  const auto page = static_cast<size_t>(after - pages.begin()) - 1;
  VIPER_ASSERT(row < pages[page].rows.end());
  VIPER_ASSIGN_OR_RETURN(HeldFloats held, OpenPage(page));
  held.floats += (row - pages[page].rows.first) * dim_ * sizeof(float);
  return held;
}

Result<HeldFloats> Part::FloatsToKeep(uint64_t row) const {
  VIPER_ASSIGN_OR_RETURN(HeldFloats held, Floats(row));
  // A file is held as a whole, however many rows hold it.
  if (held.holder == nullptr || held.holder == unpacked()) return held;
  auto copy =
      std::make_shared<std::vector<std::byte>>(held.floats, held.floats + dim_ * sizeof(float));
  const std::byte* bytes = copy->data();
  return HeldFloats(bytes, std::move(copy));
}

Result<HeldFloats> Part::OpenPage(size_t page) const {
  if (!decoded_pages_) {
    VIPER_RETURN_IF_ERROR(CheckMappedPage(page));
    return HeldFloats(reader_->Floats(reader_->vector_pages()[page]));
  }
  if (auto file = unpacked()) {
    const std::byte* floats =
        file->bytes().data() + reader_->vector_pages()[page].rows.first * dim_ * sizeof(float);
    return HeldFloats(floats, std::move(file));
  }
  VIPER_ASSIGN_OR_RETURN(auto decoded, decoded_pages_->Get(page, [&]() -> Result<DecodedFloats> {
    auto floats = reader_->DecodeVectors(page);
    if (floats.ok()) return DecodedFloats{std::move(*floats)};
    return floats.status().WithContext(
        fmt::format("part {}: the vectors of a page are damaged", added_.path));
  }));
  const auto* floats = reinterpret_cast<const std::byte*>(decoded->floats.data());
  return HeldFloats(floats, std::move(decoded));
}

void Part::ReadFrom(const std::shared_ptr<const MappedFile>& unpacked) const {
  VIPER_ASSERT(!maps_vectors() && unpacked->bytes().size() == row_count() * dim_ * sizeof(float));
  MutexLock lock(unpacked_mutex_);
  unpacked_ = unpacked;
  may_be_unpacked_ = true;
}

std::shared_ptr<const MappedFile> Part::unpacked() const {
  if (!may_be_unpacked_) return nullptr;
  MutexLock lock(unpacked_mutex_);
  auto file = unpacked_.lock();
  if (file == nullptr) may_be_unpacked_ = false;
  return file;
}

Status Part::CheckMappedPage(size_t page) const {
  if (page_crcs_.empty() || page_is_good_[page].load(std::memory_order_relaxed)) return {};
  const parquet::VectorPage& place = reader_->vector_pages()[page];
  const uint32_t actual = FloatCrc(reader_->Floats(place), place, dim_);
  if (actual != page_crcs_[page]) {
    return Status::Corruption(fmt::format(
        "part {}: the vectors of rows {} to {} are damaged: checksum of {} bytes at {}: "
        "expected={:08x} actual={:08x}",
        added_.path, place.rows.first, place.rows.end() - 1,
        place.rows.count * dim_ * sizeof(float), place.offset, page_crcs_[page], actual));
  }
  page_is_good_[page].store(true, std::memory_order_relaxed);
  return {};
}

void Part::MakeCachedColumns(const OpenOptions& options) {
  std::vector<std::string_view> names = {columnar::kIdColumn, columnar::kTimestampColumn,
                                         columnar::kIngestedAtColumn, columnar::kExpiresAtColumn,
                                         columnar::kPayloadColumn};
  for (const Field& field : fields_) names.push_back(field.name);
  for (const std::string_view name : names) {
    columns_.try_emplace(std::string(name), *options.cache, reader_->PageCount(name),
                         row_groups_.size());
  }
  ids_ = &CachedColumnOf(columnar::kIdColumn);
  for (size_t page = 0; page < reader_->PageCount(columnar::kIdColumn); ++page) {
    id_page_firsts_.push_back(reader_->PageRows(columnar::kIdColumn, page).first);
  }
  id_order_.emplace(*options.cache, 1);
  if (reader_->maps_vectors()) return;
  decoded_pages_.emplace(*options.vector_cache, reader_->vector_pages().size());
}

const Part::CachedColumn& Part::CachedColumnOf(std::string_view column) const {
  const auto found = columns_.find(column);
  VIPER_ASSERT(found != columns_.end());
  return found->second;
}

Result<columnar::Column> Part::ReadPage(std::string_view column, size_t page) const {
  auto read = reader_->ReadPage(column, page);
  if (!read.ok() || !is_foreign_) return read;
  if (const auto row = FindBadText(*read)) {
    return Status::Corruption(fmt::format("part {} column {} row {}: the text is not UTF-8",
                                          added_.path, column,
                                          reader_->PageRows(column, page).first + *row));
  }
  return read;
}

Result<Part::PagePlace> Part::PageOfRow(std::string_view column, uint64_t row) const {
  const size_t page = reader_->PageOfRow(column, row);
  VIPER_ASSIGN_OR_RETURN(
      auto decoded, CachedColumnOf(column).pages.Get(page, [&] { return ReadPage(column, page); }));
  return PagePlace{std::move(decoded), row - reader_->PageRows(column, page).first};
}

Result<Part::PagePlace> Part::PlaceOfId(uint64_t row) const {
  const auto after = std::upper_bound(id_page_firsts_.begin(), id_page_firsts_.end(), row);
  VIPER_ASSERT(after != id_page_firsts_.begin() && row < row_count());
  const auto page = static_cast<size_t>(after - id_page_firsts_.begin()) - 1;
  VIPER_ASSIGN_OR_RETURN(auto decoded, ids_->pages.Get(page, [&] {
    return reader_->ReadPage(columnar::kIdColumn, page);
  }));
  return PagePlace{std::move(decoded), row - id_page_firsts_[page]};
}

Result<ColumnCache::ColumnPointer> Part::RowGroup(std::string_view column, size_t group) const {
  return CachedColumnOf(column).groups.Get(group, [&]() -> Result<columnar::Column> {
    VIPER_ASSIGN_OR_RETURN(auto stored, ReadRowGroup(column, group));
    if (!BackFills(column)) return stored;
    return BackFill(column, group, stored);
  });
}

Result<columnar::Column> Part::ReadRowGroup(std::string_view column, size_t group) const {
  const RowRange rows = row_groups_[group];
  const size_t first = reader_->PageOfRow(column, rows.first);
  VIPER_ASSIGN_OR_RETURN(auto all, ReadPage(column, first));
  const RowRange first_rows = reader_->PageRows(column, first);
  if (first_rows == rows) return all;
  columnar::Column joined(all.type());
  size_t page = first;
  while (joined.row_count() < rows.count) {
    if (page != first) {
      VIPER_ASSIGN_OR_RETURN(all, ReadPage(column, page));
    }
    const RowRange have = reader_->PageRows(column, page);
    const uint64_t from = std::max(have.first, rows.first);
    const uint64_t to = std::min(have.end(), rows.end());
    joined.AppendRows(all, from - have.first, to - from);
    ++page;
  }
  return joined;
}

Result<columnar::Column> Part::BackFill(std::string_view name, size_t group,
                                        const columnar::Column& stored) const {
  const auto field = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& declared) { return declared.name == name; });
  VIPER_ASSERT(field != fields_.end());
  VIPER_ASSIGN_OR_RETURN(const auto payload, RowGroup(columnar::kPayloadColumn, group));
  columnar::Column filled(stored.type());
  for (size_t i = 0; i < stored.row_count(); ++i) {
    if (stored.IsPresent(i) || !payload->IsPresent(i)) {
      filled.AppendRows(stored, i, 1);
      continue;
    }
    VIPER_ASSIGN_OR_RETURN(const Value::Object object,
                           PayloadObject(payload->strings()[i], row_groups_[group].first + i));
    const auto found = object.find(name);
    if (found == object.end()) {
      filled.AppendNull();
    } else {
      columnar::AppendFitting(*field, found->second, filled);
    }
  }
  return filled;
}

Result<Value::Object> Part::PayloadObject(std::string_view text, uint64_t row) const {
  auto document = Value::FromJson(text);
  if (!document.ok() || document->as_object() == nullptr) {
    return Status::Corruption(
        fmt::format("part {} row {}: _payload is not a JSON object", added_.path, row));
  }
  return std::move(*document->as_object());
}

Result<std::string> Part::IdOf(uint64_t row) const {
  VIPER_ASSIGN_OR_RETURN(const PagePlace place, PlaceOfId(row));
  return std::string(place.column->strings()[place.index]);
}

Result<ColumnCache::ColumnPointer> Part::RowsInIdOrder() const {
  return id_order_->Get(0, [&]() -> Result<columnar::Column> {
    columnar::StringArray ids;
    for (size_t page = 0; page < reader_->PageCount(columnar::kIdColumn); ++page) {
      VIPER_ASSIGN_OR_RETURN(auto column, reader_->ReadPage(columnar::kIdColumn, page));
      for (size_t i = 0; i < column.row_count(); ++i) ids.Append(column.strings()[i]);
    }
    std::vector<int64_t> rows(ids.size());
    std::iota(rows.begin(), rows.end(), int64_t{0});
    std::sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) {
      return ids[static_cast<size_t>(a)] < ids[static_cast<size_t>(b)];
    });
    columnar::Column ordered(FieldType::kInt64);
    for (int64_t row : rows) ordered.AppendInt64(row);
    return ordered;
  });
}

bool Part::MayHaveKey(std::string_view key) const {
  return !payload_keys_.has_value() || payload_keys_->contains(key);
}

}  // namespace viper::core
