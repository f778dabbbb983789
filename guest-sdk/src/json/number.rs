//! Numbers of JSON.

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A whole number that is not negative.
    Unsigned(u64),
    /// A negative whole number.
    Signed(i64),
    /// Any other number.
    Float(f64),
}

impl Number {
    /// Reads a number; `None` if it is too big for an `f64`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let whole = Self::whole(text);
        whole.or_else(|| float(text).map(Self::Float))
    }

    /// Reads a whole number of 64 bits.
    pub(super) fn whole(text: &str) -> Option<Self> {
        match text.strip_prefix('-') {
            None => text.parse().ok().map(Self::Unsigned),
            Some(digits) => 0_i64.checked_sub_unsigned(digits.parse().ok()?).map(Self::Signed),
        }
    }
}

/// The largest power of ten that an `f64` holds exactly.
const EXACT_POWER: i32 = 22;

/// Reads a floating point number. A number of at most 15 digits with an exponent of at most 22 is read exactly, and any other with
/// an error in its last digits, as by serde_json. The conversion of the standard library is always exact, and takes 15 KB.
#[inline(never)]
pub(super) fn float(text: &str) -> Option<f64> {
    let (mut significand, mut exponent, mut behind_the_point) = (0_u64, 0_i32, false);
    let end = text.bytes().position(|byte| byte | 32 == b'e').unwrap_or(text.len());
    for byte in text.bytes().take(end) {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => {
                let more = significand.checked_mul(10).and_then(|ten| ten.checked_add(u64::from(digit)));
                match more {
                    Some(more) => {
                        significand = more;
                        exponent -= i32::from(behind_the_point);
                    }
                    // Further digits are beyond what an `f64` holds.
                    None => exponent += i32::from(!behind_the_point),
                }
            }
            _ => behind_the_point |= byte == b'.',
        }
    }
    if let Some(power) = text.get(end + 1..) {
        let beyond = if power.starts_with('-') { i32::MIN } else { i32::MAX };
        exponent = exponent.saturating_add(power.parse().unwrap_or(beyond));
    }
    let mut value = significand as f64;
    // What is left of a significand after 400 powers is 0 or infinite.
    let mut powers = exponent.clamp(-400, 400);
    while powers != 0 {
        let step = powers.clamp(-EXACT_POWER, EXACT_POWER);
        let power = (0..step.abs()).fold(1.0, |power, _| power * 10.0);
        value = if step < 0 { value / power } else { value * power };
        powers -= step;
    }
    value.is_finite().then_some(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_sign_and_their_size() {
        for (text, number) in [
            ("0", Number::Unsigned(0)),
            ("18446744073709551615", Number::Unsigned(u64::MAX)),
            ("-9223372036854775808", Number::Signed(i64::MIN)),
            ("18446744073709551616", Number::Float(18_446_744_073_709_551_616.0)),
            ("0.1", Number::Float(0.1)),
            ("-1.5e3", Number::Float(-1500.0)),
            ("123456.789E+2", Number::Float(12_345_678.9)),
            ("1e-7", Number::Float(1e-7)),
            ("0e999999999999", Number::Float(0.0)),
            ("5e-999999999999", Number::Float(0.0)),
        ] {
            assert_eq!(Number::of(text), Some(number), "{text}");
        }
        assert_eq!(Number::of("1e309"), None);
        assert_eq!(Number::of("1e999999999999"), None);
        let long = float(&format!("0.{}", "3".repeat(1000))).expect("it is a number");
        assert!((long * 3.0 - 1.0).abs() < f64::EPSILON, "{long}");
    }

    #[test]
    fn what_is_not_read_exactly_is_wrong_in_its_last_digits_only() {
        for exact in
            [f64::MAX, f64::MIN_POSITIVE, 1.234_567_890_123_456_7e200, 9.876_543_210_987_654e-200, 0.1 + 0.2]
        {
            let read = float(&format!("{exact:e}")).expect("it is a number");
            assert!((read / exact - 1.0).abs() < 8.0 * f64::EPSILON, "{exact:e} is read as {read:e}");
        }
    }
}
