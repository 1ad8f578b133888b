// A caching CPU allocator with exact counters. Fresh pages cost more than the arithmetic on them: glibc maps every large tensor
// anew, so a denoising step spends most of its elementwise time in page faults. Freed blocks are kept by size class and reused.
#include "fabula_torch.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <torch/csrc/api/include/torch/version.h>

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHeader = 64;  // keeps the block's class size; a whole cache line so that the data stay aligned

struct Pool {
    std::mutex mutex;
    std::unordered_map<size_t, std::vector<void*>> free;
    int64_t live = 0, peak = 0, held = 0;
};

Pool& pool() {
    static Pool* p = new Pool;  // never destroyed: tensors may outlive static destructors
    return *p;
}

// Size classes: 64-byte steps to 1 KiB, then 1/8 octaves, so that at most 12.5 % is lost above 1 KiB.
size_t size_class(size_t bytes) {
    if (bytes <= 1024) return (bytes + 63) & ~size_t(63);
    const int top = 63 - __builtin_clzll(bytes - 1);
    const size_t step = size_t(1) << (top - 3);
    return (bytes + step - 1) & ~(step - 1);
}

void* take(size_t bytes) {
    if (bytes == 0) return nullptr;
    if (bytes > (size_t(1) << 46)) throw std::bad_alloc();
    const size_t size = size_class(bytes);
    auto& p = pool();
    {
        std::lock_guard<std::mutex> lock(p.mutex);
        auto& list = p.free[size];
        p.live += static_cast<int64_t>(size);
        if (p.live > p.peak) p.peak = p.live;
        if (!list.empty()) {
            void* data = list.back();
            list.pop_back();
            return data;
        }
        p.held += static_cast<int64_t>(size);
    }
    void* block = nullptr;
    if (posix_memalign(&block, kAlignment, size + kHeader) != 0) {
        ft_trim();
        if (posix_memalign(&block, kAlignment, size + kHeader) != 0) {
            std::lock_guard<std::mutex> lock(p.mutex);
            p.live -= static_cast<int64_t>(size);
            p.held -= static_cast<int64_t>(size);
            TORCH_CHECK(false, "out of memory: ", bytes, " bytes asked for, ", p.live, " in use");
        }
    }
    *static_cast<size_t*>(block) = size;
    return static_cast<char*>(block) + kHeader;
}

void give_back(void* data) {
    if (!data) return;
    const size_t size = *reinterpret_cast<size_t*>(static_cast<char*>(data) - kHeader);
    auto& p = pool();
    std::lock_guard<std::mutex> lock(p.mutex);
    p.live -= static_cast<int64_t>(size);
    p.free[size].push_back(data);
}

struct CachingAllocator final : at::Allocator {
#if TORCH_VERSION_MAJOR >= 2
    at::DataPtr allocate(size_t bytes) override {
#else
    at::DataPtr allocate(size_t bytes) const override {
#endif
        void* data = take(bytes);
        return {data, data, &give_back, at::Device(at::DeviceType::CPU)};
    }
    at::DeleterFnPtr raw_deleter() const override { return &give_back; }
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    void copy_data(void* to, const void* from, std::size_t count) const override { std::memcpy(to, from, count); }
#endif
};

}  // namespace

extern "C" {

void ft_use_caching_allocator(void) {
    static CachingAllocator* allocator = new CachingAllocator;
    c10::SetCPUAllocator(allocator, /*priority=*/100);
    // oneDNN packs matrices into buffers from malloc at every product: keep their pages instead of returning them each time.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

void ft_memory(int64_t* live, int64_t* peak, int64_t* held) {
    auto& p = pool();
    std::lock_guard<std::mutex> lock(p.mutex);
    *live = p.live;
    *peak = p.peak;
    *held = p.held;
}

void ft_reset_peak(void) {
    auto& p = pool();
    std::lock_guard<std::mutex> lock(p.mutex);
    p.peak = p.live;
}

void ft_trim(void) {
    auto& p = pool();
    std::lock_guard<std::mutex> lock(p.mutex);
    for (auto& [size, list] : p.free) {
        for (void* data : list) free(static_cast<char*>(data) - kHeader);
        p.held -= static_cast<int64_t>(size * list.size());
        list.clear();
    }
}
}
