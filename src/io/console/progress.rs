//! Progress of a run: one line that changes on a terminal, or periodic lines in a log; rank 0 only.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::io::console::terminal::Terminal;
use crate::parallel::work;
use crate::parallel::work::Share;
use crate::system::print_info;

/// Largest rate of updates of the line on a terminal (1/s).
const HERTZ: u8 = 10;
/// Shortest time between two updates.
const UPDATE_INTERVAL: Duration = Duration::from_millis(1000 / HERTZ as u64);
/// Shortest time between two lines of a log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Length of the bar in steps.
const BAR_STEPS: f64 = 1000.0;

/// Templates of the line of a stage and of the iteration.
const STAGE: &str = "{spinner} {wide_msg} {share}{elapsed:>4}";
const ITERATION: &str = "{spinner} {wide_msg} [{bar:8}]";

/// Output of the progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Terminal,
    Log,
}

/// State of an iteration.
#[derive(Debug, Clone, Copy)]
struct IterationState {
    at: Instant,
    iteration: usize,
    /// Relative residual.
    relative: f64,
}

/// Progress of a run.
pub struct Progress {
    place: Place,
    start: Instant,
    /// Time of the last update.
    shown: Cell<Instant>,
    /// First state of the iteration that this run has seen; none before.
    first: Cell<Option<IterationState>>,
    /// The line on the terminal; hidden elsewhere.
    line: ProgressBar,
}

impl Progress {
    /// Creates a progress that is shown if `is_enabled`.
    pub fn new(is_enabled: bool) -> Self {
        match is_enabled.then(Terminal::find) {
            None => Self::at(Place::Nowhere, ProgressDrawTarget::hidden()),
            Some(None) => Self::at(Place::Log, ProgressDrawTarget::hidden()),
            Some(Some(terminal)) => {
                Self::at(Place::Terminal, ProgressDrawTarget::term_like_with_hz(Box::new(terminal), HERTZ))
            }
        }
    }

    fn at(place: Place, target: ProgressDrawTarget) -> Self {
        let now = Instant::now();
        let line = ProgressBar::with_draw_target(None, target).with_style(style(STAGE));
        Self { place, start: now, shown: Cell::new(now), first: Cell::new(None), line }
    }

    /// Begins a stage. Its progress is that of [`work`].
    pub fn stage(&self, what: &str) {
        work::expect_nothing();
        self.first.set(None);
        self.line.reset();
        self.line.unset_length();
        self.line.set_style(style(STAGE));
        self.show(Duration::ZERO, || format!("{what} ..."));
        if self.place == Place::Terminal {
            self.line.enable_steady_tick(UPDATE_INTERVAL);
        }
    }

    /// Shows the state of an iteration that ends at a relative residual of `rtol`. Rate and time
    /// left follow from the iterations since the first call of the stage, since those before a
    /// restart took no time of this run.
    pub fn iteration(&self, iteration: usize, relative: f64, rtol: f64) {
        if self.first.get().is_none() {
            self.first.set(Some(IterationState { at: Instant::now(), iteration, relative }));
        }
        let shown = self.show(UPDATE_INTERVAL, || {
            let now = IterationState { at: Instant::now(), iteration, relative };
            let first = self.first.get().unwrap_or(now);
            let left = time_left(&first, &now, rtol).map_or(String::new(), |seconds| format!(", {seconds:.0} s left"));
            let rate = rate(&first, &now);
            format!("iteration {iteration}, {rate:.1}/s, residual {relative:.1e} (to {rtol:.0e}){left}")
        });
        if shown {
            if self.line.length().is_none() {
                self.line.set_style(style(ITERATION));
                self.line.set_length(BAR_STEPS as u64);
            }
            self.line.set_position((BAR_STEPS * (relative.ln() / rtol.ln()).clamp(0.0, 1.0)) as u64);
        }
    }

    /// Clears the line, calls `print`, and shows the line again.
    pub fn suspend(&self, print: impl FnOnce()) {
        self.line.suspend(print);
    }

    /// Clears the line at the end of the run.
    pub fn end(&self) {
        self.line.finish_and_clear();
    }

