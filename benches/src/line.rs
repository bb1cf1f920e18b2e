//! The lines that programs write: each tells who wrote it and where it belongs, so that one that is
//! lost, doubled, torn or out of order is seen.

/// How long a line is, with the newline at its end.
pub const BYTES: usize = 64;
/// Where the number of the line stands.
const NUMBER: std::ops::Range<usize> = 9..25;

/// A whole number of lines, the first of which has this number.
#[must_use]
pub fn block(writer: u32, bytes: usize) -> Vec<u8> {
    let line = format!("{writer:08x} {:016x} {:<37}\n", 0, "what a program says");
    line.into_bytes().repeat(bytes.div_ceil(BYTES))
}

/// Numbers the lines of a block anew, and says which number the line after it has.
pub fn number(block: &mut [u8], first: u64) -> u64 {
    let mut next = first;
    for line in block.chunks_exact_mut(BYTES) {
        for (digit, place) in line[NUMBER].iter_mut().rev().zip(0..) {
            *digit = b"0123456789abcdef"[(next >> (4 * place) & 15) as usize];
        }
        next += 1;
    }
    next
}

/// The writer and the number of a line; nothing if it is not whole.
#[must_use]
pub fn parse(line: &[u8]) -> Option<(u32, u64)> {
    let text = std::str::from_utf8(line).ok()?;
    if text.len() != BYTES || !text.ends_with('\n') {
        return None;
    }
    let writer = u32::from_str_radix(text.get(..8)?, 16).ok()?;
    let number = u64::from_str_radix(text.get(NUMBER)?, 16).ok()?;
    Some((writer, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_block_has_its_own_number() {
        let mut two = block(0x2a, 2 * BYTES);
        assert_eq!(number(&mut two, 0xffff), 0x1_0001);
        let lines: Vec<_> = two.chunks(BYTES).map(parse).collect();
        assert_eq!(lines, [Some((0x2a, 0xffff)), Some((0x2a, 0x1_0000))]);
    }

    #[test]
    fn a_torn_line_is_none() {
        assert_eq!(parse(&block(1, BYTES)[1..]), None);
    }
}
