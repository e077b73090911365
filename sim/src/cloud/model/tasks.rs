//! Work that ends later than the request that asked for it.

use havip::time::Time;

use super::objects::{Task, TaskState, Work};
use super::{Code, Model, Refused};

/// How many tasks are remembered, beyond those that run.
const REMEMBERED: usize = 10_000;

impl Work {
    /// Whether it works on an object.
    fn is_on(&self, id: &str) -> bool {
        match self {
            Work::DeleteHavip { havip } => havip == id,
            Work::BindEip { havip, eip } | Work::UnbindEip { havip, eip } => havip == id || eip == id,
            Work::Attach { eni, .. } | Work::Detach { eni } => eni == id,
            Work::Again => false,
            Work::Allocate { eips } | Work::Release { eips } => eips.iter().any(|eip| eip == id),
        }
    }
}

impl Model {
    /// Carries work out: at once, or when the task delay is over. Gives the task's number.
    pub(super) fn start_task(&mut self, now: Time, region: &str, request: &str, work: Work) -> u64 {
        self.start_task_until(now, now + self.task_delay, region, request, work)
    }

    fn start_task_until(&mut self, now: Time, due: Time, region: &str, request: &str, work: Work) -> u64 {
        let number = self.ids.number();
        let (id, region) = (request.to_owned(), region.to_owned());
        while self.tasks.len() >= REMEMBERED {
            let Some(oldest) = self.tasks.oldest().filter(|task| task.state != TaskState::Running) else {
                break;
            };
            let oldest = oldest.id.clone();
            self.tasks.remove(&oldest);
        }
        self.tasks.insert(Task { id, number, region, due, state: TaskState::Running, work });
        self.running.insert((due, number));
        if due <= now {
            self.finish(now, (due, number));
        }
        number
    }

    /// Does everything whose time has come, each at its own time, however late this is called. Of what is due together
    /// tasks come first.
    pub fn settle(&mut self, now: Time) {
        loop {
            let task = self.running.first().copied();
            let binding = self.next_binding.unwrap_or(Time::MAX);
            match task.filter(|&(due, _)| due <= binding) {
                Some(next) if next.0 <= now => self.finish(next.0, next),
                None if binding <= now => self.settle_bindings(binding),
                _ => return self.look_for_warnings(now),
            }
        }
    }

    /// Makes a task that is that of an earlier request: a request that was sent again has something to ask for.
    pub fn repeat_task(&mut self, now: Time, region: &str, request: &str, number: u64) {
        // One that is not known any more has ended long ago.
        let due = self.tasks.at(number).map_or(now, |task| task.due.max(now));
        self.start_task_until(now, due, region, request, Work::Again);
    }

    fn finish(&mut self, now: Time, key: (Time, u64)) {
        self.running.remove(&key);
        let Some(id) = self.tasks.at(key.1).map(|task| task.id.clone()) else { return };
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.state = TaskState::Success;
        let (region, work) = (task.region.clone(), task.work.clone());
        match work {
            Work::DeleteHavip { havip } => self.havip_deleted(now, &region, &havip),
            Work::BindEip { havip, eip } => self.eip_bound(now, &region, &havip, &eip),
            Work::UnbindEip { havip, eip } => self.eip_unbound(now, &region, &havip, &eip),
            Work::Attach { eni, cvm } => self.attached(now, &region, &eni, &cvm),
            Work::Detach { eni } => self.detached(now, &region, &eni),
            Work::Allocate { .. } | Work::Again => {}
            Work::Release { eips } => self.released(now, &region, &eips),
        }
    }

    /// Complains of an object that a running task works on.
    pub(super) fn free_to_work(&self, ids: &[&str]) -> Result<(), Refused> {
        for (_, number) in &self.running {
            let Some(task) = self.tasks.at(*number) else { continue };
            if let Some(id) = ids.iter().find(|id| task.work.is_on(id)) {
                let message = format!("Another task is running on `{id}`.");
                return Err(Refused::new(Code::MUTEX, message));
            }
        }
        Ok(())
    }

    /// A task by the id of its request.
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.get(id)
    }
    /// A task by its number.
    pub fn task_number(&self, number: u64) -> Option<&Task> {
        self.tasks.at(number)
    }
}
