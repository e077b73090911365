use super::*;

const SETTINGS: Settings = Settings {
    min_tx: Duration::from_millis(10),
    min_rx: Duration::from_millis(10),
    idle_tx: Duration::from_secs(1),
    multiplier: 5,
    passive: false,
};

const fn ms(n: u64) -> Time {
    Time::from_nanos(n * 1_000_000)
}

/// Two sessions and a path between them that takes a millisecond.
struct Pair {
    ends: [Session; 2],
    /// Whether packets of each side arrive.
    open: [bool; 2],
    under_way: Vec<(Time, usize, Repr)>,
    now: Time,
    /// When a side turned, and to what.
    turned: Vec<(Time, usize, bool)>,
    sent: [u32; 2],
}

impl Pair {
    fn new(a: Settings, b: Settings) -> Self {
        let ends = [Session::new(a, 1, Time::ZERO), Session::new(b, 7, ms(3))];
        Pair {
            ends,
            open: [true; 2],
            under_way: Vec::new(),
            now: Time::ZERO,
            turned: Vec::new(),
            sent: [0; 2],
        }
    }

    fn run(&mut self, until: Time) {
        loop {
            let arrives = self.under_way.iter().map(|one| one.0).min().unwrap_or(Time::MAX);
            let next = self.ends.iter().map(Session::deadline).min().unwrap_or(Time::MAX).min(arrives);
            if next > until {
                self.now = until;
                return;
            }
            self.now = next;
            while let Some(i) = self.under_way.iter().position(|one| one.0 <= next) {
                let (_, to, packet) = self.under_way.remove(i);
                let outcome = self.ends[to].receive(next, &packet);
                self.take(to, outcome);
            }
            for side in 0..2 {
                if self.ends[side].deadline() <= next {
                    let outcome = self.ends[side].timer(next);
                    self.take(side, outcome);
                }
            }
        }
    }

    fn take(&mut self, side: usize, outcome: Outcome) {
        if outcome.turned {
            self.turned.push((self.now, side, self.ends[side].is_up()));
        }
        if let Some(packet) = outcome.packet {
            self.sent[side] += 1;
            if self.open[side] {
                self.under_way.push((self.now + Duration::from_millis(1), 1 - side, packet));
            }
        }
    }

    fn is_up(&self) -> [bool; 2] {
        [self.ends[0].is_up(), self.ends[1].is_up()]
    }
}

#[test]
fn two_that_hear_each_other_are_up_after_two_idle_intervals_and_find_a_death_in_fifty_milliseconds() {
    let mut pair = Pair::new(SETTINGS, SETTINGS);
    pair.run(ms(700));
    assert_eq!(pair.sent, [0; 2], "a second, less 10 to 25 percent, until the first packet");
    pair.run(ms(2_000));
    assert_eq!(pair.is_up(), [true; 2], "down, init, up: two intervals of a second at most");
    let before = pair.sent;
    pair.run(ms(3_000));
    let rate = pair.sent[0] - before[0];
    assert!((111..=134).contains(&rate), "every 7.5 to 9 ms: {rate}");
    assert_eq!(pair.ends[0].detection_time(), Duration::from_millis(50));

    pair.turned.clear();
    pair.open = [true, false];
    pair.run(ms(3_100));
    // a has heard b within the last 9 ms and one on the way; it tells b.
    let [(at, 0, false), (told, 1, false)] = pair.turned[..] else { panic!("{:?}", pair.turned) };
    assert!((ms(3_042)..=ms(3_051)).contains(&at), "{at:?}");
    assert!(told <= at + Duration::from_millis(10), "{told:?}");
    assert_eq!(pair.ends[0].diagnostic(), Diagnostic::EXPIRED);
    assert_eq!(pair.ends[1].diagnostic(), Diagnostic::NEIGHBOUR_SIGNALLED_DOWN);

    pair.open = [true; 2];
    pair.run(ms(6_000));
    assert_eq!(pair.is_up(), [true; 2], "and up again");
}

#[test]
fn the_slower_side_decides_how_often_and_its_multiplier_how_long() {
    let slow = Settings { min_tx: Duration::from_millis(40), min_rx: Duration::from_millis(100), ..SETTINGS };
    let mut pair = Pair::new(Settings { multiplier: 3, ..SETTINGS }, slow);
    pair.run(ms(4_000));
    assert_eq!(pair.is_up(), [true; 2]);
    // b hears every 100 ms at most and sends every 40.
    assert_eq!(pair.ends[0].detection_time(), Duration::from_millis(40 * 5));
    assert_eq!(pair.ends[1].detection_time(), Duration::from_millis(100 * 3));
    let before = pair.sent;
    pair.run(ms(5_000));
    assert!((11..=14).contains(&(pair.sent[0] - before[0])), "{:?}", pair.sent);
    assert!((27..=34).contains(&(pair.sent[1] - before[1])), "{:?}", pair.sent);
}

#[test]
fn a_passive_side_speaks_when_spoken_to() {
    let passive = Settings { passive: true, ..SETTINGS };
    let mut pair = Pair::new(passive, passive);
    pair.run(ms(10_000));
    assert_eq!((pair.sent, pair.ends[0].deadline()), ([0; 2], Time::MAX));
    let mut pair = Pair::new(SETTINGS, passive);
    pair.run(ms(3_000));
    assert_eq!(pair.is_up(), [true; 2]);
}

#[test]
fn a_poll_is_answered_at_once_and_ends_with_the_answer() {
    let mut session = Session::new(SETTINGS, 9, Time::ZERO);
    let says = |state, poll, is_final| Repr {
        state,
        diagnostic: Diagnostic::NONE,
        poll,
        is_final,
        multiplier: 3,
        mine: 4,
        yours: 9,
        min_tx_us: 20_000,
        min_rx_us: 20_000,
    };
    let outcome = session.receive(ms(5), &says(State::Init, true, false));
    let answer = outcome.packet.expect("an answer");
    assert!(outcome.turned && answer.is_final && !answer.poll && answer.state == State::Up);
    assert_eq!((answer.mine, answer.yours, answer.multiplier), (9, 4, 5));
    let polls = |session: &mut Session| {
        let due = session.deadline();
        session.timer(due).packet.expect("a packet").poll
    };
    assert!(polls(&mut session), "its own intervals are new");
    assert_eq!(session.receive(ms(30), &says(State::Up, false, true)).packet, None);
    assert!(!polls(&mut session));
}

#[test]
fn a_neighbour_that_is_switched_off_is_no_failure_of_the_path() {
    let mut pair = Pair::new(SETTINGS, SETTINGS);
    pair.run(ms(2_000));
    let off = Repr { state: State::AdminDown, ..pair.ends[1].says() };
    let outcome = pair.ends[0].receive(ms(2_001), &off);
    assert!(outcome.turned && !pair.ends[0].is_up());
    assert_eq!(pair.ends[0].diagnostic(), Diagnostic::NEIGHBOUR_SIGNALLED_DOWN);
    assert!(!pair.ends[0].receive(ms(2_002), &off).turned, "once");
}

#[test]
fn one_that_can_hear_nothing_is_sent_nothing() {
    let mut session = Session::new(SETTINGS, 9, Time::ZERO);
    let deaf = Repr { min_rx_us: 0, yours: 0, mine: 4, state: State::Down, ..session.says() };
    session.sends = Time::MAX;
    session.receive(ms(1), &deaf);
    assert_eq!(session.deadline(), session.expires);
}
