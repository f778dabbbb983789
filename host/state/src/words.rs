//! What `strum` lists of an enum, as a constant array.

/// Returns the variants that [`strum::VariantArray`] lists as an array, whose length is [`strum::EnumCount`].
pub(crate) const fn array<T: Copy, const COUNT: usize>(variants: &[T]) -> [T; COUNT] {
    match variants.first_chunk() {
        Some(all) => *all,
        None => unreachable!(),
    }
}
