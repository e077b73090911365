//! The one place where the model is touched.
//!
//! A request takes the model, does what it does, hands the changes to the store, and lets go; it is answered when the
//! store has them. One that only reads waits too, for changes it may have seen: nobody is told what could be lost.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use havip::time::{Duration, Time};
use havip_sim::cloud::model::{Happening, Model};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::keys::Keys;
use crate::lab::Ask;
use crate::limiter::{Limiter, Replays};
use crate::sign::Mode;
use crate::store::Store;

/// How late somebody who watches is told of what nobody asked for.
const LATE: std::time::Duration = std::time::Duration::from_millis(20);

/// How the server was told to behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How signatures are looked at.
    pub mode: Mode,
    /// Whether more than 20 requests a second are refused.
    pub rate_limit: bool,
    /// How long a binding takes to follow a claim made by `/_havip/claim`.
    pub bind_delay: Duration,
    /// Quotas by their names: they hold whatever is stored or put back.
    pub quota: Vec<(String, u64)>,
}

impl Settings {
    /// Sets the quotas of a model that was stored.
    pub fn set_quota(&self, model: &mut Model) {
        let mut limits = *model.limits();
        for (name, value) in &self.quota {
            limits.set(name, *value);
        }
        model.set_limits(limits);
    }
}

/// Something that happened: its number, when, in which region, and what.
pub type News = (u64, Time, String, Happening);

/// The server's state.
#[derive(Debug)]
pub struct App {
    /// How it was told to behave.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    /// What every form of the page carries.
    pub token: String,
    inner: Mutex<Inner>,
    committed: watch::Receiver<u64>,
    news: broadcast::Sender<News>,
    /// The lab behind it, if there is one.
    pub lab: OnceLock<mpsc::Sender<Ask>>,
}

/// What is behind the lock.
#[derive(Debug)]
pub struct Inner {
    /// The cloud.
    pub model: Model,
    /// Who may use it.
    pub keys: Keys,
    /// How often they do.
    pub limiter: Limiter,
    /// Requests that came before.
    pub replays: Replays,
    store: Store,
    /// The seed and the start that request ids are made of, and how many were.
    requests: [u64; 3],
    happened: u64,
}

impl App {
    /// A server's state; `starts` is how often its store has been opened.
    pub fn new(
        settings: Settings,
        clock: Clock,
        token: String,
        loaded: (Model, Keys, u64),
        store: Store,
    ) -> App {
        let (mut model, keys, starts) = loaded;
        settings.set_quota(&mut model);
        model.listen(clock.now());
        let committed = store.committed();
        let requests = [model.seed(), starts, 0];
        let inner = Inner {
            model,
            keys,
            limiter: Limiter::default(),
            replays: Replays::default(),
            store,
            requests,
            happened: 0,
        };
        App {
            settings,
            clock,
            token,
            inner: Mutex::new(inner),
            committed,
            news: broadcast::channel(1024).0,
            lab: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic is a bug; what was changed before it was never stored, nor told.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the model, and waits until what it changed is stored.
    pub async fn with<T>(&self, act: impl FnOnce(&mut Inner, Time) -> T) -> T {
        let (done, number) = self.start(act);
        self.stored(number).await;
        done
    }

    /// Does something with the model; it is stored when [`stored`](App::stored) has waited for the number.
    pub fn start<T>(&self, act: impl FnOnce(&mut Inner, Time) -> T) -> (T, u64) {
        let mut inner = self.lock();
        let now = self.clock.now();
        inner.model.settle(now);
        let done = act(&mut inner, now);
        let changes = inner.model.take_changes();
        if !changes.is_empty() {
            inner.store.change(changes);
        }
        for (at, region, what) in inner.model.take_happenings() {
            inner.happened += 1;
            // Nobody listens: nobody is told.
            let _ = self.news.send((inner.happened, at, region, what));
        }
        (done, inner.store.last())
    }

    /// Waits until a change is stored.
    pub async fn stored(&self, number: u64) {
        let mut committed = self.committed.clone();
        if *committed.borrow() < number && committed.wait_for(|&last| last >= number).await.is_err() {
            // The writer is gone, and the process with it.
            std::future::pending::<()>().await;
        }
    }

    /// Lets what is due happen in its time, though nobody asks for anything.
    pub async fn keep_time(&self) {
        let mut ticks = interval(LATE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.start(|_, _| ());
        }
    }

    /// What happens from here on.
    pub fn watch(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}

impl Inner {
    /// An id for a request: a UUID of the seed, the start and how many there were before.
    pub fn request_id(&mut self) -> String {
        self.requests[2] += 1;
        let [seed, start, n] = self.requests;
        let high = mix(seed ^ mix(start));
        let (a, b) = (mix(high ^ n), mix(high.wrapping_add(mix(n))));
        let (a, b) = ((a & !0xf000) | 0x4000, (b & !(3 << 62)) | (2 << 62));
        let node = b & 0xffff_ffff_ffff;
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{node:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xffff, b >> 48)
    }

    /// Puts another model in the place of this one.
    pub fn replace(&mut self, now: Time, mut model: Model) {
        model.take_place(now, &self.model);
        model.take_changes();
        self.store.replace(model.rows());
        self.model = model;
    }

    /// Adds a key pair.
    pub fn add_key(&mut self, id: String, secret: crate::keys::Secret) {
        self.store.key(id.clone(), secret.clone());
        self.keys.insert(id, secret);
    }
}

/// SplitMix64's finisher.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
