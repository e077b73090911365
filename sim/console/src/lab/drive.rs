//! Lets a lab go on as time passes, and does what people ask of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use havip::time::Time;
use havip_sim::world::{Life, NodeId};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::mirror::{Mirror, shown};
use super::{Lab, Seen, Wrong};
use crate::state::App;

/// How often a lab catches up with the clock.
const STEP: Duration = Duration::from_millis(10);

/// What people ask.
#[derive(Debug)]
pub enum Ask {
    /// How it stands.
    State(oneshot::Sender<Value>),
    /// To do something: when it happens, in the lab's time, or why it does not.
    Act(String, oneshot::Sender<Result<Value, Wrong>>),
    /// What was done, as a scenario file.
    Record(oneshot::Sender<String>),
}

/// Runs a lab for as long as the server runs.
pub async fn drive(app: Arc<App>, mut lab: Lab, mut mirror: Mirror, mut asks: mpsc::Receiver<Ask>) {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut news = app.watch();
    let mut told = Told::default();
    let mut changed = true;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            ask = asks.recv() => match ask {
                Some(ask) => {
                    catch_up(&app, &mut lab, &mut mirror, &mut told);
                    answer(ask, &mut lab, &mut told);
                }
                None => return,
            },
        }
        while !matches!(
            news.try_recv(),
            Err(tokio::sync::broadcast::error::TryRecvError::Empty
                | tokio::sync::broadcast::error::TryRecvError::Closed)
        ) {
            changed = true;
        }
        if std::mem::take(&mut changed) {
            app.start(|inner, _| mirror.follow(&inner.model, &mut lab));
        }
        catch_up(&app, &mut lab, &mut mirror, &mut told);
    }
}

/// What people are told of a lab.
#[derive(Default)]
struct Told {
    lives: BTreeMap<NodeId, Life>,
    /// What people did.
    acts: Vec<String>,
    /// What the cloud declined to do, the last of it.
    declined: VecDeque<String>,
}

/// How much of what was declined is remembered.
const DECLINED: usize = 100;

fn catch_up(app: &App, lab: &mut Lab, mirror: &mut Mirror, told: &mut Told) {
    let now = Time::ZERO + app.clock.since_start();
    let seen = lab.advance(now);
    for seen in &seen {
        match *seen {
            Seen::Program { of, life } => _ = told.lives.insert(of, life),
            Seen::Declined { at, index, why } => {
                let act = lab.setup().acts.get(index as usize);
                let act = act.map_or_else(String::new, |timed| lab.act_text(&timed.act));
                told.declined.truncate(DECLINED - 1);
                told.declined.push_front(format!("{} {act}: {}", shown(at), why.text()));
            }
            _ => {}
        }
    }
    if seen.is_empty() {
        return;
    }
    app.start(|inner, _| {
        for seen in &seen {
            mirror.tell(&mut inner.model, app.clock.base(), lab.setup(), seen);
        }
    });
}

fn answer(ask: Ask, lab: &mut Lab, told: &mut Told) {
    // Whoever asked may have gone.
    match ask {
        Ask::State(to) => _ = to.send(state(lab, told)),
        Ask::Record(to) => _ = to.send(lab.recorded()),
        Ask::Act(act, to) => {
            let done = lab.act(&act).map(|at| {
                told.acts.push(format!("{} {act}", shown(at)));
                json!({ "At": shown(at), "Act": act })
            });
            _ = to.send(done);
        }
    }
}

fn state(lab: &Lab, told: &Told) -> Value {
    let setup = lab.setup();
    let machines = setup.cvms.iter().zip(0..).map(|(cvm, n)| {
        let program = match told.lives.get(&NodeId(n)) {
            Some(Life::Started | Life::Thawed) => "running",
            Some(Life::Frozen) => "frozen",
            Some(Life::Exited | Life::Killed) | None => "not running",
        };
        json!({ "Name": cvm.name, "Address": cvm.eni.address.addr().to_string(), "Program": program })
    });
    json!({
        "Scenario": setup.name,
        "Time": shown(lab.now()),
        "Machines": machines.collect::<Vec<Value>>(),
        "Acts": told.acts,
        "Declined": told.declined,
    })
}
