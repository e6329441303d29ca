//! How the allocator of the process is set up.

/// From this size on a block is a mapping of its own, and goes back to the system when it is freed.
const MAPPED_BYTES: i32 = 4 << 20;

/// glibc raises its own bound to the largest block that was freed: tables of state that grow and go would stay in its heap.
#[napi_derive::module_init]
fn map_large_blocks() {
    // SAFETY: `mallopt` takes plain numbers and may be called at any time.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES) };
}
