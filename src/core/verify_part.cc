#include "core/verify_part.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/crc32c.h"
#include "base/status_macros.h"
#include "core/norm_bound.h"
#include "core/part.h"
#include "core/verify_columns.h"
#include "parquet/part_file.h"
#include "parquet/part_layout.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

/// Two bounds of one norm that are this much apart were not made of the same rows (NormBound).
constexpr double kNormTolerance = 1.02;

class PartVerifier {
 public:
  PartVerifier(const PartSubject& subject, IdAudit* ids, Verification& verification)
      : subject_(subject), ids_(ids), verification_(verification) {
    part_.path = storage::DataFilePath(verification.directory(), subject.added->path);
    sidecar_path_ = storage::SidecarPath(verification.directory(), subject.added->path);
  }

  Status Run() {
    VIPER_RETURN_IF_ERROR(verification_.BeginFile(part_.path));
    auto mapped = verification_.files().Map(part_.path);
    if (!mapped.ok()) {
      const bool is_missing = mapped.status().code() == StatusCode::kNotFound;
      AddTruthOfLog(is_missing ? "the file is missing" : mapped.status().message(), "all its rows");
      return {};
    }
    file_ = std::move(*mapped);
    part_.bytes = file_->bytes();
    fingerprint_ = storage::FingerprintPart(part_.bytes);
    CheckAgainstLog();
    if (ids_ != nullptr) ++verification_.report().parts;
    const bool is_open = Open();
    if (is_open) {
      if (subject_.added->deletion_vector) ReadDeadRows();
      VIPER_RETURN_IF_ERROR(VerifyColumns(subject_, part_, ids_, verification_));
      if (ids_ != nullptr) verification_.report().rows += part_.reader->row_count();
    }
    VIPER_RETURN_IF_ERROR(VerifyVectorsAndSidecar(is_open));
    return verification_.AddBytes(part_.bytes.size());
  }

 private:
  void CheckAgainstLog() {
    const storage::AddedFile& added = *subject_.added;
    // Another writer may not say.
    const bool says_size = added.size != 0 || storage::ParsePartName(added.path).has_value();
    if (says_size && part_.bytes.size() != added.size) {
      AddTruthOfLog(fmt::format("its size is not that of the table log: expected={} actual={}",
                                added.size, part_.bytes.size()),
                    "perhaps all its rows");
    }
    const auto tag = added.tags.find(std::string(kFooterCrcTag));
    const std::string actual = fmt::format("{:08x}", fingerprint_.footer_crc);
    if (tag == added.tags.end()) {
      if (storage::ParsePartName(added.path)) {
        AddTruthOfLog("the table log does not have the checksum of its footer", "");
      }
    } else if (tag->second != actual) {
      AddTruthOfLog(
          fmt::format("checksum of its last {} bytes: in the table log={} actual={}",
                      std::min<size_t>(part_.bytes.size(), size_t{64} << 10), tag->second, actual),
          "perhaps all its rows");
    }
  }

  /// False, and told, if the file cannot be opened.
  bool Open() {
    auto layout = parquet::ReadPartLayout(part_.bytes);
    if (!layout.ok()) {
      AddTruth("the footer cannot be read: " + layout.status().message(), "all its rows");
      return false;
    }
    layout_ = std::move(*layout);
    part_.layout = &layout_;
    if (subject_.schema == nullptr) return false;
    CheckKeyValues();
    parquet::PartOpenOptions options;
    options.path = part_.path;
    auto reader = parquet::PartReader::Open(file_, *subject_.schema, options);
    if (!reader.ok()) {
      verification_.AddTruth({part_.path, subject_.schema_origin},
                             "it cannot be opened: " + reader.status().message(), "all its rows");
      return false;
    }
    reader_ = std::move(*reader);
    part_.reader = reader_.get();
    return true;
  }

