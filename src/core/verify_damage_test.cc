// One file after the other is damaged in many places, cut short and taken away. Damage that changes
// what the file says must be reported against that very file; other damage need not be.

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/coding.h"
#include "core/verified_collection_fixture.h"
#include "index/segment.h"
#include "index/segment_format.h"
#include "parquet/checkpoint_file.h"
#include "storage/delta_actions.h"
#include "storage/table_checkpoint.h"
#include "storage/wal.h"
#include "testing/counts.h"
#include "testing/environment.h"

namespace viper::core {
namespace {

constexpr uint64_t kSeed = 20'261'126;
constexpr size_t kEdgeBytes = 24;

/// VIPER_DAMAGE_FLIPS: of each file, beside those at its edges. As in tests/crash, fewer where a
/// sanitizer makes everything slow.
size_t RandomFlips() {
  const uint64_t stride = std::max<uint64_t>(1, FromEnvironment("VIPER_CRASH_STRIDE", 1));
  return FromEnvironment("VIPER_DAMAGE_FLIPS", 100) / stride;
}

/// What a file says, as text; nothing if it cannot be read.
using Meaning = std::function<std::optional<std::string>(const std::string& bytes)>;

std::string ToHex(std::span<const std::byte> bytes) {
  return std::string(AsText(bytes));  // Compared only.
}

class VerifyDamageTest : public VerifiedCollectionFixture {
 protected:
  CollectionSchema FilledSchema() const {
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    return schema;
  }

  static std::string MeaningOf(const storage::AddedFile& added) {
    std::string text = added.path + " " + std::to_string(added.size) + " " + added.stats_json;
    for (const auto& [key, value] : added.tags) text += " " + key + "=" + value;
    if (added.deletion_vector) text += " " + storage::DeletionVectorId(*added.deletion_vector);
    return text + "\n";
  }

  static std::optional<std::string> MeaningOfSchema(const storage::TableMetadata& metadata) {
    const auto schema = ReadTableSchema(metadata);
    if (!schema.ok()) return std::nullopt;
    std::string text = std::to_string(schema->dim) + std::string(MetricName(schema->metric));
    for (const Field& field : schema->fields) {
      text += " " + field.name + ":" + std::string(FieldTypeName(field.type));
    }
    return text + "\n";
  }

  /// Times and descriptions of what was done are not among what a commit means.
  static std::optional<std::string> MeaningOfCommit(const std::string& bytes) {
    const auto file = storage::DecodeCommit(bytes, "commit");
    if (!file.ok()) return std::nullopt;
    std::string text;
    for (const auto& added : file->commit.added) text += MeaningOf(added);
    for (const auto& removed : file->commit.removed) text += "-" + removed.path + "\n";
    for (const auto& [application, version] : file->commit.transactions) {
      text += application + "=" + std::to_string(version) + "\n";
    }
    if (file->commit.protocol) {
      text += fmt::format("protocol {} {} {} {}\n", file->commit.protocol->min_reader_version,
                          file->commit.protocol->min_writer_version,
                          file->commit.protocol->reader_features.size(),
                          file->commit.protocol->writer_features.size());
    }
    if (file->commit.metadata) {
      const auto schema = MeaningOfSchema(*file->commit.metadata);
      if (!schema) return std::nullopt;
      text += *schema;
    }
    return text;
  }

  static std::optional<std::string> MeaningOfCheckpoint(const std::string& bytes) {
    const auto actions = parquet::DecodeCheckpoint(AsBytes(bytes), "checkpoint");
    if (!actions.ok()) return std::nullopt;
    const auto loaded = storage::FromCheckpoint(*actions, 2);
    if (!loaded.ok()) return std::nullopt;
    const auto schema = MeaningOfSchema(loaded->metadata);
    if (!schema) return std::nullopt;
    std::string text = *schema + loaded->metadata.id;
    for (const auto& [path, added] : loaded->files) text += MeaningOf(added);
    for (const auto& [path, removed] : loaded->tombstones) text += "-" + path + "\n";
    for (const auto& [application, version] : loaded->transactions) {
      text += application + "=" + std::to_string(version) + "\n";
    }
    return text;
  }

