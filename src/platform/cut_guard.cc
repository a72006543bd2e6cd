#include "platform/cut_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>

#include "base/assert.h"

namespace viper {

/// Covers nothing while `end` is 0. Written by who has taken it, read by the handler, which may run
/// at any moment on any thread: the range is what was between two equal readings of `end`.
struct CutGuard::Range {
  std::atomic<uintptr_t> begin = 0;
  std::atomic<uintptr_t> end = 0;
  std::atomic<bool> is_cut = false;
  std::atomic<bool> is_taken = false;
  /// Does not change once the range can be found.
  Range* next = nullptr;
};

namespace {

using Range = CutGuard::Range;

static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler must not wait");

/// All ranges there ever were, for the handler. They are never freed.
std::atomic<Range*> g_first_range = nullptr;
struct sigaction g_previous = {};

uintptr_t PageBytes() {
  static const auto bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Put zeros in place of what is left of a guarded range from this address on. Only what may be
/// called in a signal handler: mmap is a bare system call wherever we run.
bool FillFrom(uintptr_t address) {
  for (Range* range = g_first_range.load(std::memory_order_acquire); range != nullptr;
       range = range->next) {
    const uintptr_t end = range->end.load(std::memory_order_acquire);
    const uintptr_t begin = range->begin.load(std::memory_order_acquire);
    if (address < begin || address >= end || range->end.load(std::memory_order_acquire) != end) {
      continue;
    }
    const uintptr_t page = address & ~(PageBytes() - 1);
    // First: nobody may see a zero before.
    range->is_cut.store(true, std::memory_order_seq_cst);
    return mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,  // NOLINT: an address
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }
  return false;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // Other codes tell of broken memory, or of a signal that was sent.
  const bool is_filled =
      info->si_code == BUS_ADRERR && FillFrom(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (is_filled) return;
  if ((g_previous.sa_flags & SA_SIGINFO) != 0) {
    g_previous.sa_sigaction(signal, info, context);
  } else if (g_previous.sa_handler != SIG_DFL && g_previous.sa_handler != SIG_IGN) {
    g_previous.sa_handler(signal);
  } else {
    // What raised it does so again when this returns, or is raised here, and ends the process.
    (void)sigaction(SIGBUS, &g_previous, nullptr);
    if (info->si_code <= 0) (void)raise(signal);
  }
}

void InstallHandler() {
  (void)PageBytes();
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  // It cannot fail: the signal is one that may be caught.
  VIPER_ASSERT(sigaction(SIGBUS, nullptr, &g_previous) == 0);
  VIPER_ASSERT(sigaction(SIGBUS, &action, nullptr) == 0);
}

/// One that nobody has, or a new one. Without a lock, which a thread may hold that a fork leaves
/// behind.
Range* TakeRange() {
  for (Range* range = g_first_range.load(std::memory_order_acquire); range != nullptr;
       range = range->next) {
    if (!range->is_taken.exchange(true, std::memory_order_acquire)) return range;
  }
  Range* const range = std::make_unique<Range>().release();
  range->is_taken = true;
  range->next = g_first_range.load(std::memory_order_relaxed);
  while (!g_first_range.compare_exchange_weak(range->next, range, std::memory_order_release)) {
  }
  return range;
}

}  // namespace

uint64_t CutGuard::ReadEnd() const {
  uint64_t end = 0;
  const size_t count = std::min(bytes_.size(), sizeof(end));
  if (count > 0) std::memcpy(&end, bytes_.data() + bytes_.size() - count, count);
  return end;
}

CutGuard::CutGuard(std::span<const std::byte> bytes)
    : bytes_(bytes), end_(ReadEnd()), range_(TakeRange()) {
  static std::once_flag installed;
  std::call_once(installed, InstallHandler);
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  range_->is_cut.store(false, std::memory_order_relaxed);
  range_->begin.store(begin, std::memory_order_release);
  range_->end.store(begin + bytes.size(), std::memory_order_release);
}

CutGuard::~CutGuard() {
  range_->end.store(0, std::memory_order_seq_cst);
  range_->is_taken.store(false, std::memory_order_release);
}

bool CutGuard::is_cut() const {
  return ReadEnd() != end_ || range_->is_cut.load(std::memory_order_acquire);
}

}  // namespace viper
