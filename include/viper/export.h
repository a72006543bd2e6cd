#pragma once

/// @file
/// Marks what the shared library shows. Everything else in it is hidden.

#if defined(_WIN32)
#if defined(VIPER_BUILDING_LIBRARY)
#define VIPER_EXPORT __declspec(dllexport)
#else
#define VIPER_EXPORT __declspec(dllimport)
#endif
#else
/// Put before a class or function that users of the library may call:
/// `class VIPER_EXPORT Engine { ... };`, `VIPER_EXPORT Status Frob();`.
#define VIPER_EXPORT __attribute__((visibility("default")))
#endif
