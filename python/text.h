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

/// The int that an integer is, also one of NumPy. Not valid for a bool and for what is none.
nanobind::object IntOf(nanobind::handle object);

/// What str() makes of an object.
std::string Print(nanobind::handle object);

/// The text of an id: a str as it is, an integer (also NumPy's) in decimal digits.
std::string IdOf(nanobind::handle id);
/// A list, tuple, array or other iterable. Raises WrongType, naming `what`, for what is none, and
/// for a lone text or bytes: iterating those would make an element of each letter or byte.
nanobind::iterable ListOf(nanobind::handle objects, const char* what);
/// A list of texts. Raises WrongType, naming `what`.
std::vector<std::string> TextsOf(nanobind::handle texts, const char* what);

/// A path given as text, bytes or os.PathLike, as the system has it; and back. Raises WrongType,
/// naming `what`.
std::string PathOf(nanobind::handle path, const char* what);
nanobind::object FromPath(std::string_view path);

/// The texts of a list, tuple, array or other iterable of ids.
std::vector<std::string> IdsOf(nanobind::handle ids);

}  // namespace viper::python
