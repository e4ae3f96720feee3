//! What a Parquet file says of its own length, before a library believes it.
//!
//! The library makes room for a list of as many elements as the footer announces, and where there is no such room the
//! process ends. So the footer is walked first: it is a struct in Thrift's compact protocol (apache/thrift,
//! `thrift-compact-protocol.md`), in which each element takes a byte at least.

/// Structs in structs that are followed; a footer of ours has five.
const DEPTH: u32 = 32;

/// Whether every list of the footer fits into it. A file without a footer holds none that does not.
pub(super) fn fits(file: &[u8]) -> bool {
    let Some((rest, &[a, b, c, d, b'P', b'A', b'R', b'1'])) = file.split_last_chunk::<8>() else {
        return true;
    };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let Some(start) = rest.len().checked_sub(length) else {
        return true;
    };
    Walk(&rest[start..]).structure(DEPTH).is_some()
}

/// The bytes that are left; `None` where something is longer than they are, or no Thrift.
struct Walk<'b>(&'b [u8]);

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.0 = self.0.get(length..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn structure(&mut self, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            if header >> 4 == 0 {
                self.number()?;
            }
            match header & 0x0f {
                // Truth stands in the header.
                1 | 2 => {}
                kind => self.value(kind, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(usize::try_from(length).ok()?)
            }
            9 | 10 => {
                let header = self.byte()?;
                let length = match header >> 4 {
                    15 => self.number()?,
                    length => u64::from(length),
                };
                self.elements(length, &[header & 0x0f], depth)
            }
            11 => match self.number()? {
                0 => Some(()),
                length => {
                    let kinds = self.byte()?;
                    self.elements(length, &[kinds >> 4, kinds & 0x0f], depth)
                }
            },
            12 => self.structure(depth),
            13 => self.skip(16),
            _ => None,
        }
    }

    fn elements(&mut self, length: u64, kinds: &[u8], depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if length > self.0.len() as u64 {
            return None;
        }
        for _ in 0..length {
            for kind in kinds {
                self.value(*kind, depth)?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
