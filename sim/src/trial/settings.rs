//! What is asked of a trial, beside the files.

use havip::profile::Profile;
use havip::time::Duration;
use ipnet::Ipv4Net;

use crate::scenario;

/// How many phases of the advert interval each row is run at.
pub const PHASES: u32 = 100;
/// Longer than this, a client that goes to the wrong machine counts as left behind.
pub const LEFT_BEHIND: Duration = Duration::from_secs(15);

/// What is asked of a trial, beside the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// On a lan instead of a cloud's subnet.
    pub lan: bool,
    /// The subnet, where the files shall not say it.
    pub subnet: Option<Ipv4Net>,
    /// How long the cloud takes to move a binding, if it is known.
    pub cloud_delay: Option<(Duration, Duration)>,
    /// What must not be passed.
    pub limits: Limits,
    /// How often each row is run.
    pub phases: u32,
    /// Whose behaviour the machines' programs have.
    pub profile: Profile,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lan: false,
            subnet: None,
            cloud_delay: None,
            limits: Limits::default(),
            phases: PHASES,
            profile: Profile::KEEPALIVED,
        }
    }
}

/// `--fail-on`: limits, each with the time that is still good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `outage>D`: how long a client may be without the address.
    pub outage: Option<Duration>,
    /// `two-masters>D`: how long two machines that can hear each other may both be master.
    pub two_masters: Option<Duration>,
    /// `stale`, `stale>D`: how long a client may go to a machine that is not master while another one is.
    pub stale: Option<Duration>,
}

impl Limits {
    /// `outage>15s,two-masters>1s,stale`; what is wrong with it otherwise.
    pub fn parse(text: &str) -> Result<Limits, String> {
        let mut limits = Limits::default();
        for part in text.split(',').map(str::trim) {
            let (name, time) = match part.split_once('>') {
                Some((name, time)) => (name.trim(), Some(scenario::times(time.trim())?)),
                None => (part, None),
            };
            let time = match time {
                Some((low, high)) if low != high => return Err(format!("`{part}`: one time, no span")),
                other => other.map(|(low, _)| low),
            };
            let (slot, time) = match name {
                "outage" => (&mut limits.outage, time),
                "two-masters" => (&mut limits.two_masters, time),
                "stale" => (&mut limits.stale, time.or(Some(LEFT_BEHIND))),
                _ => {
                    return Err(format!(
                        "`{part}` is no limit: outage>15s, two-masters>1s, stale or stale>5s"
                    ));
                }
            };
            if time.is_none() {
                return Err(format!("`{part}` needs a time: `{part}>15s`"));
            }
            if slot.is_some() {
                return Err(format!("a second `{name}`"));
            }
            *slot = time;
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_what_is_none_is_said() {
        let limits = Limits::parse("outage>15s, two-masters>1s,stale").unwrap();
        assert_eq!(limits.outage, Some(Duration::from_secs(15)));
        assert_eq!(limits.two_masters, Some(Duration::from_secs(1)));
        assert_eq!(limits.stale, Some(LEFT_BEHIND));
        for (text, message) in [
            ("outage", "`outage` needs a time: `outage>15s`"),
            ("outtage>3s", "`outtage>3s` is no limit: outage>15s, two-masters>1s, stale or stale>5s"),
            ("stale>5s,stale", "a second `stale`"),
            ("outage>1s..2s", "`outage>1s..2s`: one time, no span"),
        ] {
            assert_eq!(Limits::parse(text), Err(message.to_owned()), "{text}");
        }
        assert!(Limits::parse("outage>15").unwrap_err().contains("no unit"));
    }
}
