#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/random.h"
#include "core/indexed_collection_fixture.h"
#include "core/part.h"
#include "core/table_schema.h"
#include "parquet/part_file.h"
#include "storage/delta_actions.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"
#include "storage/table_log.h"
#include "viper/verify.h"

namespace viper::core {

/// A collection with files of every kind, to verify and to damage, for tests of this folder.
class VerifiedCollectionFixture : public IndexedCollectionFixture {
 protected:
  static constexpr const char* kTable = "/db/docs";
  /// Of the rows in the table, and of those in the log alone.
  static constexpr int kTableRows = 1150;
  static constexpr int kLogRows = 30;

  VerifiedCollectionFixture() { options_.checkpoint_interval = 2; }

  /// Four versions with a checkpoint of the third; three parts with sidecars; an index of two of
  /// them; rows in the log. The collection is closed.
  void Fill() {
    CreateIndexed();
    WriteRows(0, 600);
    ASSERT_OK(collection_->Flush());
    WriteRows(600, 1100);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    WriteRows(1100, kTableRows);
    ASSERT_OK(collection_->Flush());
    for (int i = 0; i < kLogRows; i += 10) WriteRows(kTableRows + i, kTableRows + i + 10);
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3"}));
    collection_.reset();
  }

  void WriteRows(int first, int last) {
    std::vector<Record> records;
    for (int i = first; i < last; ++i) {
      Record record;
      record.id = "id" + std::to_string(i);
      record.vector = RandomVector();
      record.metadata = {{"year", 2000 + i % 50},
                         {"category", "category " + std::to_string(i % 7)},
                         {"price", i / 4.0},
                         {"tags", Value::List{"a", std::to_string(i)}},
                         {"note", Value::Object{{"number", i}}}};
      if (i % 3 == 0) record.metadata.erase("price");
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  Result<Engine> OpenToRead() {
    EngineOptions options = options_;
    options.read_only = true;
    return Engine::Open("/db", options);
  }

  VerifyReport Verify(const VerifyOptions& options = {}) {
    auto engine = OpenToRead();
    EXPECT_OK(engine);
    auto report = engine->Verify("docs", options);
    EXPECT_OK(report);
    return report.ok() ? std::move(*report) : VerifyReport();
  }

  /// The findings in short, for comparing and for messages.
  static std::string TextOf(const std::vector<VerifyFinding>& findings) {
    std::string text;
    for (const VerifyFinding& finding : findings) {
      text += std::string(FindingKindName(finding.kind)) + " " + finding.file;
      if (!finding.other_file.empty()) text += " (" + finding.other_file + ")";
      text += ": " + finding.problem + " [" + finding.affected + "]\n";
    }
    return text;
  }

  /// True if a finding is about the file (relative to the table), or about another that contradicts
  /// it.
  static bool IsReported(const VerifyReport& report, const std::string& file) {
    for (const VerifyFinding& finding : report.findings) {
      if (finding.file == file || finding.other_file == file) return true;
    }
    return false;
  }

  /// Paths relative to the table.
  std::vector<std::string> FilesOf(const std::string& folder, const std::string& ending) {
    std::vector<std::string> files;
    for (const std::string& path : FilesEndingIn(storage::JoinPath(kTable, folder), ending)) {
      files.push_back(path.substr(std::string(kTable).size() + 1));
      if (files.back().starts_with("./")) files.back().erase(0, 2);
    }
    return files;
  }

  std::string Read(const std::string& file) { return ReadFile(storage::JoinPath(kTable, file)); }
  void Write(const std::string& file, const std::string& bytes) {
    WriteFile(storage::JoinPath(kTable, file), bytes);
  }
  void FlipByte(const std::string& file, size_t offset) {
    std::string bytes = Read(file);
    ASSERT_LT(offset, bytes.size());
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x20);
    Write(file, bytes);
  }

  storage::TableState LoadTable() {
    return storage::TableLog::Make(files_, kTable, {})->Load().value();
  }

  /// The part that a commit of Fill added.
  std::string PartOfVersion(int64_t version) {
    const std::string text = ReadFile(storage::CommitPath(kTable, version));
    return storage::DecodeCommit(text, "commit").value().commit.added.at(0).path;
  }

  /// Rows of two dimensions for a part made by hand, of the collection that Create makes.
  struct HandMadeRows {
    std::vector<float> floats;
    parquet::PartRows rows;
    std::vector<std::string> payload_keys;
  };
  static HandMadeRows MakeRows(const std::vector<std::string>& ids) {
    HandMadeRows made;
    made.floats.resize(2 * ids.size(), 1.5F);
    for (const Field& field : Schema().fields) made.rows.fields.emplace_back(field.type);
    for (size_t i = 0; i < ids.size(); ++i) {
      made.rows.ids.Append(ids[i]);
      made.rows.timestamps.push_back(1'700'000'000'000'000);
      made.rows.ingested_at.push_back(1'700'000'000'000'000);
      made.rows.expires_at.AppendNull();
      made.rows.payload.AppendNull();
      for (auto& field : made.rows.fields) field.AppendNull();
      made.rows.vectors.push_back(reinterpret_cast<const std::byte*>(made.floats.data() + 2 * i));
    }
    return made;
  }

  /// Write a part as a flush would, without its sidecar, and commit it. `change` may spoil what the
  /// table log says of it. Returns its name.
  std::string AddPart(const HandMadeRows& made,
                      const std::function<void(storage::AddedFile&)>& change = nullptr) {
    const std::string name = storage::PartName(MakeUuid());
    const std::string path = storage::DataFilePath(kTable, name);
    auto file = files_.CreateFile(path).value();
    auto writer = parquet::PartWriter::Make(*file, Schema(), {}).value();
    EXPECT_OK(writer->Append(made.rows));
    const Value::List keys(made.payload_keys.begin(), made.payload_keys.end());
    const auto summary = writer->Finish({{std::string(kPartKey), name},
                                         {"viper.dim", "2"},
                                         {"viper.metric", "l2"},
                                         {std::string(kPayloadKeysKey), Value(keys).ToJson()}});
    EXPECT_OK(summary);
    storage::AddedFile added;
    added.path = name;
    added.size = summary->file_bytes;
    added.stats_json = MakeStatistics(*summary, Schema());
    const auto mapped = files_.Map(path).value();
    added.tags[std::string(kFooterCrcTag)] =
        fmt::format("{:08x}", storage::FingerprintPart(mapped->bytes()).footer_crc);
    if (change) change(added);
    storage::TableCommit commit;
    commit.operation = "WRITE";
    commit.added = {added};
    EXPECT_OK(storage::TableLog::Make(files_, kTable, {})
                  ->Commit(LoadTable().version + 1, commit, 1'700'000'000'000));
    return name;
  }

  /// What is wrong with the table after that part was added, its sidecar apart.
  std::string FindingsAbout(const std::string& name) {
    std::vector<VerifyFinding> about;
    for (const VerifyFinding& finding : Verify().findings) {
      if (finding.file == name) about.push_back(finding);
    }
    return TextOf(about);
  }
};

}  // namespace viper::core
