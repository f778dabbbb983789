//! The variants of an enum, which `strum` lists, as a constant array.

/// Converts the slice of [`strum::VariantArray`] to an array, whose length is that of [`strum::EnumCount`].
pub(crate) const fn array<T: Copy, const COUNT: usize>(variants: &[T]) -> [T; COUNT] {
    match variants.first_chunk() {
        Some(all) => *all,
        None => unreachable!(),
    }
}
