//! Events as people watch them: bars on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::diagnostic::{self, say};
use super::quantity;
use crate::engine::Event;
use crate::plan::TaskId;

/// Shows the events of a run.
pub(super) enum Progress {
    /// Bars that are drawn anew.
    Bars(Bars),
    /// A line a finished task.
    Lines(Lines),
}

impl Progress {
    /// Bars if stderr is a terminal, else lines.
    pub(super) fn new() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Bars(Bars::new())
        } else {
            Self::Lines(Lines::default())
        }
    }

    pub(super) fn show(&mut self, event: &Event) {
        match self {
            Self::Bars(bars) => bars.show(event),
            Self::Lines(lines) => lines.show(event),
        }
    }
}

/// What a finished, failed or otherwise notable task says in one line.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::Finished { label, seconds, .. } => {
            Some(format!("done      {label} ({seconds:.1} s)"))
        }
        Event::Failed {
            label,
            message,
            log,
            ..
        } => {
            let log = log
                .as_ref()
                .map(|path| format!("; log: {}", path.display()));
            Some(format!(
                "FAILED    {label}: {message}{}",
                log.unwrap_or_default()
            ))
        }
        Event::Blocked { label, .. } => {
            Some(format!("blocked   {label}: a task that it needs failed"))
        }
        Event::Cancelled { label, .. } => Some(format!("stopped   {label}")),
        Event::Waiting { label, .. } => {
            Some(format!("waiting   {label}: another process works on it"))
        }
        Event::Mended(mended) => Some(diagnostic::mended(mended)),
        Event::RunStarted {
            to_run,
            cached,
            estimate,
            ..
        } => {
            let outlook = match to_run {
                0 => String::new(),
                _ => format!(", {}", quantity::estimate(*to_run, estimate)),
            };
            Some(format!("{to_run} tasks to run, {cached} cached{outlook}"))
        }
        _ => None,
    }
}

/// Plain lines, for logs and pipes.
#[derive(Default)]
pub(super) struct Lines {
    ended: usize,
    to_run: usize,
}

impl Lines {
    fn show(&mut self, event: &Event) {
        if let Event::RunStarted { to_run, .. } = event {
            self.to_run = *to_run;
        }
        let ends = matches!(
            event,
            Event::Finished { .. } | Event::Failed { .. } | Event::Cancelled { .. }
        );
        self.ended += usize::from(ends);
        match line(event) {
            Some(line) if matches!(event, Event::RunStarted { .. }) => say(&line),
            Some(line) => say(&format!("[{:>4}/{}] {line}", self.ended, self.to_run)),
            None => {}
        }
    }
}

/// An overall bar, and one for each running task.
pub(super) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    running: HashMap<TaskId, (ProgressBar, Instant)>,
}

const STEPS: u64 = 1000;
const TICK: Duration = Duration::from_millis(200);

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a wrong one shows a plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let overall = all.add(ProgressBar::new(0));
        overall.set_style(style("{bar:30} {pos}/{len} tasks, {elapsed} elapsed{msg}"));
        overall.enable_steady_tick(TICK);
        Self {
            all,
            overall,
            running: HashMap::new(),
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { to_run, .. } => self.overall.set_length(*to_run as u64),
            Event::Started { task, label } => self.start(*task, label),
            Event::Progress { task, progress, .. } => {
                self.move_on(*task, progress.fraction, &progress.message);
            }
            Event::Finished { task, .. }
            | Event::Failed { task, .. }
            | Event::Cancelled { task, .. } => self.end(*task),
            Event::RunFinished { .. } => self.overall.finish_and_clear(),
            _ => {}
        }
        if let (false, Some(line)) = (matches!(event, Event::Finished { .. }), line(event)) {
            // Above the bars, where it stays.
            let _ = self.all.println(line);
        }
    }

    fn start(&mut self, task: TaskId, label: &str) {
        let bar = self.all.add(ProgressBar::new(STEPS));
        bar.set_style(style("  {bar:20} {prefix} {msg}"));
        bar.set_prefix(label.to_owned());
        self.running.insert(task, (bar, Instant::now()));
    }

    fn move_on(&mut self, task: TaskId, fraction: f64, message: &str) {
        let Some((bar, since)) = self.running.get(&task) else {
            return;
        };
        bar.set_position((fraction.clamp(0.0, 1.0) * STEPS as f64) as u64);
        let left = if fraction > 0.02 {
            let seconds = since.elapsed().as_secs_f64() * (1.0 - fraction) / fraction;
            format!(", {seconds:.0} s left")
        } else {
            String::new()
        };
        bar.set_message(format!("{message}{left}"));
    }

    fn end(&mut self, task: TaskId) {
        if let Some((bar, _)) = self.running.remove(&task) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.overall.inc(1);
        let (position, length) = (self.overall.position(), self.overall.length());
        if let (1.., Some(length)) = (position, length) {
            let left = length.saturating_sub(position) as f64;
            let seconds = self.overall.elapsed().as_secs_f64() / position as f64 * left;
            self.overall
                .set_message(format!(", about {seconds:.0} s left"));
        }
    }
}
