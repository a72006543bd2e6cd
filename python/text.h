#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <string_view>
#include <vector>

namespace viper::python {

/// The UTF-8 of a str, valid while the object lives. Raises UnicodeEncodeError (a ValueError) for
/// lone surrogates.
std::string_view TextOf(nanobind::handle text);
nanobind::object ToText(std::string_view text);

/// What str() makes of an object.
std::string Print(nanobind::handle object);

/// The text of an id: a str as it is, an integer (also NumPy's) in decimal digits.
std::string IdOf(nanobind::handle id);
/// The texts of a list, tuple, array or other iterable of ids. A lone str is refused: iterating it
/// would make an id of each letter.
std::vector<std::string> IdsOf(nanobind::handle ids);

}  // namespace viper::python
