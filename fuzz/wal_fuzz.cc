// Replay of arbitrary logs. The input is a list of segments as raw bytes, or a script that writes
// real frames with right checksums in impossible orders and then damages them. Nothing may crash,
// no record may be visited that was not written under a valid checksum, numbers may not skip; and a
// log that was accepted can be gone on with.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "storage/file_names.h"
#include "storage/wal.h"
#include "storage/wal_format.h"
#include "testing/memory_file_system.h"

namespace {

using viper::storage::WalFrameCode;
using viper::storage::WalRecord;

constexpr uint64_t kSalt = 7;
constexpr const char* kDirectory = "/wal";
constexpr size_t kSegmentsMax = 8;

void Require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

struct Segment {
  uint64_t first_sequence = 0;
  std::vector<std::byte> bytes;
};

class Script {
 public:
  explicit Script(std::span<const std::byte> input) : input_(input) {}

  bool done() const { return input_.done(); }
  uint8_t Byte() { return input_.ReadU8().value_or(0); }
  std::span<const std::byte> Rest() { return *input_.ReadBytes(input_.remaining()); }

 private:
  viper::ByteReader input_;
};

class Log {
 public:
  // One segment whose frames are the raw input.
  void AddRaw(Script& script) {
    Start(1);
    const auto rest = script.Rest();
    segments_.back().bytes.insert(segments_.back().bytes.end(), rest.begin(), rest.end());
  }

  void AddScripted(Script& script) {
    Start(1);
    while (!script.done()) Step(script);
  }

  void Write(viper::FileSystem& file_system) const {
    Require(file_system.CreateDirectories(kDirectory).ok(), "directory");
    for (const Segment& segment : segments_) {
      const std::string path = viper::storage::JoinPath(
          kDirectory, viper::storage::WalSegmentName(segment.first_sequence));
      auto file = file_system.CreateFile(path);
      if (!file.ok()) continue;  // two of one name
      Require((*file)->Append(segment.bytes).ok(), "append");
    }
  }

  bool IsGenuine(const WalRecord& record) const {
    return genuine_.contains({record.sequence, std::string(viper::AsText(record.payload))});
  }

 private:
  void Start(uint64_t first_sequence) {
    const auto header = viper::storage::EncodeWalHeader(
        {.salt = kSalt + segments_.size(), .first_sequence = first_sequence, .segment_bytes = 0});
    Segment segment{.first_sequence = first_sequence, .bytes = {header.begin(), header.end()}};
    segment.bytes.resize(viper::storage::kWalFirstFrame);
    segments_.push_back(std::move(segment));
    next_ = first_sequence;
  }

  void Step(Script& script) {
    auto& bytes = segments_.back().bytes;
    switch (script.Byte() % 5) {
      case 0:
        if (segments_.size() < kSegmentsMax) Start(next_ + script.Byte() % 4);
        break;
      case 1: {
        const uint64_t sequence = next_ + script.Byte() % 3;
        const uint64_t behind = script.Byte() % 8;
        const std::string payload(script.Byte(), static_cast<char>('a' + sequence % 26));
        WalFrameCode(kSalt + segments_.size() - 1)
            .Append({.sequence = sequence,
                     .durable_sequence = sequence - std::min(sequence, behind),
                     .payload_bytes = static_cast<uint32_t>(payload.size())},
                    viper::AsBytes(payload), bytes);
        genuine_.insert({sequence, payload});
        next_ = sequence + 1;
        break;
      }
      case 2: {
        const size_t offset = script.Byte() + size_t{256} * script.Byte();
        const size_t begin = script.Byte() % 16 == 0 ? 0 : viper::storage::kWalFirstFrame;
        if (begin + offset < bytes.size()) bytes[begin + offset] ^= std::byte(script.Byte());
        break;
      }
      case 3:
        bytes.resize(bytes.size() + size_t{8} * script.Byte());
        break;
      case 4:
        bytes.resize(bytes.size() - std::min<size_t>(bytes.size(), script.Byte()));
        break;
    }
  }

  std::vector<Segment> segments_;
  uint64_t next_ = 1;
  std::set<std::pair<uint64_t, std::string>> genuine_;
};

// What was accepted once is accepted for ever, and new records follow.
void GoOn(viper::FileSystem& file_system, uint64_t after, uint64_t last) {
  auto writer = viper::storage::WalWriter::Open(
      file_system, kDirectory, last, {.segment_bytes_first = 8192, .segment_bytes_max = 8192});
  Require(writer.ok(), "an accepted log can be opened");
  const viper::storage::WalEntry entry{.type = 1, .payload = viper::AsBytes("new")};
  auto appended = (*writer)->Append(std::span(&entry, 1));
  Require(appended.ok() && *appended == last + 1, "the next number follows");
  std::string newest;
  const auto replay = viper::storage::ReplayWal(file_system, kDirectory, {.after_sequence = after},
                                                [&](const WalRecord& record) {
                                                  newest = viper::AsText(record.payload);
                                                  return viper::Status::Ok();
                                                });
  Require(replay.ok() && replay->last_sequence == last + 1, "the log goes on");
  Require(newest == "new", "the new record is the last");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Script script(std::as_bytes(std::span(data, size)));
  const bool is_raw = script.Byte() % 8 == 0;
  viper::storage::WalReplayOptions options;
  options.after_sequence = script.Byte() % 16;
  options.accept_loss_from = script.Byte() % 16;
  Log log;
  is_raw ? log.AddRaw(script) : log.AddScripted(script);
  viper::MemoryFileSystem file_system;
  log.Write(file_system);

  uint64_t expected = options.after_sequence + 1;
  const auto replay =
      viper::storage::ReplayWal(file_system, kDirectory, options, [&](const WalRecord& record) {
        Require(record.sequence == expected++, "numbers do not skip");
        Require(is_raw || log.IsGenuine(record), "only what was written is visited");
        return viper::Status::Ok();
      });
  if (!replay.ok()) return 0;
  Require(replay->last_sequence == expected - 1, "the last number is that of the last record");
  GoOn(file_system, options.after_sequence, replay->last_sequence);
  return 0;
}