    /// Shows a text if the last update was `interval` ago, and returns whether it did.
    fn show(&self, interval: Duration, text: impl FnOnce() -> String) -> bool {
        let pause = match self.place {
            Place::Nowhere => return false,
            Place::Terminal => interval,
            Place::Log => LOG_INTERVAL,
        };
        if self.shown.get().elapsed() < pause {
            return false;
        }
        match self.place {
            Place::Terminal => self.line.set_message(text()),
            _ => print_info(&format!("{:<10} {}\n", format!("{:.0} s", self.start.elapsed().as_secs_f64()), text())),
        }
        self.shown.set(Instant::now());
        true
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the share of a stage of this age, its rate and the time left.
fn describe(share: Share, elapsed: Duration) -> String {
    let Share { part, amount, unit } = share;
    let seconds = elapsed.as_secs_f64();
    if part == 0.0 || seconds == 0.0 {
        return String::new();
    }
    let rate = (part * amount as f64 / seconds) as u64;
    let rate =
        if unit == work::BYTES { DecimalBytes(rate).to_string() } else { format!("{} {unit}", HumanCount(rate)) };
    format!("{:.0} %, {rate}/s, {:.0} s left, ", 100.0 * part, seconds * (1.0 - part) / part)
}

/// Returns the style of a template.
fn style(template: &str) -> ProgressStyle {
    // The templates are the constants above; a wrong one would give the default line.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("share", |state: &ProgressState, out: &mut dyn fmt::Write| {
        let text = work::share().map_or(String::new(), |share| describe(share, state.elapsed()));
        // A line that cannot be shown is not an error.
        let _ = out.write_str(&text);
    })
}

/// Returns the iterations a second between two states.
fn rate(first: &IterationState, now: &IterationState) -> f64 {
    let seconds = now.at.duration_since(first.at).as_secs_f64();
    if seconds > 0.0 { now.iteration.saturating_sub(first.iteration) as f64 / seconds } else { 0.0 }
}

/// Extrapolates the seconds until the residual is `rtol` from its mean rate between two states.
fn time_left(first: &IterationState, now: &IterationState, rtol: f64) -> Option<f64> {
    let (done, left) = ((first.relative / now.relative).ln(), (now.relative / rtol).ln());
    let seconds = now.at.duration_since(first.at).as_secs_f64() * left / done;
    (done > 0.1 && seconds > 0.0 && seconds < 1e6).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the states of a run that saw a residual first, and another one ten seconds and 100
    /// iterations later.
    fn after_ten_seconds(first: f64, relative: f64) -> [IterationState; 2] {
        let at = Instant::now();
        let later = IterationState { at: at + Duration::from_secs(10), iteration: 1100, relative };
        [IterationState { at, iteration: 1000, relative: first }, later]
    }

    #[test]
    fn rate_and_time_left_follow_the_iterations_and_digits_of_this_run() {
        let [first, now] = after_ten_seconds(1.0, 1e-2);
        assert!((rate(&first, &now) - 10.0).abs() < 1e-9);
        assert!((time_left(&first, &now, 1e-8).unwrap() - 30.0).abs() < 1e-9);
        // From a checkpoint of residual 1e-4.
        let [first, now] = after_ten_seconds(1e-4, 1e-6);
        assert!((time_left(&first, &now, 1e-8).unwrap() - 10.0).abs() < 1e-9);
        for relative in [2.0, 1e-9, f64::NAN] {
            let [first, now] = after_ten_seconds(1.0, relative);
            assert_eq!(time_left(&first, &now, 1e-8), None);
        }
        assert_eq!(rate(&first, &first), 0.0);
    }

    #[test]
    fn a_stage_shows_its_part_its_rate_and_the_time_left() {
        let share = |part, unit| Share { part, amount: 8_000_000, unit };
        let shown = |share| describe(share, Duration::from_secs(2));
        assert_eq!(shown(share(0.25, "elements")), "25 %, 1,000,000 elements/s, 6 s left, ");
        assert_eq!(shown(share(1.0, work::BYTES)), "100 %, 4.00 MB/s, 0 s left, ");
        assert_eq!(shown(share(0.0, "elements")), "");
    }

    fn texts(place: Place, ago: Duration) -> usize {
        let progress = Progress::at(place, ProgressDrawTarget::hidden());
        progress.shown.set(Instant::now().checked_sub(ago).expect("the machine runs that long"));
        (0..5).filter(|_| progress.show(UPDATE_INTERVAL, || "(a line of a test)".to_owned())).count()
    }

    #[test]
    fn a_log_gets_a_line_now_and_then_and_quiet_none() {
        assert_eq!(texts(Place::Log, Duration::from_secs(5)), 0);
        assert_eq!(texts(Place::Log, Duration::from_secs(11)), 1);
        assert_eq!(texts(Place::Nowhere, Duration::from_secs(11)), 0);
        assert_eq!(texts(Place::Terminal, Duration::from_secs(1)), 1);
    }

    #[test]
    fn no_text_is_formatted_between_two_updates() {
        for place in [Place::Terminal, Place::Log, Place::Nowhere] {
            let progress = Progress::at(place, ProgressDrawTarget::hidden());
            // The last update never lies far enough back.
            progress.shown.set(Instant::now() + Duration::from_secs(3600));
            for _ in 0..1000 {
                assert!(!progress.show(UPDATE_INTERVAL, || panic!("a text is formatted")));
            }
        }
    }
}
