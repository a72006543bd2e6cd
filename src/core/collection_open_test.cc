#include <functional>

#include "core/collection_fixture.h"
#include "testing/hooked_file_system.h"

namespace viper::core {
namespace {

class CollectionOpenTest : public CollectionFixture {
 protected:
  void WriteTwo() {
    Create();
    ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->Upsert(At("b", 1, 1)));
  }
};

TEST_F(CollectionOpenTest, ReplaysTheLog) {
  WriteTwo();
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().replayed_records, 1u);
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "b"}));
}

/// A reader beside the writer, which goes on at the worst moment.
class ReaderBesideWriterTest : public CollectionOpenTest {
 protected:
  void OpenReader() {
    EngineOptions reading = options_;
    reading.read_only = true;
    reading.file_system = &hooked_;
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
    auto opened = engine.OpenCollection("docs");
    ASSERT_OK(opened);
    reader_ = *opened;
  }
  /// Once, before the reader lists the log.
  void BeforeTheLogIsListed(std::function<void()> happens) {
    hooked_.before_list = [this, happens](const std::string& directory) {
      if (!directory.ends_with("_viper/wal") || did_happen_) return;
      did_happen_ = true;
      happens();
    };
  }

  HookedFileSystem hooked_{files_};
  bool did_happen_ = false;
  std::shared_ptr<Collection> reader_;
};

TEST_F(ReaderBesideWriterTest, SeesNoTableWithoutItsLog) {
  WriteTwo();
  OpenReader();
  ASSERT_EQ(reader_->Count().value(), 2u);
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
  BeforeTheLogIsListed([&] {
    EXPECT_EQ(reader_->Count().value(), 2u);
    EXPECT_OK(reader_->Get("b"));
  });
  ASSERT_OK(reader_->Refresh());
  EXPECT_TRUE(did_happen_);
  EXPECT_EQ(reader_->Count().value(), 2u);
  EXPECT_OK(reader_->Get("c"));
  // What cannot be read changes nothing of what is seen.
  ASSERT_OK(collection_->Upsert(At("d", 3, 3)));
  hooked_.open = [&](const std::string& path) -> HookedFileSystem::OpenedFile {
    if (path.find("_viper/wal/") != std::string::npos) return Status::IoError("not now");
    return files_.OpenForRead(path);
  };
  EXPECT_STATUS(kIoError, "not now", reader_->Refresh());
  EXPECT_EQ(reader_->Count().value(), 2u);
  EXPECT_OK(reader_->Get("c"));
}

TEST_F(ReaderBesideWriterTest, MissesNothingThatTheWriterMovesToTheTableMeanwhile) {
  WriteTwo();
  BeforeTheLogIsListed([&] {
    EXPECT_OK(collection_->Flush());
    collection_.reset();
  });
  OpenReader();
  EXPECT_TRUE(did_happen_);
  EXPECT_EQ(reader_->Count().value(), 2u);
}

TEST_F(ReaderBesideWriterTest, TakesALogThatGoesOnForNoDamage) {
  Create();
  // More than a segment of the log has.
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_OK(collection_->Upsert(At(id, 0, 0, {{"text", std::string(size_t{1} << 20, 'x')}})));
  }
  BeforeTheLogIsListed([&] {
    EXPECT_OK(collection_->Flush());
    EXPECT_OK(collection_->Upsert(At("d", 0, 0)));
  });
  OpenReader();
  EXPECT_TRUE(did_happen_);
  EXPECT_EQ(reader_->Count().value(), 4u);
  // Where the table did not move, records are missing.
  reader_.reset();
  collection_.reset();
  const auto segments = FilesEndingIn("/db/docs/_viper/wal", ".wal");
  ASSERT_FALSE(segments.empty());
  std::string bytes = ReadFile(segments.front());
  ASSERT_OK(files_.RemoveFile(segments.front()));
  WriteFile("/db/docs/_viper/wal/00000000000000000099.wal", bytes);
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
  EXPECT_STATUS(kCorruption, "no segment holds these records", engine.OpenCollection("docs"));
}

