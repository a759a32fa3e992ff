//! How one quantity grows with another.

/// The middle one of `values`; `NaN` of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The exponent `e` of the power law `y = c * x^e` that lies nearest to all `points`, by least squares of their
/// logarithms: 1 is linear growth. `NaN` with fewer than two.
pub(crate) fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean_x = logs.iter().map(|log| log.0).sum::<f64>() / n;
    let mean_y = logs.iter().map(|log| log.1).sum::<f64>() / n;
    let covariance: f64 = logs.iter().map(|log| (log.0 - mean_x) * (log.1 - mean_y)).sum();
    let variance: f64 = logs.iter().map(|log| (log.0 - mean_x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(of: fn(f64) -> f64, expected: f64) {
        let points: Vec<(f64, f64)> = [100.0, 1_000.0, 10_000.0].map(|x| (x, of(x))).to_vec();
        assert!((exponent(&points) - expected).abs() < 1e-9, "{}", exponent(&points));
    }

    #[test]
    fn power_laws_have_their_exponents() {
        check(|x| 3.0 * x, 1.0);
        check(|x| x * x, 2.0);
        check(|_| 7.0, 0.0);
        assert!(exponent(&[(100.0, 1.0)]).is_nan());
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
