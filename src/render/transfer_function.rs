//! Transfer functions between light and encoded components (ITU-T H.273, 8.2), both 0 to 1.

/// A transfer function. PQ encodes light on the display, the others light in the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferFunction {
    /// ITU-R BT.709, BT.601 and BT.2020.
    Bt709,
    /// SMPTE ST 2084, of which 1 is 10000 cd/m².
    Pq,
    /// ARIB STD-B67 (ITU-R BT.2100).
    Hlg,
}

impl TransferFunction {
    /// From an encoded component to light.
    pub fn to_linear(self, encoded: f32) -> f32 {
        match self {
            Self::Bt709 if encoded < 4.5 * BETA => encoded / 4.5,
            Self::Bt709 => ((encoded + ALPHA - 1.0) / ALPHA).powf(1.0 / 0.45),
            Self::Pq => {
                let root = encoded.clamp(0.0, 1.0).powf(1.0 / PQ_M2);
                ((root - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * root)).powf(1.0 / PQ_M1)
            }
            Self::Hlg if encoded <= 0.5 => encoded.max(0.0).powi(2) / 3.0,
            Self::Hlg => (((encoded - HLG_C) / HLG_A).exp() + HLG_B) / 12.0,
        }
    }

    /// From light to an encoded component.
    pub fn encode(self, light: f32) -> f32 {
        match self {
            Self::Bt709 if light < BETA => light * 4.5,
            Self::Bt709 => ALPHA * light.powf(0.45) - (ALPHA - 1.0),
            Self::Pq => {
                let power = light.clamp(0.0, 1.0).powf(PQ_M1);
                ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
            }
            Self::Hlg if light <= 1.0 / 12.0 => (3.0 * light.max(0.0)).sqrt(),
            Self::Hlg => HLG_A * (12.0 * light - HLG_B).ln() + HLG_C,
        }
    }
}

const ALPHA: f32 = 1.099_296_8;
const BETA: f32 = 0.018_053_97;
const PQ_M1: f32 = 2610.0 / 16384.0;
const PQ_M2: f32 = 2523.0 / 32.0;
const PQ_C1: f32 = 3424.0 / 4096.0;
const PQ_C2: f32 = 2413.0 / 128.0;
const PQ_C3: f32 = 2392.0 / 128.0;
const HLG_A: f32 = 0.178_832_77;
const HLG_B: f32 = 0.284_668_92;
const HLG_C: f32 = 0.559_910_7;
