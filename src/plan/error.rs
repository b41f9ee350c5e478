//! What can be wrong with a plan or a selector.

use thiserror::Error;

/// Why no plan could be made, or why a selector names no task.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// A stage needs another that the point does not ask for, or asks for later.
    #[error(
        "stage `{stage}` needs `{need}`, which point {point} does not ask for before it, expected one of: {known}"
    )]
    NeedNotRequested {
        /// The stage.
        stage: String,
        /// The stage it needs.
        need: String,
        /// Position of the point.
        point: usize,
        /// Stages that the point asks for before.
        known: String,
    },
    /// Two needs of a stage have the same role.
    #[error("stage `{stage}` reads two inputs as `{role}`, expected a role for each")]
    DuplicateRole {
        /// The stage.
        stage: String,
        /// The role.
        role: String,
    },
    /// Two stages have the same name.
    #[error("two stages are called `{stage}`, expected a name for each")]
    DuplicateStage {
        /// The name.
        stage: String,
    },
    /// Tables or figures are to be made, but no stage makes them.
    #[error("no stage is called `{stage}`, expected one that gathers what the others made")]
    NoGatherer {
        /// The name that is missing.
        stage: &'static str,
    },
    /// Two figures have the same name.
    #[error("two figures are called `{figure}`, expected a name for each")]
    DuplicateFigure {
        /// The name.
        figure: String,
    },
    /// The text of a selector is not of the known form.
    #[error(
        "selector `{selector}` is not of the form `stage`, `stage[name=value,…]` or `[name=value,…]`: {problem}"
    )]
    SelectorSyntax {
        /// The text.
        selector: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A selector names a stage that the plan does not have.
    #[error("selector `{selector}` names stage `{stage}`, expected one of: {known}{suggestion}")]
    UnknownStage {
        /// The text.
        selector: String,
        /// The stage it names.
        stage: String,
        /// The stages of the plan.
        known: String,
        /// `; did you mean …`, or nothing.
        suggestion: String,
    },
    /// A selector names a coordinate that the plan does not have.
    #[error(
        "selector `{selector}` names coordinate `{coordinate}`, expected one of: {known}{suggestion}"
    )]
    UnknownCoordinate {
        /// The text.
        selector: String,
        /// The coordinate it names.
        coordinate: String,
        /// The coordinates of the plan.
        known: String,
        /// `; did you mean …`, or nothing.
        suggestion: String,
    },
    /// A selector is well formed but no task fits.
    #[error("selector `{selector}` matches no task, expected values such as: {known}")]
    NoMatch {
        /// The text.
        selector: String,
        /// Some labels of tasks.
        known: String,
    },
}
