//! The arithmetic of VRRP's intervals, in keepalived's integers.
//!
//! keepalived counts microseconds and rounds each quotient down; so do we, and nothing here is a fraction.

use crate::config::Version;
use crate::time::Duration;

/// Skew_Time.
///
/// v2: "( (256 - Priority) / 256 )" seconds, whatever the interval (RFC 3768 section 6.1). v3: "(((256 - Priority)
/// * Active_Adver_Interval) / 256)" (RFC 9568 section 6.1).
pub const fn skew_time(version: Version, priority: u8, master_interval: Duration) -> Duration {
    let lack = 256 - priority as u64;
    Duration::from_micros(match version {
        Version::V2 => lack * 1_000_000 / 256,
        // Hundredths of a second are 10,000 us, and 10,000/256 is 625/16.
        Version::V3 => lack * master_interval.as_centis() * 625 / 16,
    })
}

/// Active_Down_Interval (v2: Master_Down_Interval): "(3 * Active_Adver_Interval) + Skew_Time" (RFC 9568 section
/// 6.1), with keepalived's `down_timer_adverts` for the 3.
pub fn master_down_interval(
    version: Version,
    priority: u8,
    master_interval: Duration,
    down_timer_adverts: u8,
) -> Duration {
    master_interval * u64::from(down_timer_adverts) + skew_time(version, priority, master_interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn down(version: Version, priority: u8, interval: Duration, adverts: u8) -> u64 {
        master_down_interval(version, priority, interval, adverts).as_micros()
    }

    /// The rule that fits every measured row, and the value of each (spec: 2.1, 6).
    #[test]
    fn the_measured_intervals_come_out_to_the_microsecond() {
        let tenth = Duration::from_millis(100);
        for (value, expected) in [
            (down(Version::V2, 100, SECOND, 3), 3_609_375),
            (down(Version::V2, 90, SECOND, 3), 3_648_437),
            (down(Version::V2, 80, SECOND, 3), 3_687_500),
            (down(Version::V2, 254, SECOND, 3), 3_007_812),
            (down(Version::V2, 255, SECOND, 3), 3_003_906),
            (down(Version::V2, 100, Duration::from_secs(5), 3), 15_609_375),
            (down(Version::V2, 90, SECOND, 1), 1_648_437),
            (down(Version::V3, 90, tenth, 3), 364_843),
            (down(Version::V3, 254, Duration::from_millis(10), 3), 30_078),
            (down(Version::V3, 1, Duration::from_centis(4095), 100), 4_135_790_039),
        ] {
            assert_eq!(value, expected);
        }
    }
}
