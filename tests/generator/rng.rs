//! Random numbers that are the same everywhere and for ever, so that the same seed gives the same bytes.

/// SplitMix64: one word of state, good enough for made-up trails.
#[derive(Clone)]
pub(crate) struct Rng(u64);

/// FNV-1a, to give every actor and every file a stream of its own.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Rng {
    /// A stream that depends on the seed and the name alone: one more actor does not shuffle the others.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        let mut rng = Self(seed ^ hash(name));
        rng.next();
        rng
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (0 when the bound is 0).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Appends `count` characters of `alphabet`.
    pub(crate) fn push(&mut self, out: &mut String, alphabet: &[u8], count: usize) {
        for _ in 0..count {
            out.push(alphabet[self.below(alphabet.len())] as char);
        }
    }

    /// `count` characters of `alphabet`.
    pub(crate) fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.push(&mut out, alphabet, count);
        out
    }

    /// `count` lower-case hexadecimal digits, sixteen to a draw.
    pub(crate) fn push_hex(&mut self, out: &mut String, count: usize) {
        let mut bits = 0;
        for i in 0..count {
            if i % 16 == 0 {
                bits = self.next();
            }
            out.push(HEX[(bits & 15) as usize] as char);
            bits >>= 4;
        }
    }

    /// A version 4 UUID.
    pub(crate) fn push_uuid(&mut self, out: &mut String) {
        self.push_hex(out, 8);
        out.push('-');
        self.push_hex(out, 4);
        out.push_str("-4");
        self.push_hex(out, 3);
        out.push('-');
        out.push(b"89ab"[self.below(4)] as char);
        self.push_hex(out, 3);
        out.push('-');
        self.push_hex(out, 12);
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let mut out = String::with_capacity(36);
        self.push_uuid(&mut out);
        out
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
/// What AWS makes ids and key ids of.
pub(crate) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What CloudTrail ends its file names with.
pub(crate) const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// An id of the right length and prefix that says that it is made up: `AROAEXAMPLE` and ten characters.
pub(crate) fn fake_id(prefix: &str, name: &str) -> String {
    format!("{prefix}EXAMPLE{}", Rng::named(0, name).text(UPPER, 10))
}

/// Zipf's law over `count` ranks: the first is drawn most, the second half as often, and so on.
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    pub(crate) fn new(count: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=count.max(1))
                .map(|rank| {
                    sum += (rank as f64).powf(-exponent);
                    sum
                })
                .collect(),
        )
    }

    /// A rank, from 0.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let point = rng.unit() * self.0[self.0.len() - 1];
        self.0.partition_point(|&sum| sum <= point).min(self.0.len() - 1)
    }
}