  std::optional<std::string> MeaningOfPart(const std::string& bytes) const {
    class Bytes : public MappedFile {
     public:
      explicit Bytes(const std::string& bytes) : bytes_(bytes) {}
      std::span<const std::byte> bytes() const override { return AsBytes(bytes_); }

     private:
      std::string bytes_;
    };
    const CollectionSchema schema = FilledSchema();
    const auto reader = parquet::PartReader::Open(std::make_shared<Bytes>(bytes), schema, {});
    if (!reader.ok()) return std::nullopt;
    std::vector<std::string> columns = {"_id", "_timestamp", "_ingested_at", "_expires_at",
                                        "_payload"};
    for (const Field& field : schema.fields) columns.push_back(field.name);
    std::string text;
    for (const std::string& name : columns) {
      for (size_t page = 0; page < (*reader)->PageCount(name); ++page) {
        const auto column = (*reader)->ReadPage(name, page);
        if (!column.ok()) return std::nullopt;
        for (size_t i = 0; i < column->row_count(); ++i) text += column->ValueAt(i).ToJson() + "\n";
      }
    }
    for (size_t i = 0; i < (*reader)->vector_pages().size(); ++i) {
      const parquet::VectorPage& page = (*reader)->vector_pages()[i];
      if ((*reader)->maps_vectors()) {
        text += ToHex({(*reader)->Floats(page), page.rows.count * kDim * sizeof(float)});
        continue;
      }
      const auto floats = (*reader)->DecodeVectors(i);
      if (!floats.ok()) return std::nullopt;
      text += ToHex(std::as_bytes(std::span(*floats)));
    }
    return text;
  }

  std::optional<std::string> MeaningOfSegment(const std::string& bytes) {
    const std::string model_file = FilesOf("_viper/index", ".vmodel").front();
    const auto model = index::Model::Decode(AsBytes(Read(model_file)));
    const auto segment = index::Segment::Open(AsBytes(bytes), **model);
    if (!segment.ok()) return std::nullopt;
    std::string text = std::to_string((*segment)->row_count());
    const size_t row_bytes = index::ByteRowBytes((*segment)->byte_rows(), **model);
    for (size_t i = 0; i < (*segment)->cluster_count(); ++i) {
      const index::ClusterView& view = (*segment)->cluster(i);
      const auto layout = index::LayOutCluster(view.row_count, (*model)->planes(), row_bytes);
      text += ToHex({view.blocks, layout.bytes});
    }
    return text;
  }

  /// The records that the table does not hold, as the log says them. Needs the file in its place.
  std::optional<std::string> MeaningOfLog() {
    storage::WalReplayOptions options;
    options.after_sequence =
        static_cast<uint64_t>(LoadTable().transactions.at(std::string(kLogApplication)));
    std::string text;
    const auto replay = storage::ReplayWal(
        files_, storage::WalDirectory(kTable), options, [&](const storage::WalRecord& record) {
          text += std::to_string(record.sequence) + ToHex(record.payload);
          return Status::Ok();
        });
    if (!replay.ok()) return std::nullopt;
    return text;
  }

  struct Tally {
    size_t damages = 0;
    size_t meant_something = 0;
    size_t reported = 0;
    size_t missed = 0;
  };

  /// Put damaged bytes in place of a file, and see what is found.
  void Try(const std::string& file, const std::string& damaged, const std::string& what,
           const Meaning& meaning, Tally& tally) {
    ASSERT_NO_FATAL_FAILURE(Write(file, damaged));
    const VerifyReport report = Verify();
    const bool is_reported = IsReported(report, file);
    const auto says = meaning(damaged);
    ++tally.damages;
    tally.reported += is_reported ? 1 : 0;
    if (says && *says == good_meaning_) return;
    ++tally.meant_something;
    tally.missed += is_reported ? 0 : 1;
    EXPECT_TRUE(is_reported) << file << ": " << what << "\n" << TextOf(report.findings);
  }

