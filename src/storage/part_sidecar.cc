// The bytes are those of docs/format/sidecar.md. The id table is an array of buckets, chosen by the
// high bits of the hash, eight entries on average; an entry is 40 bits: the row number in as many
// bits as the part needs, and in all others the low bits of the hash. A look-up reads one or two
// cache lines of entries beside the bucket's bounds, and a million rows give one false row in
// 100,000 look-ups.

#include "storage/part_sidecar.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "platform/cut_guard.h"

namespace viper::storage {
namespace {

// "VIPERSDX" in the order of the bytes.
constexpr uint64_t kSidecarMagic = 0x5844535245504956;
constexpr uint32_t kSidecarFormatVersion = 2;
constexpr size_t kSidecarHeaderBytes = 96;
constexpr size_t kSidecarHeaderCrcOffset = kSidecarHeaderBytes - sizeof(uint32_t);
constexpr size_t kPageBytes = 28;
constexpr size_t kEntryBytes = 5;
constexpr uint32_t kEntryBits = 8 * kEntryBytes;
constexpr uint64_t kEntryMask = (uint64_t{1} << kEntryBits) - 1;
// An entry is read as eight bytes; the last one too.
constexpr size_t kEntryPadding = sizeof(uint64_t) - kEntryBytes;
constexpr uint64_t kRowsPerBucket = 8;
constexpr size_t kFooterBytes = size_t{64} << 10;

static_assert(kEntryBits - 32 >= 8, "the largest part leaves eight bits of the hash");

struct Header {
  PartFingerprint part;
  uint64_t row_count = 0;
  double max_norm = 0;
  uint64_t page_count = 0;
  uint32_t pages_crc = 0;
  uint32_t bounds_crc = 0;
  uint32_t entries_crc = 0;
};

// Where the sections lie; all follows from the two counts.
struct Layout {
  uint64_t bucket_count;
  uint64_t pages_offset;
  uint64_t bounds_offset;
  uint64_t entries_offset;
  uint64_t file_bytes;

  Layout(uint64_t row_count, uint64_t page_count)
      : bucket_count(std::max<uint64_t>(1, (row_count + kRowsPerBucket - 1) / kRowsPerBucket)),
        pages_offset(kSidecarHeaderBytes),
        bounds_offset(pages_offset + page_count * kPageBytes),
        entries_offset(bounds_offset + (bucket_count + 1) * sizeof(uint32_t)),
        file_bytes(entries_offset + row_count * kEntryBytes + kEntryPadding) {}
};

// How a hash becomes a bucket and an entry, for a part of `row_count` rows.
class IdCode {
 public:
  IdCode(uint64_t row_count, uint64_t bucket_count)
      : bucket_count_(bucket_count),
        row_bits_(static_cast<uint32_t>(std::bit_width(std::max<uint64_t>(row_count, 1) - 1))) {}

  uint64_t Bucket(uint64_t hash) const {
    __extension__ using uint128 = unsigned __int128;
    return static_cast<uint64_t>((static_cast<uint128>(hash) * bucket_count_) >> 64);
  }
  uint64_t Entry(uint64_t hash, uint64_t row) const {
    return ((hash << row_bits_) & kEntryMask) | row;
  }
  bool Matches(uint64_t entry, uint64_t hash) const {
    return (((hash << row_bits_) ^ entry) & kEntryMask) >> row_bits_ == 0;
  }
  uint64_t Row(uint64_t entry) const { return entry & ((uint64_t{1} << row_bits_) - 1); }

