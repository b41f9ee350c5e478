//! What starts next: a pure step, without threads, files or clocks.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::plan::{Plan, TaskId};

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its result is not wanted, or was there before.
    Settled,
    /// It is to run, once what it needs is there.
    Pending,
    /// It could run, but another process works on it.
    Waiting,
    /// It runs.
    Running,
    /// It ran to its end.
    Done,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
    /// A task that it needs did not end well.
    Blocked,
}

impl State {
    /// How many there are.
    const COUNT: usize = Self::Blocked as usize + 1;

    /// Whether what the task makes is there.
    fn is_there(self) -> bool {
        matches!(self, Self::Done | Self::Settled)
    }
}

/// The tasks of a plan, what they need and what they are at.
///
/// Every step costs what it changes, whatever the size of the plan.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    dependants: Vec<Vec<TaskId>>,
    depth: Vec<usize>,
    states: Vec<State>,
    /// Needs of each task that are not there yet.
    open: Vec<usize>,
    /// The pending tasks without open needs, those to start first at the front.
    ready: BTreeSet<(Reverse<usize>, TaskId)>,
    /// Number of tasks in each state.
    counts: [usize; State::COUNT],
    halted: bool,
}

impl Schedule {
    /// A schedule in which the tasks with `to_run` are pending and the others settled.
    pub(super) fn new(plan: &Plan, to_run: &[bool]) -> Self {
        let mut schedule = Self {
            dependants: plan.dependants(),
            depth: vec![0; plan.tasks.len()],
            states: vec![State::Settled; plan.tasks.len()],
            open: vec![0; plan.tasks.len()],
            ready: BTreeSet::new(),
            counts: [0; State::COUNT],
            halted: false,
        };
        schedule.counts[State::Settled as usize] = plan.tasks.len();
        for task in &plan.tasks {
            let below = task
                .needs
                .iter()
                .map(|input| schedule.depth[input.task] + 1);
            schedule.depth[task.id] = below.max().unwrap_or(0);
        }
        for (id, _) in to_run.iter().enumerate().filter(|&(_, &runs)| runs) {
            schedule.set(id, State::Pending);
        }
        schedule
    }

    /// The tasks to start now, at most `free_slots` of them.
    ///
    /// Those deepest in the graph come first, so that points that are begun
    /// flow through to their tables; among equals the order of the plan decides.
    pub(super) fn next(&self, free_slots: usize) -> Vec<TaskId> {
        if self.halted {
            return Vec::new();
        }
        self.ready
            .iter()
            .take(free_slots)
            .map(|&(_, id)| id)
            .collect()
    }

    pub(super) fn state(&self, id: TaskId) -> State {
        self.states[id]
    }

    pub(super) fn set(&mut self, id: TaskId, state: State) {
        let before = std::mem::replace(&mut self.states[id], state);
        self.counts[before as usize] -= 1;
        self.counts[state as usize] += 1;
        self.queue(id);
        if before.is_there() == state.is_there() {
            return;
        }
        for position in 0..self.dependants[id].len() {
            let dependant = self.dependants[id][position];
            if state.is_there() {
                self.open[dependant] -= 1;
            } else {
                self.open[dependant] += 1;
            }
            self.queue(dependant);
        }
    }

    /// Puts a task into the queue of those that are ready, or takes it out.
    fn queue(&mut self, id: TaskId) {
        let entry = (Reverse(self.depth[id]), id);
        if self.states[id] == State::Pending && self.open[id] == 0 {
            self.ready.insert(entry);
        } else {
            self.ready.remove(&entry);
        }
    }

    /// Marks a task that did not end well and blocks all that depend on it.
    ///
    /// Returns the blocked tasks, in the order of the plan.
    pub(super) fn break_off(&mut self, id: TaskId, state: State) -> Vec<TaskId> {
        self.set(id, state);
        let mut blocked = Vec::new();
        let mut open = self.dependants[id].clone();
        while let Some(next) = open.pop() {
            if matches!(self.states[next], State::Pending | State::Waiting) {
                self.set(next, State::Blocked);
                blocked.push(next);
                open.extend(&self.dependants[next]);
            }
        }
        blocked.sort_unstable();
        blocked
    }

    /// Starts nothing more; what runs may end.
    pub(super) fn halt(&mut self) {
        self.halted = true;
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.counts[state as usize]
    }