  /// Flip bits of a file at its edges and at random places, those of `places` if it is not empty,
  /// and cut it at several.
  void Damage(const std::string& kind, const std::string& file, const Meaning& meaning,
              RowRange places = {}) {
    const std::string good = Read(file);
    const std::string findings_before = TextOf(Verify().findings);
    if (places.count == 0) places = {0, good.size()};
    ASSERT_GT(good.size(), 0u) << file;
    good_meaning_ = meaning(good).value();
    std::set<size_t> offsets;
    for (size_t i = 0; i < std::min(kEdgeBytes, good.size()); ++i) {
      offsets.insert(i);
      offsets.insert(good.size() - 1 - i);
    }
    for (size_t i = 0; i < RandomFlips(); ++i)
      offsets.insert(places.first + random_places_.Uniform(places.count));
    Tally flips;
    for (const size_t offset : offsets) {
      std::string damaged = good;
      const int mask = 1 << random_places_.Uniform(8);
      damaged[offset] = static_cast<char>(damaged[offset] ^ mask);
      Try(file, damaged, fmt::format("bits {:#x} of byte {} of {}", mask, offset, good.size()),
          meaning, flips);
    }
    Tally cuts;
    for (const size_t size : {size_t{0}, size_t{1}, good.size() / 3, good.size() - 1}) {
      Try(file, good.substr(0, size), fmt::format("cut to {} of {}", size, good.size()), meaning,
          cuts);
    }
    Write(file, good);
    EXPECT_EQ(TextOf(Verify().findings), findings_before) << file;
    fmt::print(
        "{:<16} flips {:4} meaningful {:4} reported {:4} | cuts {} meaningful {} reported {}\n",
        kind, flips.damages, flips.meant_something, flips.reported, cuts.damages,
        cuts.meant_something, cuts.reported);
    PrintCount("flipped bits", flips.damages);
    PrintCount("flipped bits: reported by verify", flips.reported);
    PrintCount("flipped bits: without a meaning", flips.damages - flips.reported - flips.missed);
    PrintCount("flipped bits: missed by verify", flips.missed);
    PrintCount("cut files", cuts.damages);
    PrintCount("cut files: reported by verify", cuts.reported);
  }