 private:
  uint64_t bucket_count_;
  uint32_t row_bits_;
};

std::array<std::byte, kSidecarHeaderBytes> EncodeHeader(const Header& header) {
  std::vector<std::byte> bytes;
  bytes.reserve(kSidecarHeaderBytes);
  ByteWriter writer(bytes);
  writer.PutFixed64(kSidecarMagic);
  writer.PutFixed32(kSidecarFormatVersion);
  writer.PutFixed32(kSidecarHeaderBytes);
  writer.PutFixed64(header.part.file_bytes);
  writer.PutFixed32(header.part.footer_crc);
  writer.PutFixed32(0);
  writer.PutFixed64(header.row_count);
  writer.PutFixed64(std::bit_cast<uint64_t>(header.max_norm));
  writer.PutFixed64(header.page_count);
  writer.PutFixed32(header.pages_crc);
  writer.PutFixed32(header.bounds_crc);
  writer.PutFixed32(header.entries_crc);
  bytes.resize(kSidecarHeaderCrcOffset);
  writer.PutFixed32(crc32c::Value(bytes));

  std::array<std::byte, kSidecarHeaderBytes> result;
  std::copy(bytes.begin(), bytes.end(), result.begin());
  return result;
}

Status Damaged(std::string_view what) {
  return Status::Corruption(fmt::format("part sidecar is damaged: {}", what));
}

Result<Header> DecodeHeader(std::span<const std::byte> bytes) {
  if (bytes.size() < kSidecarHeaderBytes) {
    return Damaged(fmt::format("too short: bytes={}", bytes.size()));
  }
  const std::byte* at = bytes.data();
  if (LoadFixed<uint64_t>(at) != kSidecarMagic) return Damaged("wrong magic number");
  if (const auto version = LoadFixed<uint32_t>(at + 8); version != kSidecarFormatVersion) {
    return Status::FailedPrecondition(
        fmt::format("part sidecar has another format version: expected={} actual={}",
                    kSidecarFormatVersion, version));
  }
  if (LoadFixed<uint32_t>(at + kSidecarHeaderCrcOffset) !=
      crc32c::Value(bytes.first(kSidecarHeaderCrcOffset))) {
    return Damaged("checksum of the header");
  }
  Header header;
  header.part = {.file_bytes = LoadFixed<uint64_t>(at + 16),
                 .footer_crc = LoadFixed<uint32_t>(at + 24)};
  header.row_count = LoadFixed<uint64_t>(at + 32);
  header.max_norm = std::bit_cast<double>(LoadFixed<uint64_t>(at + 40));
  header.page_count = LoadFixed<uint64_t>(at + 48);
  header.pages_crc = LoadFixed<uint32_t>(at + 56);
  header.bounds_crc = LoadFixed<uint32_t>(at + 60);
  header.entries_crc = LoadFixed<uint32_t>(at + 64);
  if (header.row_count > kSidecarRowsMax) {
    return Damaged(
        fmt::format("too many rows: max={} actual={}", kSidecarRowsMax, header.row_count));
  }
  // A page holds at least one row, which also keeps the layout's arithmetic far from overflow.
  if (header.page_count > header.row_count) {
    return Damaged(
        fmt::format("more pages than rows: pages={} rows={}", header.page_count, header.row_count));
  }
  if (!std::isfinite(header.max_norm) || header.max_norm < 0) return Damaged("largest norm");
  return header;
}

// Pages must cover the rows without a gap, inside the part.
Status CheckPages(std::span<const PagePlace> pages, uint64_t row_count, uint64_t part_bytes) {
  uint64_t next_row = 0;
  for (const PagePlace& page : pages) {
    const bool fits = page.float_offset <= part_bytes &&
                      page.row_count <= (part_bytes - page.float_offset) / sizeof(float);
    if (page.first_row != next_row || page.row_count == 0 ||
        page.row_count > row_count - next_row || !fits) {
      return Status::InvalidArgument(fmt::format(
          "page is out of place: first_row={} row_count={} float_offset={}, expected_first_row={} "
          "rows={} part_bytes={}",
          page.first_row, page.row_count, page.float_offset, next_row, row_count, part_bytes));
    }
    next_row += page.row_count;
  }
  if (!pages.empty() && next_row != row_count) {
    return Status::InvalidArgument(
        fmt::format("pages end too early: expected={} actual={}", row_count, next_row));
  }
  return Status::Ok();
}

Status CheckContent(const SidecarContent& content) {
  if (content.row_count > kSidecarRowsMax) {
    return Status::InvalidArgument(fmt::format("part sidecar: too many rows: max={} actual={}",
                                               kSidecarRowsMax, content.row_count));
  }
  if (content.id_hashes.size() != content.row_count) {
    return Status::InvalidArgument(
        fmt::format("part sidecar: one hash per row: expected={} actual={}", content.row_count,
                    content.id_hashes.size()));
  }
  if (!std::isfinite(content.max_norm) || content.max_norm < 0) {
    return Status::InvalidArgument(
        fmt::format("part sidecar: bad largest norm: actual={}", content.max_norm));
  }
  return CheckPages(content.pages, content.row_count, content.part.file_bytes)
      .WithContext("part sidecar");
}

void EncodePages(std::span<const PagePlace> pages, std::byte* out) {
  for (const PagePlace& page : pages) {
    StoreFixed(out, page.first_row);
    StoreFixed(out + 8, page.row_count);
    StoreFixed(out + 16, page.float_offset);
    StoreFixed(out + 24, page.float_crc);
    out += kPageBytes;
  }
}

PagePlace DecodePage(const std::byte* bytes) {
  return {.first_row = LoadFixed<uint64_t>(bytes),
          .row_count = LoadFixed<uint64_t>(bytes + 8),
          .float_offset = LoadFixed<uint64_t>(bytes + 16),
          .float_crc = LoadFixed<uint32_t>(bytes + 24)};
}

// A counting sort by bucket: rows stay in rising order inside each.
void EncodeIdTable(std::span<const uint64_t> hashes, const Layout& layout, std::byte* bounds_out,
                   std::byte* entries_out) {
  const IdCode code(hashes.size(), layout.bucket_count);
  std::vector<uint32_t> next(layout.bucket_count + 1, 0);
  for (const uint64_t hash : hashes) ++next[code.Bucket(hash) + 1];
  for (size_t bucket = 0; bucket < layout.bucket_count; ++bucket) next[bucket + 1] += next[bucket];
  std::memcpy(bounds_out, next.data(), next.size() * sizeof(uint32_t));
  for (size_t row = 0; row < hashes.size(); ++row) {
    const uint64_t entry = code.Entry(hashes[row], row);
    const size_t slot = next[code.Bucket(hashes[row])]++;
    std::memcpy(entries_out + slot * kEntryBytes, &entry, kEntryBytes);
  }
}

class PartSidecarImpl final : public PartSidecar {
 public:
  PartSidecarImpl(const Header& header, std::unique_ptr<MappedFile> mapped,
                  std::vector<std::byte> owned)
      : header_(header),
        layout_(header.row_count, header.page_count),
        code_(header.row_count, layout_.bucket_count),
        mapped_(std::move(mapped)),
        owned_(std::move(owned)),
        bytes_(mapped_ != nullptr ? mapped_->bytes() : owned_),
        guard_(bytes_) {}

