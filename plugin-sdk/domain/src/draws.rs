//! Random draws for tests of fits: the same ones on every machine. A guest has no use for them.

/// Draws from a counter.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// Draws that differ by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// Even in (0, 1): the mixer of splitmix64.
    pub fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON / 4.0
    }

    /// Time to the next of events that come at `rate`.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -libm::log(self.even()) / rate
    }

    /// Normal with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * libm::log(self.even())).sqrt() * libm::cos(std::f64::consts::TAU * self.even())
    }

    /// Gamma with scale 1: Marsaglia and Tsang, with the boost for shapes below 1.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * libm::pow(self.even(), 1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = 1.0 + x / (9.0 * d).sqrt();
            let v = v * v * v;
            if v > 0.0 && libm::log(self.even()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Beta with shapes `a` and `b`.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (left, right) = (self.gamma(a), self.gamma(b));
        left / (left + right)
    }
}

/// Mean and deviation of values.
#[must_use]
pub fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_of_their_laws() {
        let mut draws = Draws::new(1);
        let mut of = |draw: &mut dyn FnMut(&mut Draws) -> f64| {
            spread(&(0..40_000).map(|_| draw(&mut draws)).collect::<Vec<_>>())
        };
        let near = |(mean, deviation): (f64, f64), want: (f64, f64)| {
            assert!((mean - want.0).abs() < 0.02 * want.1.max(1.0), "{mean} {want:?}");
            assert!((deviation / want.1 - 1.0).abs() < 0.03, "{deviation} {want:?}");
        };
        near(of(&mut Draws::even), (0.5, (1.0_f64 / 12.0).sqrt()));
        near(of(&mut |draws| draws.exponential(2.0)), (0.5, 0.5));
        near(of(&mut Draws::normal), (0.0, 1.0));
        near(of(&mut |draws| draws.gamma(0.4)), (0.4, 0.4_f64.sqrt()));
        near(of(&mut |draws| draws.gamma(6.0)), (6.0, 6.0_f64.sqrt()));
        // Beta(2, 3): mean 2/5, variance 6 / (25 * 6).
        near(of(&mut |draws| draws.beta(2.0, 3.0)), (0.4, 0.2));
    }
}
