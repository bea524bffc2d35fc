//! Gamma-function family and the one hypergeometric sum that the models need, in plain `f64`.
//!
//! Each is many times the cost of a call: inlined they would be larger, not faster.

/// Returns the natural logarithm, the same in all crates of a guest: there is one copy of it.
#[must_use]
#[inline(never)]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Below this argument the recurrence shifts upwards, so that the asymptotic series is exact to rounding.
const SHIFT_MIN: f64 = 10.0;
/// Terms after which the hypergeometric sum gives up; at ratio 0.999 the terms are then below 1e-17.
const TERMS_MAX: u32 = 50_000;

/// Returns the natural logarithm of the gamma function for `x > 0`.
///
/// Stirling's series after an upward shift; absolute error about 1e-14 around 1.
#[must_use]
#[inline(never)]
pub fn ln_gamma(x: f64) -> f64 {
    let mut product = 1.0;
    let mut y = x;
    while y < SHIFT_MIN {
        product *= y;
        y += 1.0;
    }
    let inverse = 1.0 / y;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            + square
                * (-1.0 / 360.0
                    + square
                        * (1.0 / 1260.0
                            + square
                                * (-1.0 / 1680.0
                                    + square * (1.0 / 1188.0 + square * (-691.0 / 360_360.0))))));
    (y - 0.5) * ln(y) - y + 0.918_938_533_204_672_7 + series - ln(product)
}

/// Returns the derivative of [`ln_gamma`] for `x > 0`.
#[must_use]
#[inline(never)]
pub fn digamma(x: f64) -> f64 {
    let mut shifted = 0.0;
    let mut y = x;
    while y < SHIFT_MIN {
        shifted += 1.0 / y;
        y += 1.0;
    }
    let inverse = 1.0 / y;
    let square = inverse * inverse;
    let series = square
        * (1.0 / 12.0
            + square
                * (-1.0 / 120.0
                    + square
                        * (1.0 / 252.0
                            + square
                                * (-1.0 / 240.0
                                    + square * (1.0 / 132.0 + square * (-691.0 / 32_760.0))))));
    ln(y) - 0.5 * inverse - series - shifted
}

/// Returns `(2F1(a, b; c; z) - 1) / b` for `c > 0` and `0 <= z < 1`.
///
/// Leaving out the first term and dividing by `b` keeps the value exact where `b` is near 0, which is
/// where the plain function would cancel.
#[must_use]
#[inline(never)]
pub fn hypergeometric_tail(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let mut term = a / c * z;
    let mut sum = term;
    for step in 1..TERMS_MAX {
        let n = f64::from(step);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-17 * sum.abs() {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, error: f64) {
        assert!((got - want).abs() <= error, "{got} is not {want}");
    }

    #[test]
    fn ln_gamma_meets_published_values() {
        for (x, want) in [
            (0.001, 6.907_178_885_383_854),
            (0.5, 0.572_364_942_924_700_1),
            (1.0, 0.0),
            (2.0, 0.0),
            (3.0, std::f64::consts::LN_2),
            (10.0, 12.801_827_480_081_469),
            (100.0, 359.134_205_369_575_4),
            (1e6, 12_815_504.569_147_902),
        ] {
            near(ln_gamma(x), want, 4e-14 * want.abs().max(1.0));
        }
    }

    #[test]
    fn digamma_meets_published_values() {
        for (x, want) in [
            (1.0, -0.577_215_664_901_532_9),
            (0.5, -1.963_510_026_021_423_5),
            (2.0, 0.422_784_335_098_467_1),
            (10.0, 2.251_752_589_066_721),
            (0.01, -100.560_885_457_868_67),
        ] {
            near(digamma(x), want, 4e-14 * want.abs().max(1.0));
        }
    }

    #[test]
    fn hypergeometric_tail_meets_closed_forms() {
        // 2F1(1, 1; 2; z) = -ln(1 - z) / z and 2F1(a, b; b; z) = (1 - z)^-a.
        for z in [0.1_f64, 0.5, 0.9, 0.99] {
            near(1.0 + hypergeometric_tail(1.0, 1.0, 2.0, z), -(1.0 - z).ln() / z, 1e-12);
            near(1.0 + 3.0 * hypergeometric_tail(0.25, 3.0, 3.0, z), (1.0 - z).powf(-0.25), 1e-12);
        }
        // 2F1(1/2, 1; 3/2; z^2) = artanh(z) / z.
        near(1.0 + hypergeometric_tail(0.5, 1.0, 1.5, 0.25), 0.5_f64.atanh() / 0.5, 1e-14);
        // b = 0: the limit of (2F1 - 1) / b for a = c is -ln(1 - z).
        near(hypergeometric_tail(2.0, 0.0, 2.0, 0.5), std::f64::consts::LN_2, 1e-15);
    }
}