  // One of `mapped` and `owned` holds the bytes.
  static Result<std::unique_ptr<PartSidecar>> Make(std::unique_ptr<MappedFile> mapped,
                                                   std::vector<std::byte> owned) {
    const std::span<const std::byte> bytes = mapped != nullptr ? mapped->bytes() : owned;
    VIPER_ASSIGN_OR_RETURN(const Header header, DecodeHeader(bytes));
    auto sidecar = std::make_unique<PartSidecarImpl>(header, std::move(mapped), std::move(owned));
    VIPER_RETURN_IF_ERROR(sidecar->Verify());
    return std::unique_ptr<PartSidecar>(std::move(sidecar));
  }

  uint64_t row_count() const override { return header_.row_count; }
  uint64_t file_bytes() const override { return bytes_.size(); }
  double max_norm() const override { return header_.max_norm; }
  bool is_cut() const override { return guard_.is_cut(); }

  std::vector<PagePlace> pages() const override {
    std::vector<PagePlace> pages(header_.page_count);
    for (size_t i = 0; i < pages.size(); ++i) {
      pages[i] = DecodePage(bytes_.data() + layout_.pages_offset + i * kPageBytes);
    }
    return pages;
  }

  std::vector<uint32_t> FindRows(uint64_t id_hash) const override {
    std::vector<uint32_t> rows;
    const uint64_t bucket = code_.Bucket(id_hash);
    // The file may have been overwritten since it was opened: no bound leads out of it.
    const uint64_t end = std::min<uint64_t>(Bound(bucket + 1), header_.row_count);
    for (uint64_t slot = Bound(bucket); slot < end; ++slot) {
      const auto entry =
          LoadFixed<uint64_t>(bytes_.data() + layout_.entries_offset + slot * kEntryBytes);
      if (!code_.Matches(entry, id_hash)) continue;
      // Nobody checked the single rows.
      const uint64_t row = code_.Row(entry);
      if (row < header_.row_count) rows.push_back(static_cast<uint32_t>(row));
    }
    return rows;
  }

 private:
  uint32_t Bound(uint64_t bucket) const {
    return LoadFixed<uint32_t>(bytes_.data() + layout_.bounds_offset + bucket * sizeof(uint32_t));
  }

  std::span<const std::byte> Section(uint64_t begin, uint64_t end) const {
    return bytes_.subspan(begin, end - begin);
  }