  void CheckKeyValues() {
    const auto& pairs = layout_.key_values;
    const auto name = pairs.find(std::string(kPartKey));
    part_.is_foreign = name == pairs.end();
    if (part_.is_foreign) return;
    const auto expect = [&](const std::string& key, const std::string& expected,
                            const std::string& origin) {
      const auto found = pairs.find(key);
      if (found != pairs.end() && found->second == expected) return;
      verification_.AddTruth(
          {part_.path, origin},
          fmt::format("its footer contradicts the table: {}: expected={} actual={}", key, expected,
                      found == pairs.end() ? "none" : found->second));
    };
    expect(std::string(kPartKey), subject_.added->path, subject_.origin);
    expect("viper.dim", std::to_string(subject_.schema->dim), subject_.schema_origin);
    expect("viper.metric", std::string(MetricName(subject_.schema->metric)),
           subject_.schema_origin);
  }

  void ReadDeadRows() {
    auto dead = VerifyDeletionVector(*subject_.added, subject_.origin, part_.reader->row_count(),
                                     verification_);
    if (dead) part_.dead = std::move(*dead);
  }

  /// The vectors by the checksums of the file, and by those of the sidecar, which tell every
  /// damaged page where the others stop at the first.
  Status VerifyVectorsAndSidecar(bool is_open) {
    VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
    const Status checked = is_open ? reader_->VerifyVectors() : Status::Ok();
    const auto sidecar = OpenSidecar();
    if (!checked.ok()) {
      const bool is_told = sidecar.ok() && TellDamagedPages(**sidecar);
      if (!is_told) AddTruth(checked.message(), "the rows of a page of vectors");
    }
    // Nobody keeps one for older versions.
    if (ids_ == nullptr) return {};
    const bool is_whole = is_open && checked.ok() && FingerprintOfLog() == fingerprint_;
    return VerifySidecar(sidecar, is_whole);
  }

  /// The sidecar belongs to the part as the table log knows it, and as it is: where the two differ,
  /// to either.
  Result<std::unique_ptr<storage::PartSidecar>> OpenSidecar() const {
    const storage::PartFingerprint wanted = FingerprintOfLog();
    auto sidecar = storage::PartSidecar::Open(verification_.files(), sidecar_path_, wanted);
    if (sidecar.status().code() != StatusCode::kFailedPrecondition || wanted == fingerprint_) {
      return sidecar;
    }
    return storage::PartSidecar::Open(verification_.files(), sidecar_path_, fingerprint_);
  }

  storage::PartFingerprint FingerprintOfLog() const {
    storage::PartFingerprint fingerprint = fingerprint_;
    const auto tag = subject_.added->tags.find(std::string(kFooterCrcTag));
    if (tag == subject_.added->tags.end()) return fingerprint;
    fingerprint.file_bytes = subject_.added->size;
    const std::string& text = tag->second;
    std::from_chars(text.data(), text.data() + text.size(), fingerprint.footer_crc, 16);
    return fingerprint;
  }

  bool TellDamagedPages(const storage::PartSidecar& sidecar) {
    bool is_told = false;
    const uint64_t row_bytes = subject_.schema->dim * sizeof(float);
    for (const storage::PagePlace& page : sidecar.pages()) {
      const uint64_t room = part_.bytes.size() - std::min(page.float_offset, part_.bytes.size());
      if (page.row_count > room / row_bytes) continue;
      const uint32_t actual =
          crc32c::Value(part_.bytes.subspan(page.float_offset, page.row_count * row_bytes));
      if (actual == page.float_crc) continue;
      is_told = true;
      AddTruth(fmt::format("column {}: checksum of {} bytes at {}: expected={:08x} actual={:08x}",
                           columnar::kVectorColumn, page.row_count * row_bytes, page.float_offset,
                           page.float_crc, actual),
               NamedRowsText(*reader_, page.first_row, page.row_count));
    }
    return is_told;
  }