TEST_F(CollectionOpenTest, SweepsLeftovers) {
  WriteTwo();
  collection_.reset();
  const std::string orphan = "/db/docs/part-00000000-0000-4000-8000-000000000000.parquet";
  WriteFile(orphan, "x");
  WriteFile("/db/docs/_viper/tmp/x", "x");
  WriteFile("/db/docs/_viper/index/00000000-0000-4000-8000-000000000000.vidx", "x");
  WriteFile("/db/docs/part-00001-c000.snappy.parquet", "another writer's, perhaps on its way");
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().removed_files.size(), 3u);
  EXPECT_FALSE(files_.Exists(orphan).value());
  EXPECT_TRUE(files_.Exists("/db/docs/part-00001-c000.snappy.parquet").value());
}

TEST_F(CollectionOpenTest, NothingIsSweptWhileAPartIsMissing) {
  WriteTwo();
  collection_.reset();
  const std::string part = FilesEndingIn("/db/docs", ".parquet").front();
  const std::string other = "/db/docs/part-00000000-0000-4000-8000-000000000000.parquet";
  ASSERT_OK(files_.Rename(part, other));
  EXPECT_STATUS(kCorruption, "does not exist", Reopen());
  EXPECT_TRUE(files_.Exists(other).value());
  ASSERT_OK(files_.Rename(other, part));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "b"}));
}

TEST_F(CollectionOpenTest, DerivedFilesAreMadeAgain) {
  WriteTwo();
  collection_.reset();
  ASSERT_OK(files_.RemoveDirectoryTree("/db/docs/_viper/index"));
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().rebuilt_files.size(), 1u);
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "b"}));
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().rebuilt_files.size(), 0u);
  const std::string sidecar = FilesEndingIn("/db/docs/_viper/index", ".vidx").front();
  std::string bytes = ReadFile(sidecar);
  bytes[bytes.size() / 2] ^= 1;
  collection_.reset();
  WriteFile(sidecar, bytes);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().rebuilt_files, std::vector<std::string>{sidecar});
}