  Status Verify() const {
    if (bytes_.size() != layout_.file_bytes) {
      return Damaged(fmt::format("size: expected={} actual={}", layout_.file_bytes, bytes_.size()));
    }
    const auto pages = Section(layout_.pages_offset, layout_.bounds_offset);
    if (crc32c::Value(pages) != header_.pages_crc) return Damaged("checksum of the page table");
    const auto bounds = Section(layout_.bounds_offset, layout_.entries_offset);
    if (crc32c::Value(bounds) != header_.bounds_crc) return Damaged("checksum of the buckets");
    const auto entries = Section(layout_.entries_offset, layout_.file_bytes);
    if (crc32c::Value(entries) != header_.entries_crc) return Damaged("checksum of the id table");
    if (const Status status = CheckPages(this->pages(), header_.row_count, header_.part.file_bytes);
        !status.ok()) {
      return Damaged(status.message());
    }
    return VerifyBounds();
  }

  Status VerifyBounds() const {
    uint32_t previous = 0;
    for (uint64_t bucket = 0; bucket <= layout_.bucket_count; ++bucket) {
      const uint32_t bound = Bound(bucket);
      if (bound < previous || (bucket == 0 && bound != 0)) {
        return Damaged(fmt::format("bounds of bucket {}", bucket));
      }
      previous = bound;
    }
    if (previous != header_.row_count) {
      return Damaged(fmt::format("entries: expected={} actual={}", header_.row_count, previous));
    }
    return Status::Ok();
  }

  const Header header_;
  const Layout layout_;
  const IdCode code_;
  const std::unique_ptr<MappedFile> mapped_;
  const std::vector<std::byte> owned_;
  const std::span<const std::byte> bytes_;
  const CutGuard guard_;
};

}  // namespace

PartFingerprint FingerprintPart(std::span<const std::byte> part_bytes) {
  const size_t footer_bytes = std::min(part_bytes.size(), kFooterBytes);
  return {.file_bytes = part_bytes.size(),
          .footer_crc = crc32c::Value(part_bytes.last(footer_bytes))};
}

uint64_t HashId(std::string_view id) { return Hash64(id); }

Result<std::vector<std::byte>> EncodeSidecar(const SidecarContent& content) {
  VIPER_RETURN_IF_ERROR(CheckContent(content));
  const Layout layout(content.row_count, content.pages.size());
  std::vector<std::byte> bytes(layout.file_bytes);
  EncodePages(content.pages, bytes.data() + layout.pages_offset);
  EncodeIdTable(content.id_hashes, layout, bytes.data() + layout.bounds_offset,
                bytes.data() + layout.entries_offset);

  const std::span<const std::byte> all(bytes);
  const auto crc_of = [&](uint64_t begin, uint64_t end) {
    return crc32c::Value(all.subspan(begin, end - begin));
  };
  const auto header =
      EncodeHeader({.part = content.part,
                    .row_count = content.row_count,
                    .max_norm = content.max_norm,
                    .page_count = content.pages.size(),
                    .pages_crc = crc_of(layout.pages_offset, layout.bounds_offset),
                    .bounds_crc = crc_of(layout.bounds_offset, layout.entries_offset),
                    .entries_crc = crc_of(layout.entries_offset, layout.file_bytes)});
  std::copy(header.begin(), header.end(), bytes.begin());
  return bytes;
}

Result<std::unique_ptr<PartSidecar>> PartSidecar::Open(FileSystem& file_system,
                                                       const std::string& path,
                                                       const PartFingerprint& part) {
  VIPER_ASSIGN_OR_RETURN(auto mapped, file_system.Map(path));
  // The header alone tells whose sidecar it is, before the checksums of all the rest are paid for.
  auto header = DecodeHeader(mapped->bytes());
  if (!header.ok()) return header.status().WithContext(path);
  if (header->part != part) {
    return Status::FailedPrecondition(fmt::format(
        "{}: belongs to another state of the part: expected_bytes={} expected_crc={:08x} "
        "actual_bytes={} actual_crc={:08x}",
        path, part.file_bytes, part.footer_crc, header->part.file_bytes, header->part.footer_crc));
  }
  auto sidecar = PartSidecarImpl::Make(std::move(mapped), {});
  if (!sidecar.ok()) return sidecar.status().WithContext(path);
  return sidecar;
}

Result<std::unique_ptr<PartSidecar>> PartSidecar::FromBytes(std::vector<std::byte> bytes) {
  return PartSidecarImpl::Make(nullptr, std::move(bytes));
}

}  // namespace viper::storage