  std::string good_meaning_;
  Random random_places_{kSeed};
};

TEST_F(VerifyDamageTest, EveryMeaningfulFlipIsReportedAgainstItsFile) {
  Fill();
  ASSERT_EQ(TextOf(Verify().findings), "");
  const auto same_bytes = [](const std::string& bytes) { return std::optional(bytes); };
  fmt::print("seed {}\n", kSeed);
  Damage("first commit", "_delta_log/00000000000000000000.json", MeaningOfCommit);
  Damage("commit", "_delta_log/00000000000000000001.json", MeaningOfCommit);
  Damage("newest commit", "_delta_log/00000000000000000003.json", MeaningOfCommit);
  Damage("checkpoint", "_delta_log/00000000000000000002.checkpoint.parquet", MeaningOfCheckpoint);
  Damage("_last_checkpoint", "_delta_log/_last_checkpoint", [](const std::string& bytes) {
    const auto hint = Value::FromJson(bytes);
    // The number of actions, "size", is for planning only, and other keys mean nothing.
    if (!hint.ok() || hint->as_object() == nullptr) return std::optional<std::string>();
    const auto version = hint->as_object()->find("version");
    return version == hint->as_object()->end() ? std::nullopt
                                               : std::optional(version->second.ToJson());
  });
  // So large that most of it lies outside what the checksum of the footer covers.
  const std::string part = PartOfVersion(1);
  ASSERT_GT(Read(part).size(), 3 * (size_t{64} << 10));
  Damage("part", part, [this](const std::string& bytes) { return MeaningOfPart(bytes); });
  Damage("sidecar", "_viper/index/" + storage::SidecarName(part), same_bytes);
  // Where the records lie that the table does not hold.
  constexpr size_t kNeededBytes = 12'000;
  const uint64_t end = OpenToRead()->Inspect("docs")->log_segments.back().used_bytes;
  Damage("log segment", FilesOf("_viper/wal", ".wal").back(),
         [this](const std::string&) { return MeaningOfLog(); }, {end - kNeededBytes, kNeededBytes});
  Damage("model", FilesOf("_viper/index", ".vmodel").front(), same_bytes);
  Damage("index segment", FilesOf("_viper/index", ".vseg").front(),
         [this](const std::string& bytes) { return MeaningOfSegment(bytes); });
}

TEST_F(VerifyDamageTest, SparseVectorsAreChecked) {
  options_.vector_format = VectorFormat::kSparse;
  CreateIndexed();
  std::vector<Record> records;
  for (size_t row = 0; row < 700; ++row) {
    Record& record = records.emplace_back();
    record.id = "id" + std::to_string(row);
    record.vector = RandomVector();
    for (size_t i = 0; i < kDim && row % 3 > 0; ++i) {
      if (i % 4 > 0) record.vector[i] = 0;
    }
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  ASSERT_EQ(TextOf(Verify().findings), "");
  const auto told = OpenToRead()->Inspect("docs");
  ASSERT_EQ(told->parts.front().groups.front().layout, VectorLayout::kHybrid);
  const std::string part = PartOfVersion(1);
  ASSERT_GT(Read(part).size(), size_t{64} << 10);
  Damage("sparse part", part, [this](const std::string& bytes) { return MeaningOfPart(bytes); });
  Damage("commit of the column", "_delta_log/00000000000000000001.json", MeaningOfCommit);
}

TEST_F(VerifyDamageTest, DeletionVectorsAreCheckedAndTheirRowsAreDead) {
  Fill();
  options_.delete_mode = DeleteMode::kVectors;
  ASSERT_OK(Reopen());
  // Dead in one part, alive in another.
  WriteRows(7, 8);
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  const VerifyReport report = Verify();
  ASSERT_EQ(TextOf(report.findings), "");
  const std::string file = FilesOf("_dv", ".bin").front();
  Damage("deletion vector", file, [](const std::string& bytes) { return std::optional(bytes); });
  const std::string good = Read(file);
  ASSERT_OK(files_.RemoveFile(storage::JoinPath(kTable, file)));
  EXPECT_TRUE(IsReported(Verify(), file));
  Write(file, good);
  const std::string stray =
      "_dv/" + storage::DeletionVectorName("00000000-0000-4000-8000-000000000000");
  Write(stray, "stray");
  const VerifyReport with_stray = Verify();
  ASSERT_EQ(with_stray.findings.size(), 1u) << TextOf(with_stray.findings);
  EXPECT_EQ(with_stray.findings[0].kind, FindingKind::kLeftover);
  EXPECT_EQ(with_stray.findings[0].file, stray);
}

TEST_F(VerifyDamageTest, WhatOnlyOlderVersionsNeedIsChecked) {
  options_.delete_mode = DeleteMode::kVectors;
  CreateIndexed();
  WriteRows(0, 200);
  ASSERT_OK(collection_->Flush());
  const std::string part = PartOfVersion(1);
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3", "id100"}));
  ASSERT_OK(collection_->Flush());
  const std::string vectors = FilesOf("_dv", ".bin").front();
  ASSERT_OK(collection_->Compact({.everything = true, .fold_deletion_vectors = true}));
  collection_.reset();
  ASSERT_FALSE(LoadTable().files.contains(part));
  ASSERT_TRUE(Verify().is_sound());
  Damage("older part", part, [this](const std::string& bytes) { return MeaningOfPart(bytes); });
  Damage("older vector", vectors, [](const std::string& bytes) { return std::optional(bytes); });
}

TEST_F(VerifyDamageTest, FilesThatAreGoneAreReported) {
  Fill();
  const std::vector<std::string> needed = {
      "_delta_log/00000000000000000001.json",     "_delta_log/_last_checkpoint",
      FilesOf(".", ".parquet").front(),           FilesOf("_viper/index", ".vidx").front(),
      FilesOf("_viper/index", ".vmodel").front(),
  };
  for (const std::string& file : needed) {
    const std::string good = Read(file);
    ASSERT_OK(files_.RemoveFile(storage::JoinPath(kTable, file)));
    const VerifyReport report = Verify();
    EXPECT_TRUE(IsReported(report, file)) << file << "\n" << TextOf(report.findings);
    Write(file, good);
  }
  EXPECT_EQ(TextOf(Verify().findings), "");
}

}  // namespace
}  // namespace viper::core