TEST_F(CollectionOpenTest, DamagedFloatsAreNamedByWhateverReadsThem) {
  Create();
  // More rows than the checksummed footer of a small part reaches over.
  std::vector<Record> records;
  for (int i = 0; i < 10'000; ++i) {
    records.push_back(At("id" + std::to_string(i), static_cast<float>(i), 123456.5F));
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  const std::string part = FilesEndingIn("/db/docs", ".parquet").front();
  const std::vector<float> first = {0, 123456.5F, 1, 123456.5F};
  std::string bytes = ReadFile(part);
  const size_t place =
      bytes.find(std::string(reinterpret_cast<const char*>(first.data()), 4 * sizeof(float)));
  ASSERT_NE(place, std::string::npos);
  bytes[place + 6] = static_cast<char>(bytes[place + 6] ^ 1);
  for (const bool keep_sidecar : {true, false}) {
    collection_.reset();
    WriteFile(part, bytes);
    if (!keep_sidecar) {
      ASSERT_OK(files_.RemoveDirectoryTree("/db/docs/_viper/index"));
    }
    const Status opened = Reopen();
    if (!keep_sidecar) {
      EXPECT_STATUS(kCorruption, "part-", opened);
      continue;
    }
    ASSERT_OK(opened);
    const std::vector<float> query = {5, 5};
    EXPECT_STATUS(kCorruption, "rows 0 to 9999", collection_->Search(query));
    EXPECT_STATUS(kCorruption, "rows 0 to 9999", collection_->Get("id7"));
    EXPECT_OK(collection_->Get("id7", {.vector = false, .metadata = true, .fields = {}}));
    SearchOptions of_one;
    of_one.filter = where::Field("category") == "none";
    EXPECT_OK(collection_->Search(query, of_one)) << "no row of the page takes part";
    // A rewrite does not give damaged floats a right checksum.
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3"}));
    EXPECT_STATUS(kCorruption, "rows 0 to 9999", collection_->Flush());
    EXPECT_EQ(Count(), 9'999u);
  }
}

TEST_F(CollectionOpenTest, EveryFlippedByteOfAPartIsNamedOrHarmless) {
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) {
    records.push_back(At("id" + std::to_string(i), static_cast<float>(i), 1, {{"year", i}}));
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  const std::string part = FilesEndingIn("/db/docs", ".parquet").front();
  const std::string good = ReadFile(part);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    collection_.reset();
    WriteFile(part, bad);
    Status opened = Reopen();
    if (!opened.ok()) {
      EXPECT_NE(opened.message().find("part-"), std::string::npos) << opened.ToString();
      continue;
    }
    ScrollOptions all;
    all.limit = 1000;
    all.projection.vector = true;
    auto page = collection_->Scroll(all);
    if (!page.ok()) continue;
    ASSERT_EQ(page->records.size(), records.size()) << "byte " << i;
    for (const Record& record : page->records) {
      ASSERT_EQ(record.id.substr(0, 2), "id") << "byte " << i;
      const auto number = std::stoul(record.id.substr(2));
      EXPECT_EQ(record.metadata, records[number].metadata) << "byte " << i;
      EXPECT_EQ(record.vector, records[number].vector) << "byte " << i;
    }
  }
}

TEST_F(CollectionOpenTest, ATableThatNamesAMissingFileIsRefused) {
  WriteTwo();
  collection_.reset();
  ASSERT_OK(files_.RemoveFile(FilesEndingIn("/db/docs", ".parquet").front()));
  EXPECT_STATUS(kCorruption, "does not exist", Reopen());
}

TEST_F(CollectionOpenTest, ATornLogTailIsCutAndReported) {
  WriteTwo();
  collection_.reset();
  const std::string segment = FilesEndingIn("/db/docs/_viper/wal", ".wal").front();
  std::string bytes = ReadFile(segment);
  // The last record ends at the last byte that is not zero.
  const size_t last = bytes.find_last_not_of('\0');
  bytes[last] = static_cast<char>(bytes[last] ^ 1);
  WriteFile(segment, bytes);
  ASSERT_OK(Reopen());
  EXPECT_GT(collection_->recovery().torn_bytes, 0u);
  EXPECT_NE(log_.find("torn"), std::string::npos);
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"a"});
}

TEST_F(CollectionOpenTest, C14_DamageBeforeTheTailIsRefusedUntilAccepted) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("to be damaged", 1, 1)));
  ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
  collection_.reset();
  const std::string segment = FilesEndingIn("/db/docs/_viper/wal", ".wal").front();
  std::string bytes = ReadFile(segment);
  const size_t place = bytes.find("to be damaged");
  ASSERT_NE(place, std::string::npos);
  bytes[place] = 'x';
  WriteFile(segment, bytes);
  Status refused = Reopen();
  EXPECT_STATUS(kCorruption, "2", refused);
  options_.accept_loss_from = 2;
  ASSERT_OK(Reopen()) << refused.ToString();
  EXPECT_EQ(collection_->recovery().lost_from, 2u);
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"a"});
}

TEST_F(CollectionOpenTest, ANewerProtocolIsRefusedByName) {
  WriteTwo();
  ASSERT_OK(collection_->Flush());
  const int64_t version = collection_->Statistics().table_version;
  collection_.reset();
  std::string name = std::to_string(version + 1);
  name = std::string(20 - name.size(), '0') + name;
  WriteFile("/db/docs/_delta_log/" + name + ".json",
            R"({"protocol":{"minReaderVersion":9,"minWriterVersion":9}})"
            "\n");
  EXPECT_STATUS(kUnsupported, "9", Reopen());
}

}  // namespace
}  // namespace viper::core
