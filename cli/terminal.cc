#include "terminal.h"

#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <cwchar>

#include <sys/ioctl.h>
#include <unistd.h>

namespace viper::cli {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

struct Character {
  char32_t code = kReplacement;
  size_t bytes = 1;
};

// The character at the front; a byte that begins none is one replacement character.
Character Decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t code = lead & (0x7FU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    code = (code << 6) | (next & 0x3F);
  }
  return {code, bytes};
}

bool IsControl(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// Line and paragraph separators, and the marks that turn the direction of what follows.
bool IsLayoutControl(char32_t code) {
  return (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t WidthOf(char32_t code) {
  // The widths of the C library need a UTF-8 locale, whatever the user's one is.
  static const bool has_locale = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  if (!has_locale) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(code));
  return width < 0 ? 1 : static_cast<size_t>(width);
}

}  // namespace

bool IsTerminal(std::FILE* stream) { return ::isatty(::fileno(stream)) != 0; }

size_t TerminalWidth() {
  if (!IsTerminal(stdout)) return 0;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const Character character = Decode(text);
    if (IsControl(character.code) || IsLayoutControl(character.code) ||
        character.code == kReplacement) {
      printable += kReplacementText;
    } else {
      printable += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return printable;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Character character = Decode(text);
    width += WidthOf(character.code);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string Clip(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  if (width == 0) return {};
  size_t kept = 0;
  size_t used = 0;
  while (kept < text.size()) {
    const Character character = Decode(std::string_view(text).substr(kept));
    const size_t next = used + WidthOf(character.code);
    if (next > width - 1) break;  // the ellipsis takes a column
    used = next;
    kept += character.bytes;
  }
  return text.substr(0, kept).append(kEllipsis);
}

}  // namespace viper::cli
