//! What starts next: a pure step, without threads, files or clocks.

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

/// The tasks of a plan, what they need and what they are at.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    needs: Vec<Vec<TaskId>>,
    dependants: Vec<Vec<TaskId>>,
    depth: Vec<usize>,
    states: Vec<State>,
    halted: bool,
}

impl Schedule {
    /// A schedule in which the tasks with `to_run` are pending and the others settled.
    pub(super) fn new(plan: &Plan, to_run: &[bool]) -> Self {
        let mut depth = vec![0; plan.tasks.len()];
        for task in &plan.tasks {
            let below = task.needs.iter().map(|input| depth[input.task] + 1);
            depth[task.id] = below.max().unwrap_or(0);
        }
        let state = |&runs: &bool| if runs { State::Pending } else { State::Settled };
        Self {
            needs: plan
                .tasks
                .iter()
                .map(|task| task.needs.iter().map(|input| input.task).collect())
                .collect(),
            dependants: plan.dependants(),
            depth,
            states: to_run.iter().map(state).collect(),
            halted: false,
        }
    }

    /// The tasks to start now, at most `free_slots` of them.
    ///
    /// Those deepest in the graph come first, so that points that are begun
    /// flow through to their tables; among equals the order of the plan decides.
    pub(super) fn next(&self, free_slots: usize) -> Vec<TaskId> {
        if self.halted || free_slots == 0 {
            return Vec::new();
        }
        let mut ready: Vec<TaskId> = (0..self.states.len())
            .filter(|&id| self.ready(id))
            .collect();
        ready.sort_by_key(|&id| std::cmp::Reverse(self.depth[id]));
        ready.truncate(free_slots);
        ready
    }

    fn ready(&self, id: TaskId) -> bool {
        let there = |&need: &TaskId| matches!(self.states[need], State::Done | State::Settled);
        self.states[id] == State::Pending && self.needs[id].iter().all(there)
    }

    pub(super) fn state(&self, id: TaskId) -> State {
        self.states[id]
    }

    pub(super) fn set(&mut self, id: TaskId, state: State) {
        self.states[id] = state;
    }

    /// Marks a task that did not end well and blocks all that depend on it.
    ///
    /// Returns the blocked tasks, in the order of the plan.
    pub(super) fn break_off(&mut self, id: TaskId, state: State) -> Vec<TaskId> {
        self.states[id] = state;
        let mut blocked = Vec::new();
        let mut open = self.dependants[id].clone();
        while let Some(next) = open.pop() {
            if matches!(self.states[next], State::Pending | State::Waiting) {
                self.states[next] = State::Blocked;
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
        self.states.iter().filter(|&&s| s == state).count()
    }

    /// Whether nothing runs and nothing will ever start.
    pub(super) fn finished(&self) -> bool {
        let alive = |state: &State| match state {
            State::Running => true,
            State::Pending | State::Waiting => !self.halted,
            _ => false,
        };
        !self.states.iter().any(alive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::world::chain_plan;

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
}
