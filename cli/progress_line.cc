#include "progress_line.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "number_text.h"
#include "terminal.h"

namespace viper::cli {
namespace {

constexpr size_t kBarWidth = 24;
constexpr std::chrono::milliseconds kRedrawInterval(100);
// Before that, the rate says nothing about the time left.
constexpr double kEstimateAfterSeconds = 1;

std::string BarText(double share) {
  const auto filled = static_cast<size_t>(share * kBarWidth);
  return fmt::format("[{}{}] {:3.0f} %", std::string(filled, '#'),
                     std::string(kBarWidth - filled, '-'), share * 100);
}

}  // namespace

ProgressLine::ProgressLine() : enabled_(IsTerminal(stderr)), begin_(Clock::now()) {}

void ProgressLine::Show(uint64_t rows, std::optional<double> share) {
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  if (!first_rows_.has_value()) {
    first_rows_ = rows;
    first_share_ = share;
    begin_ = now;
  }
  if (drawn_ && now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::string line;
  if (share.has_value()) line = BarText(std::clamp(*share, 0.0, 1.0)) + "  ";
  line += CountText(rows) + " rows";
  const uint64_t new_rows = rows - std::min(rows, *first_rows_);
  if (new_rows > 0 && seconds > 0) line += "  " + RateText(new_rows, seconds);
  if (share.has_value() && first_share_.has_value() && *share > *first_share_ &&
      seconds > kEstimateAfterSeconds) {
    const double left = seconds * (1 - *share) / (*share - *first_share_);
    line += fmt::format("  {:.0f} s left", std::max(left, 0.0));
  }
  std::fputs(("\r\x1b[K" + line).c_str(), stderr);  // back to the margin, and clear to the end
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::ShowBytes(uint64_t done, uint64_t total) {
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  if (drawn_ && now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const std::string bar = BarText(std::clamp(share, 0.0, 1.0));
  std::fputs(fmt::format("\r\x1b[K{}  {}", bar, BytesText(done)).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::Clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace viper::cli
