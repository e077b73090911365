//! Numbers from far below one to far above it: twelve decimal digits and a power of ten, in integers.

use std::fmt;

/// A number that is not negative: `digits` times ten to the `power`, with exactly twelve digits, or none at all.
///
/// Ordered as numbers are; the same on every machine, which a binary fraction of several sizes need not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number {
    digits: u64,
    power: i32,
}

const DIGITS: i32 = 12;
const LOW: u128 = 100_000_000_000;
const HIGH: u128 = LOW * 10;

impl Number {
    /// None.
    pub const ZERO: Number = Number { digits: 0, power: 0 };

    /// So many so-manieths; nothing of nothing.
    pub fn ratio(of: u128, to: u128) -> Number {
        if of == 0 || to == 0 {
            return Number::ZERO;
        }
        let (mut of, mut to, mut power) = (of, to, 0);
        while of / to < LOW {
            match of.checked_mul(10) {
                Some(more) => of = more,
                None => to = (to / 10).max(1),
            }
            power -= 1;
        }
        Number::of(of / to, power)
    }

    fn of(mut digits: u128, mut power: i32) -> Number {
        if digits == 0 {
            return Number::ZERO;
        }
        while digits >= HIGH {
            (digits, power) = (digits / 10, power.saturating_add(1));
        }
        while digits < LOW {
            (digits, power) = (digits * 10, power.saturating_sub(1));
        }
        Number { digits: digits as u64, power }
    }

    /// `31`, `0.25`: digits with a point at most, and no more than twelve of them on either side.
    pub fn parse(text: &str) -> Option<Number> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |text: &str| text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(part) || text.ends_with('.') {
            return None;
        }
        let all: u128 = format!("{whole}{part}").parse().ok()?;
        Some(Number::of(all, -(part.len() as i32)))
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Number) -> Number {
        Number::of(u128::from(self.digits) * u128::from(other.digits), self.power.saturating_add(other.power))
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Number) -> Number {
        let (big, small) = if self >= other { (self, other) } else { (other, self) };
        let apart = big.power.saturating_sub(small.power);
        if small.digits == 0 || apart > DIGITS {
            return big;
        }
        let scale = 10u128.pow(apart as u32);
        Number::of(u128::from(big.digits) * scale + u128::from(small.digits), small.power)
    }

    /// What is left, nothing if the other is more.
    #[must_use]
    pub fn minus(self, other: Number) -> Number {
        let apart = self.power.saturating_sub(other.power);
        if self <= other {
            return Number::ZERO;
        }
        if other.digits == 0 || apart > DIGITS {
            return self;
        }
        let scale = 10u128.pow(apart as u32);
        Number::of(u128::from(self.digits) * scale - u128::from(other.digits), other.power)
    }

    /// This, so often multiplied with itself; one for none.
    #[must_use]
    pub fn to_the(self, times: u32) -> Number {
        (0..times).fold(Number::ratio(1, 1), |product, _| product.times(self))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// How many times the other it is; `None` where that is nothing, and this is not.
    pub fn over(self, other: Number) -> Option<Number> {
        match (self.is_zero(), other.is_zero()) {
            (true, _) => Some(Number::ZERO),
            (_, true) => None,
            _ => {
                let quotient = Number::ratio(self.digits.into(), other.digits.into());
                let power = self.power.saturating_sub(other.power);
                Some(Number { power: quotient.power.saturating_add(power), ..quotient })
            }
        }
    }

    /// The decimal logarithm in thousandths, rounded down; `None` of nothing.
    pub fn log_milli(self) -> Option<i64> {
        // log x = log(x^1000) / 1000, and the whole part of a logarithm is where the point stands.
        let digits = Number { digits: self.digits, power: -(DIGITS - 1) }.to_the(1000);
        (!self.is_zero()).then(|| i64::from(self.magnitude()) * 1000 + i64::from(digits.magnitude()))
    }

    /// The power of ten of its first digit.
    fn magnitude(self) -> i32 {
        self.power.saturating_add(DIGITS - 1)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> std::cmp::Ordering {
        let key = |one: &Number| (one.digits != 0, one.power, one.digits);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Three digits: `0.0315`, `1.00`, `1095`, and `3.15e-8` where that is shorter. Numbers that are whole have no
/// decimals.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.pad("0");
        }
        let plain = (-4..7).contains(&self.magnitude());
        // Behind the first digit two more; a plain number keeps those before its point.
        let kept = if plain { self.magnitude().max(2) + 1 } else { 3 };
        let unit = 10u128.pow((DIGITS - kept) as u32);
        let rounded = Number::of((u128::from(self.digits) + unit / 2) / unit * unit, self.power);
        let magnitude = rounded.magnitude();
        let digits = rounded.digits.to_string();
        let text = match magnitude {
            _ if !plain => format!("{}.{}e{magnitude}", &digits[..1], &digits[1..3]),
            0.. => {
                let (whole, part) = digits.split_at(magnitude as usize + 1);
                let part = &part[..2usize.saturating_sub(magnitude as usize)];
                match part.bytes().all(|b| b == b'0') {
                    true => whole.to_owned(),
                    false => format!("{whole}.{part}"),
                }
            }
            _ => format!("0.{}{}", "0".repeat((-magnitude - 1) as usize), &digits[..3]),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn arithmetic_is_that_of_numbers() {
        assert_eq!(n("0.001").to_the(3).times(n("31536000")).to_string(), "0.0315");
        assert_eq!(n("1.5").plus(n("0.25")), n("1.75"));
        assert_eq!(n("1000").minus(n("0.5")), n("999.5"));
        assert_eq!(n("2").minus(n("3")), Number::ZERO);
        assert_eq!(n("7").over(n("2")), Some(n("3.5")));
        assert_eq!(n("7").over(Number::ZERO), None);
        assert_eq!(Number::ratio(u128::MAX, 3).to_string(), "1.13e38");
        assert_eq!(n("0.001").to_the(100).to_string(), "1.00e-300");
        assert!(Number::ZERO < n("0.000001") && n("0.9") < n("1") && n("2") < n("10"));
    }

    #[test]
    fn three_digits_are_printed() {
        for (text, printed) in [
            ("0", "0"),
            ("1", "1"),
            ("0.25", "0.250"),
            ("1.05", "1.05"),
            ("9.999", "10"),
            ("12.34", "12.3"),
            ("1095", "1095"),
            ("31536000", "3.15e7"),
            ("0.000001", "1.00e-6"),
            ("0.0999999", "0.100"),
            ("999.6", "1000"),
        ] {
            assert_eq!(n(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn logarithms_are_in_thousandths() {
        for (text, log) in [("1", 0), ("2", 301), ("1000", 3000), ("0.05", -1302), ("9.99", 999)] {
            assert_eq!(n(text).log_milli(), Some(log), "{text}");
        }
        assert_eq!(Number::ZERO.log_milli(), None);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "1.", ".5", "-1", "1e3", "1 0", "9999999999999"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
