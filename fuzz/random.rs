//! Random numbers that are the same on every run.

/// Knuth's MMIX generator, with its seed.
pub struct Random(pub u64);

impl Random {
    /// A number below a limit, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }
}
