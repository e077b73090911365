//! `auth_hmac` at work: signing what is sent, and believing nothing twice (keepalived 2.4).

use std::net::IpAddr;

use super::refused::Refused;
use crate::config::{Hmac, HmacMode};
use crate::program::Now;
use crate::time::Duration;
use crate::wire::hmac_trailer::{self, Key, Signing, Stamp};
use crate::wire::vrrp;

/// So many senders are remembered. Only who knows a key comes to be one.
const SENDERS_MAX: usize = 255;

/// An instance's keys, and the stamps that were seen.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    keys: Vec<(u8, Key)>,
    active: u8,
    window: Duration,
    mode: HmacMode,
    by_time: bool,
    sent: Option<Stamp>,
    heard: Vec<(IpAddr, Stamp)>,
}

impl Authenticator {
    /// With the keys of a configuration; one that is too short or too long has been diagnosed, and is none.
    pub(crate) fn new(config: &Hmac) -> Self {
        let keys = config.keys.iter().filter_map(|(id, key)| Some((*id, Key::new(&key.0).ok()?)));
        Authenticator {
            keys: keys.collect(),
            active: config.active,
            window: config.window,
            mode: config.mode,
            by_time: config.by_time,
            sent: None,
            heard: Vec::new(),
        }
    }

    /// How to sign the next advertisement, all copies of it: nothing when its own are not to be signed.
    pub(crate) fn sign(&mut self, now: Now) -> Option<Signing<'_>> {
        if self.mode == HmacMode::ReceiveOnly {
            return None;
        }
        let (key_id, key) = self.keys.iter().find(|(id, _)| *id == self.active)?;
        let stamp = Stamp::following(self.sent, now.utc);
        self.sent = Some(stamp);
        Some(Signing { key_id: *key_id, key, stamp })
    }

    /// Whether an advertisement without a trailer is taken.
    pub(crate) fn is_permissive(&self) -> bool {
        self.mode != HmacMode::Enforce
    }

    /// Checks a message's trailer. The window is asked before the code, so that old frames cost nothing.
    pub(crate) fn check(
        &mut self,
        now: Now,
        source: IpAddr,
        message: &vrrp::Packet<&[u8]>,
    ) -> Result<(), Refused> {
        let trailer = match hmac_trailer::Repr::behind(message) {
            None if self.is_permissive() => return Ok(()),
            None => return Err(Refused::NoTrailer),
            Some(Err(_)) => return Err(Refused::Trailer),
            Some(Ok(trailer)) => trailer,
        };
        if self.by_time && !trailer.stamp.is_fresh(now.utc, self.window) {
            return Err(Refused::Stale);
        }
        let known = self.keys.iter().find(|(id, _)| *id == trailer.key_id);
        let Some((_, key)) = known else { return Err(Refused::UnknownKey(trailer.key_id)) };
        if !trailer.verify(key, source, message) {
            return Err(Refused::Code);
        }
        self.remember(source, trailer.stamp)
    }

    /// A stamp counts once: each must be later than the last of its sender.
    fn remember(&mut self, source: IpAddr, stamp: Stamp) -> Result<(), Refused> {
        let Some((_, last)) = self.heard.iter_mut().find(|(from, _)| *from == source) else {
            if self.heard.len() == SENDERS_MAX {
                return Err(Refused::Replayed);
            }
            self.heard.push((source, stamp));
            return Ok(());
        };
        if !stamp.is_after(*last) {
            return Err(Refused::Replayed);
        }
        *last = stamp;
        Ok(())
    }
}
