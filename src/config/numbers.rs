//! Numbers as keepalived reads them: in integers, never by way of a float.

/// Why a word is no number, or not this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// A minus sign stands before it.
    Negative,
    /// Something else than digits is in it; the value of the digits before that.
    Invalid(u64),
    /// It is a number, outside the range.
    OutOfRange,
}

/// A whole number: leading zeros and a plus sign are accepted, units and anything else are not.
pub(super) fn integer(word: &str, min: u64, max: u64) -> Result<u64, NumberError> {
    let digits = unsigned(word)?;
    let end = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    let value =
        digits[..end].bytes().fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    if end < digits.len() || end == 0 {
        return Err(NumberError::Invalid(value));
    }
    if value < min || value > max { Err(NumberError::OutOfRange) } else { Ok(value) }
}

/// A whole number that may be negative.
pub(super) fn signed(word: &str, min: i16, max: i16) -> Result<i16, NumberError> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    if negative && digits.starts_with(['+', '-']) {
        return Err(NumberError::Invalid(0));
    }
    let size = integer(digits, 0, i16::MAX as u64)?;
    let size = i16::try_from(size).map_err(|_| NumberError::OutOfRange)?;
    let value = if negative { -size } else { size };
    if value < min || value > max { Err(NumberError::OutOfRange) } else { Ok(value) }
}

/// A decimal number in millionths; `.5` is accepted, further digits are cut.
pub(super) fn decimal(word: &str, min_micros: u64, max_micros: u64) -> Result<u64, NumberError> {
    let digits = unsigned(word)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || whole.len() + part.len() == 0 {
        return Err(NumberError::Invalid(0));
    }
    let whole = whole.bytes().fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    let millionths = part.bytes().chain(std::iter::repeat(b'0')).take(6);
    let part = millionths.fold(0u64, |n, b| n * 10 + u64::from(b - b'0'));
    let micros = whole.saturating_mul(1_000_000).saturating_add(part);
    if micros < min_micros || micros > max_micros { Err(NumberError::OutOfRange) } else { Ok(micros) }
}

fn unsigned(word: &str) -> Result<&str, NumberError> {
    if word.starts_with('-') {
        return Err(NumberError::Negative);
    }
    Ok(word.strip_prefix('+').unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_keepalived_reads_them() {
        for (word, value) in [
            ("0100", Ok(100)),
            ("+100", Ok(100)),
            ("256", Err(NumberError::OutOfRange)),
            ("-5", Err(NumberError::Negative)),
            ("abc", Err(NumberError::Invalid(0))),
            ("1.5", Err(NumberError::Invalid(1))),
            ("0x33", Err(NumberError::Invalid(0))),
            ("", Err(NumberError::Invalid(0))),
            ("99999999999999999999999", Err(NumberError::OutOfRange)),
        ] {
            assert_eq!(integer(word, 1, 255), value, "{word}");
        }
    }

    #[test]
    fn a_sign_stands_once_before_its_digits() {
        for (word, value) in [
            ("-253", Ok(-253)),
            ("+20", Ok(20)),
            ("-0", Ok(0)),
            ("255", Err(NumberError::OutOfRange)),
            ("-99999", Err(NumberError::OutOfRange)),
            ("--1", Err(NumberError::Invalid(0))),
            ("-+1", Err(NumberError::Invalid(0))),
            ("-", Err(NumberError::Invalid(0))),
            ("2x", Err(NumberError::Invalid(2))),
        ] {
            assert_eq!(signed(word, -254, 254), value, "{word}");
        }
    }

    #[test]
    fn decimals_keep_six_digits() {
        for (word, value) in [
            (".5", Ok(500_000)),
            ("40.95", Ok(40_950_000)),
            ("0.0100009", Ok(10_000)),
            ("1.", Ok(1_000_000)),
            (".", Err(NumberError::Invalid(0))),
            ("1s", Err(NumberError::Invalid(0))),
            ("0", Err(NumberError::OutOfRange)),
            ("256", Err(NumberError::OutOfRange)),
        ] {
            assert_eq!(decimal(word, 10_000, 255_000_000), value, "{word}");
        }
    }
}
