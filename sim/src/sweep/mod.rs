//! Which setting to choose: a grid of settings, the outages and false takeovers of each, and a target.
//!
//! [`Plan::read`] reads what is to be done, [`Sweep::open`] the cluster, [`Sweep::run`] runs every point and gives a
//! [`Report`]: a function of the plan and the files it names, whatever the number of threads.
//!
//! The map: `plan` and `target` are read, `grid` is what points there are, `cluster` what they are points of,
//! `stories` what happens to it; `measure` runs one point, `choose` finds the setting; `table`, `csv`, `json` and
//! `picture` tell. `number` is arithmetic.

mod choose;
mod cluster;
mod csv;
mod grid;
mod json;
mod measure;
mod number;
mod picture;
mod plan;
mod stories;
mod table;
mod target;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub use choose::{Choice, Miss, Verdict};
pub use grid::{Axis, Grid, MOST_POINTS, Point, What};
pub use measure::{Figures, Lasted, StoryFigures};
pub use number::Number;
pub use plan::{Named, Plan, Refused};
pub use stories::STORIES;
pub use target::{Limit, Target};

use crate::trial::Progress;
use cluster::Cluster;
use plan::refused;

/// A sweep that can be run.
#[derive(Clone, Debug)]
pub struct Sweep {
    plan: Plan,
    cluster: Cluster,
    points: Vec<Point>,
    remarks: Vec<(String, usize)>,
}

/// What a sweep found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked.
    pub plan: Plan,
    /// The points, in the grid's order.
    pub rows: Vec<Row>,
    /// The setting for the target; `None` where the plan has none.
    pub choice: Option<Choice>,
    /// What keepalived says of some points and not of the files as they are, and of how many points.
    pub remarks: Vec<(String, usize)>,
}

/// A point and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub point: Point,
    /// What it came to.
    pub figures: Figures,
    /// Whether it keeps to the target.
    pub verdict: Verdict,
}

impl Sweep {
    /// Reads the cluster of a plan, and makes sure that every point of it can be run.
    pub fn open(plan: Plan) -> Result<Sweep, Refused> {
        let line = |message: String| refused(&plan.path, plan.grid_line, message);
        let points = plan.grid.points(plan.sample, plan.seed).map_err(line)?;
        let cluster = Cluster::open(&plan)?;
        cluster.check(&plan)?;
        let prepared: Vec<Result<Vec<String>, String>> = points
            .par_iter()
            .map(|point| {
                let setup = measure::prepare(&cluster, &plan, point)?;
                let words = |error| format!("{}: {error}", plan.grid.in_words(point, true));
                cluster.remarks(&setup).map_err(words)
            })
            .collect();
        let mut remarks: BTreeMap<String, usize> = BTreeMap::new();
        for said in prepared {
            for one in said.map_err(line)? {
                *remarks.entry(one).or_default() += 1;
            }
        }
        Ok(Sweep { cluster, points, remarks: remarks.into_iter().collect(), plan })
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// Runs every point, on as many threads as there are.
    pub fn run(&self, progress: &dyn Progress) -> Result<Report, Refused> {
        let plan = &self.plan;
        let done = AtomicUsize::new(0);
        progress.at(0, self.points.len());
        let figures: Result<Vec<Figures>, String> = self
            .points
            .par_iter()
            .map(|point| {
                let setup = measure::prepare(&self.cluster, plan, point)?;
                let figures = measure::measure(&setup, plan, point);
                progress.at(done.fetch_add(1, Ordering::Relaxed) + 1, self.points.len());
                Ok(figures)
            })
            .collect();
        let figures = figures.map_err(|message| refused(&plan.path, plan.grid_line, message))?;
        let rows = self.points.iter().cloned().zip(figures).map(|(point, figures)| Row {
            verdict: choose::judge(plan, &point, &figures),
            point,
            figures,
        });
        let rows: Vec<Row> = rows.collect();
        let choice = choose::choose(plan, &rows);
        Ok(Report { plan: plan.clone(), rows, choice, remarks: self.remarks.clone() })
    }
}
