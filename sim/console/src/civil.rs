//! Instants as dates, in UTC.

use havip::time::Time;

/// Year, month, day, hour, minute, second of an instant that counts from 1970.
fn parts(at: Time) -> [u64; 6] {
    let seconds = at.as_nanos() / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days in eras of 400 years that begin on 1 March.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    [year, month, day, rest / 3600, rest / 60 % 60, rest % 60]
}

/// `2026-01-31 23:59:59`.
pub fn date_time(at: Time) -> String {
    let [year, month, day, h, m, s] = parts(at);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}")
}

/// `2026-01-31T23:59:59Z`.
pub fn iso(at: Time) -> String {
    let [year, month, day, h, m, s] = parts(at);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// `2026-01-31 23:59:59.123`.
pub fn with_millis(at: Time) -> String {
    format!("{}.{:03}", date_time(at), at.as_nanos() / 1_000_000 % 1000)
}

/// `2026-01-31`: the day of a number of seconds.
pub fn day(seconds: u64) -> String {
    let [year, month, day, ..] = parts(Time::from_nanos(seconds.saturating_mul(1_000_000_000)));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_164_800, "2024-02-29 00:00:00"),
            (1_735_689_599, "2024-12-31 23:59:59"),
            (4_102_444_800, "2100-01-01 00:00:00"),
        ] {
            assert_eq!(date_time(Time::from_nanos(seconds * 1_000_000_000)), text);
        }
        assert_eq!(iso(Time::from_nanos(951_782_400_000_000_000)), "2000-02-29T00:00:00Z");
        assert_eq!(day(951_782_400), "2000-02-29");
    }
}
