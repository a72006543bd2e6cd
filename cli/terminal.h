#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace viper::cli {

bool IsTerminal(std::FILE* stream);

/// Columns of the terminal that standard output is, or 0 if it is none (then nothing is clipped).
size_t TerminalWidth();

/// The text in one line and harmless: control characters, which could drive the terminal, and bytes
/// that are no UTF-8 become U+FFFD.
std::string Printable(std::string_view text);

/// Columns that printable text takes: two for wide characters, none for combining ones.
size_t DisplayWidth(std::string_view text);

/// The text, or as much of it as fits before an ellipsis, in at most `width` columns.
std::string Clip(const std::string& text, size_t width);

}  // namespace viper::cli
