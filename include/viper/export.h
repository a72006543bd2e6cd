#pragma once

/// @file
/// Marks what the shared library shows. Everything else in it is hidden.

#if defined(_WIN32)
#if defined(VIPER_BUILDING_LIBRARY)
#define VIPER_EXPORT __declspec(dllexport)
#else
#define VIPER_EXPORT __declspec(dllimport)
#endif
#define VIPER_EXPORT_NODISCARD [[nodiscard]] VIPER_EXPORT
#else
/// Put before a class or function that users of the library may call:
/// `class VIPER_EXPORT Engine { ... };`, `VIPER_EXPORT Status Frob();`.
#define VIPER_EXPORT __attribute__((visibility("default")))
/// The same for a class whose values must not be ignored: `class VIPER_EXPORT_NODISCARD Status
/// {...};`. One macro, because GCC 12 refuses [[nodiscard]] beside the other spelling of
/// attributes.
#define VIPER_EXPORT_NODISCARD [[nodiscard, gnu::visibility("default")]]
#endif