    /// Whether nothing runs and nothing will ever start.
    pub(super) fn finished(&self) -> bool {
        let waiting = self.count(State::Pending) + self.count(State::Waiting);
        self.count(State::Running) == 0 && (self.halted || waiting == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::world::chain_plan;
    use crate::random::{self, uniform};

    /// Three points, each `sample → train → likelihood`, then one table:
    /// ids 0, 1, 2 are the first point, 9 is the table.
    fn world() -> Schedule {
        let plan = chain_plan(3);
        assert_eq!(plan.tasks.len(), 10);
        Schedule::new(&plan, &[true; 10])
    }

    fn start(schedule: &mut Schedule, slots: usize) -> Vec<TaskId> {
        let started = schedule.next(slots);
        for &id in &started {
            schedule.set(id, State::Running);
        }
        started
    }

    #[test]
    fn a_point_that_is_begun_flows_through_before_the_next_begins() {
        let mut schedule = world();
        let mut order: Vec<TaskId> = Vec::new();
        while !schedule.finished() {
            let started = start(&mut schedule, 1);
            assert_eq!(started.len(), 1);
            order.extend(&started);
            schedule.set(started[0], State::Done);
        }
        assert_eq!(order, vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn free_slots_are_filled_side_by_side_and_never_exceeded() {
        let mut schedule = world();
        assert_eq!(schedule.next(0), Vec::<TaskId>::new());
        assert_eq!(start(&mut schedule, 2), [0, 3]);
        assert_eq!(start(&mut schedule, 5), [6]);
        assert_eq!(
            schedule.next(5),
            Vec::<TaskId>::new(),
            "all that is ready runs"
        );
        schedule.set(3, State::Done);
        assert_eq!(schedule.next(1), [4]);
    }

    #[test]
    fn a_failure_blocks_what_depends_on_it_and_nothing_else() {
        let mut schedule = world();
        assert_eq!(start(&mut schedule, 2), [0, 3]);
        assert_eq!(schedule.break_off(0, State::Failed), [1, 2, 9]);
        assert_eq!(start(&mut schedule, 1), [6], "other points go on");
        for id in [3, 6] {
            schedule.set(id, State::Done);
        }
        assert_eq!(start(&mut schedule, 3), [4, 7]);
        assert!(!schedule.finished());
        for id in [4, 7] {
            schedule.set(id, State::Done);
        }
        for id in start(&mut schedule, 3) {
            schedule.set(id, State::Done);
        }
        assert!(schedule.finished());
        assert_eq!(schedule.count(State::Blocked), 3);
        assert_eq!(schedule.count(State::Done), 6);
    }

    #[test]
    fn two_failures_block_the_table_once() {
        let mut schedule = world();
        start(&mut schedule, 2);
        assert_eq!(schedule.break_off(0, State::Failed), [1, 2, 9]);
        assert_eq!(schedule.break_off(3, State::Failed), [4, 5]);
    }

    #[test]
    fn halted_it_starts_nothing_and_ends_when_what_runs_has_ended() {
        let mut schedule = world();
        start(&mut schedule, 2);
        schedule.halt();
        assert_eq!(schedule.next(2), Vec::<TaskId>::new());
        assert!(!schedule.finished());
        schedule.set(0, State::Done);
        schedule.break_off(3, State::Cancelled);
        assert!(schedule.finished());
    }

    #[test]
    fn settled_needs_count_as_there_and_waiting_tasks_are_not_started() {
        let plan = chain_plan(1);
        let mut schedule = Schedule::new(&plan, &[false, true, true, true]);
        assert_eq!(schedule.next(4), [1]);
        schedule.set(1, State::Waiting);
        assert_eq!(schedule.next(4), Vec::<TaskId>::new());
        assert!(!schedule.finished());
    }

    /// What is ready by its definition: a look at every task.
    fn ready_by_definition(plan: &Plan, schedule: &Schedule, to_run: &[bool]) -> Vec<TaskId> {
        let there = |id: TaskId| matches!(schedule.state(id), State::Done | State::Settled);
        let mut ready: Vec<TaskId> = plan
            .tasks
            .iter()
            .filter(|task| to_run[task.id] && schedule.state(task.id) == State::Pending)
            .filter(|task| task.needs.iter().all(|input| there(input.task)))
            .map(|task| task.id)
            .collect();
        ready.sort_by_key(|&id| Reverse(schedule.depth[id]));
        ready
    }

    #[test]
    fn the_queue_holds_what_is_ready_by_definition_whatever_happens() {
        let plan = chain_plan(20);
        let all = plan.tasks.len();
        let mut generator = random::stream("schedule", &["states"]);
        let mut chosen = |below: usize| (uniform(&mut generator) * below as f64) as usize;
        for _ in 0..20 {
            let to_run: Vec<bool> = (0..all).map(|_| chosen(4) > 0).collect();
            let mut schedule = Schedule::new(&plan, &to_run);
            for _ in 0..200 {
                let ready = ready_by_definition(&plan, &schedule, &to_run);
                assert_eq!(schedule.next(all), ready);
                let states: Vec<State> = (0..all).map(|id| schedule.state(id)).collect();
                for state in [State::Pending, State::Running, State::Done, State::Blocked] {
                    let counted = states.iter().filter(|&&it| it == state).count();
                    assert_eq!(schedule.count(state), counted);
                }
                let id = chosen(all);
                match (schedule.state(id), chosen(8)) {
                    (State::Pending, 0) => schedule.set(id, State::Waiting),
                    (State::Waiting, _) => schedule.set(id, State::Pending),
                    (State::Running, 0) => drop(schedule.break_off(id, State::Failed)),
                    (State::Running, _) => schedule.set(id, State::Done),
                    _ => {
                        if let Some(&first) = ready.first() {
                            schedule.set(first, State::Running);
                        }
                    }
                }
            }
        }
    }
}
