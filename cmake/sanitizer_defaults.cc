// What the sanitizer runtimes read at start: linked into every executable of a sanitized build.
// The Arrow libraries come uninstrumented, so their inner synchronisation is invisible to the
// thread sanitizer.

extern "C" {

__attribute__((visibility("default"), used)) const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1:"
         "detect_leaks=1:"
         "allocator_may_return_null=1";
}

__attribute__((visibility("default"), used)) const char* __ubsan_default_options() {
  return "print_stacktrace=1:halt_on_error=1";
}

__attribute__((visibility("default"), used)) const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1";
}

__attribute__((visibility("default"), used)) const char* __tsan_default_suppressions() {
  return "called_from_lib:libarrow.so\n"
         "called_from_lib:libparquet.so\n"
         "race:^arrow::internal::\n"
         "race:^std::__future_base\n";
}

__attribute__((visibility("default"), used)) const char* __lsan_default_suppressions() {
  return "leak:libarrow.so\n"
         "leak:libparquet.so\n"
         "leak:libarrow_compute.so\n";
}
}
