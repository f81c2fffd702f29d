//! Runs a kernel compiled for the vector instructions that the machine has.

/// A computation whose body is inlined into a function compiled for more instructions than the program's baseline.
pub(crate) trait Kernel {
    /// The body. Implementations are `#[inline(always)]`, or it would be compiled for the baseline after all.
    fn run(self);
}

/// Runs `kernel` with AVX2, FMA and what came with them (counting bits) where the machine has them.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the only requirement of `with_avx2` is that the machine has what `has_avx2` just asked for.
        #[allow(unsafe_code, reason = "calling a function compiled for detected instructions has no safe form")]
        return unsafe { with_avx2(kernel) };
    }
    kernel.run();
}

/// Runs `kernel` with AVX-512.
///
/// # Panics
/// Where the machine does not have it: [`has_avx512`].
pub(crate) fn dispatch_to_avx512<K: Kernel>(kernel: K) {
    assert!(has_avx512(), "a processor without AVX-512");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the only requirement of `with_avx512` is that the machine has what `has_avx512` just asked for.
    #[allow(unsafe_code, reason = "as above")]
    unsafe {
        with_avx512(kernel);
    }
    #[cfg(not(target_arch = "x86_64"))]
    kernel.run();
}

/// Whether the processor and the system have vectors of 512 bits.
pub(crate) fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return has_avx2() && std::arch::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma") && has!("bmi1") && has!("popcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,popcnt")]
fn with_avx2<K: Kernel>(kernel: K) {
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,bmi1,popcnt")]
fn with_avx512<K: Kernel>(kernel: K) {
    kernel.run();
}

/// Asks for the cache line of `slice[at]` before it is read; nothing where there is no such element.
#[inline(always)]
pub(crate) fn prefetch(slice: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = slice.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see and never faults, whatever the address; this one is
        // an element's, besides.
        #[allow(unsafe_code, reason = "the intrinsic takes a pointer, and has no safe form")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}