  /// Of a part that is whole it must be what would be made of it.
  Status VerifySidecar(const Result<std::unique_ptr<storage::PartSidecar>>& sidecar,
                       bool part_is_whole) {
    const StatusCode code = sidecar.status().code();
    if (code == StatusCode::kNotFound) {
      if (part_.is_foreign) {
        verification_.AddNote({sidecar_path_, {}},
                              "there is no sidecar yet of another writer's file");
      } else {
        verification_.AddDerived({sidecar_path_, part_.path}, "the sidecar is missing");
      }
      return {};
    }
    VIPER_RETURN_IF_ERROR(verification_.BeginFile(sidecar_path_));
    if (!sidecar.ok()) {
      if (part_.is_foreign && IsWholeSidecar()) {
        // Files of the table never change, and the table log has no checksum of this one.
        AddTruth("it is not the file that its sidecar was made of", "perhaps all its rows",
                 sidecar_path_);
      } else {
        verification_.AddDerived({sidecar_path_, part_.path}, sidecar.status().message());
      }
      return {};
    }
    if (part_is_whole) {
      auto content = MakeSidecarContent(*reader_, subject_.schema->dim, fingerprint_);
      // A column that cannot be read was told already.
      if (content.ok()) CompareSidecar(**sidecar, std::move(*content));
    }
    return verification_.AddBytes((*sidecar)->file_bytes());
  }

  /// There is nothing wrong with it but that it belongs to another state of the part.
  bool IsWholeSidecar() const {
    const auto mapped = verification_.files().Map(sidecar_path_);
    if (!mapped.ok()) return false;
    const auto bytes = (*mapped)->bytes();
    return storage::PartSidecar::FromBytes({bytes.begin(), bytes.end()}).ok();
  }

  void CompareSidecar(const storage::PartSidecar& sidecar, storage::SidecarContent content) {
    const auto fail = [&](const std::string& what) {
      if (part_.is_foreign) {
        // Its pages need not have checksums: then nobody knows which of the two has changed.
        AddTruth("it is not what its sidecar says, " + what, "perhaps all its rows", sidecar_path_);
      } else {
        verification_.AddDerived({sidecar_path_, part_.path},
                                 "it is not what the part says: " + what);
      }
    };
    if (sidecar.row_count() != content.row_count) {
      return fail(
          fmt::format("rows: expected={} actual={}", content.row_count, sidecar.row_count()));
    }
    if (sidecar.pages() != content.pages) return fail("places or checksums of pages");
    if (sidecar.max_norm() * kNormTolerance < content.max_norm ||
        sidecar.max_norm() > content.max_norm * kNormTolerance) {
      return fail(
          fmt::format("largest norm: expected={} actual={}", content.max_norm, sidecar.max_norm()));
    }
    // All else follows from the ids: what would be written must be what is there.
    content.max_norm = sidecar.max_norm();
    const auto expected = storage::EncodeSidecar(content);
    const auto actual = verification_.files().Map(sidecar_path_);
    if (!expected.ok() || !actual.ok()) return;
    const auto bytes = (*actual)->bytes();
    // The fingerprint is in the header, and was compared when it was opened.
    if (!std::equal(bytes.begin(), bytes.end(), expected->begin(), expected->end())) {
      fail("the table of ids");
    }
  }

  void AddTruth(std::string problem, std::string affected, const std::string& other_path = {}) {
    verification_.AddTruth({part_.path, other_path}, std::move(problem), std::move(affected));
  }
  void AddTruthOfLog(std::string problem, std::string affected) {
    verification_.AddTruth({part_.path, subject_.origin}, std::move(problem), std::move(affected));
  }

  const PartSubject& subject_;
  IdAudit* ids_;
  Verification& verification_;
  std::string sidecar_path_;
  std::shared_ptr<const MappedFile> file_;
  storage::PartFingerprint fingerprint_;
  parquet::PartLayout layout_;
  std::unique_ptr<parquet::PartReader> reader_;
  OpenedPart part_;
};

}  // namespace

Status VerifyPart(const PartSubject& subject, IdAudit* ids, Verification& verification) {
  return PartVerifier(subject, ids, verification).Run();
}

std::optional<Bitmap> VerifyDeletionVector(const storage::AddedFile& added,
                                           const std::string& origin, uint64_t row_count,
                                           Verification& verification) {
  auto dead = storage::ReadDeletionVector(verification.files(), verification.directory(),
                                          *added.deletion_vector, row_count);
  if (dead.ok()) return std::move(*dead);
  const auto path = storage::DeletionVectorPath(*added.deletion_vector);
  verification.AddTruth(
      {path.ok() && *path ? storage::DataFilePath(verification.directory(), **path) : origin,
       origin},
      dead.status().message(), "which rows of " + added.path + " are dead");
  return std::nullopt;
}

}  // namespace viper::core
