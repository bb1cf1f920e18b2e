//! Cutting a stream into the pieces that it may come in.

/// Cuts `stream` into pieces whose lengths follow from `seed`: mostly a few bytes, sometimes many.
pub(crate) fn pieces(seed: u8, stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut random = u32::from(seed) + 1;
    let mut rest = stream;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, _, which, length] = random.to_be_bytes().map(usize::from);
        let length = if which < 32 { length * 16 } else { length % 9 } + 1;
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        Some(piece)
    })
}
