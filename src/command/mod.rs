//! One file per subcommand, its arguments and its run; shared argument groups that load themselves.

mod analyze;
mod arguments;
#[cfg(feature = "polars")]
mod athena;
mod backtest;
mod catalog;
mod choices;
#[cfg(feature = "polars")]
mod collect;
mod completions;
mod configured;
mod coverage;
mod decide;
mod doctor;
mod explain;
#[cfg(feature = "aws")]
mod grants;
mod in_use;
mod integrity;
mod inventory;
mod joined;
mod keep;
mod life_cycles;
mod losses;
mod man;
mod network;
mod patch;
mod practices;
#[cfg(feature = "polars")]
mod merge;
#[cfg(feature = "polars")]
mod query;
mod report;
mod resolve;
mod schema;
mod simulate;
mod suggesting;
mod supplements;
mod verify;

use std::io::{self, IsTerminal};

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::help::Help;
use crate::progress::Progress;

/// Who really did what in AWS, what each role may do, and the smaller policy between the two, with a proof.
#[derive(Parser, Debug)]
#[command(name = "trimtrail", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The main job: logs and grants in, smaller policies with a proof out
    Analyze(analyze::AnalyzeArgs),
    /// Snapshot of what IAM grants, from the live API
    #[cfg(feature = "aws")]
    Grants(grants::GrantsArgs),
    /// Logs into a usage ledger, only what is new: the weekly job
    #[cfg(feature = "polars")]
    Collect(collect::CollectArgs),
    /// Ledgers made apart, by shards or machines, as one
    #[cfg(feature = "polars")]
    Merge(merge::MergeArgs),
    /// What this archive can prove, what it cannot, and why
    Coverage(coverage::CoverageArgs),
    /// A result in another format, without analysing again
    Report(report::ReportArgs),
    /// What the trail cannot tell, as a file of questions for people; `analyze --choices` obeys the answers
    Decide(decide::DecideArgs),
    /// Edit the Terraform, CloudFormation and JSON files under a folder
    Patch(patch::PatchArgs),
    /// Why an action is kept or dropped: events, dates, statement, grade
    Explain(explain::ExplainArgs),
    /// Every role and user: who can take it, who did, and how much it may do
    Inventory(inventory::InventoryArgs),
    /// The twelve practices, each with a state, what that rests on and the next step
    Practices(practices::PracticesArgs),
    /// Is NEW safe to put in OLD's place? Proves that it allows no more, or shows a request
    Verify(verify::VerifyArgs),
    /// How often would policies learnt from the past have broken the future?
    Backtest(backtest::BacktestArgs),
    /// Decide requests against policies, one JSON line a case
    Simulate(simulate::SimulateArgs),
    /// One JSON line an event: who, outcome, actions, resources
    Resolve(resolve::ResolveArgs),
    /// The named questions in queries/, or your own SQL, over a result or a ledger
    #[cfg(feature = "polars")]
    Query(query::QueryArgs),
    /// The IAM policy that each source needs, and whether each step works
    Doctor(doctor::DoctorArgs),
    /// What the embedded catalog knows of actions
    Catalog(catalog::CatalogArgs),
    /// Shell completions
    Completions(completions::CompletionsArgs),
    /// The manual page
    Man,
    /// JSON Schema of result.json, or of other answers for programs
    Schema(schema::SchemaArgs),
}

/// Above the flags that every subcommand has.
const GENERAL: &str = "General";

/// How the program talks.
#[derive(Args, Debug)]
struct TerminalArgs {
    /// Say more; repeat for more
    #[arg(short, long, global = true, help_heading = GENERAL, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = GENERAL, conflicts_with = "verbose")]
    quiet: bool,
    /// When to write colours
    #[arg(long, global = true, help_heading = GENERAL, value_enum, default_value_t = Color::Auto, env = "TRIMTRAIL_COLOR")]
    color: Color,
    /// Draw no progress bar
    #[arg(long, global = true, help_heading = GENERAL, env = "TRIMTRAIL_NO_PROGRESS")]
    no_progress: bool,
    /// The configuration file, `trimtrail.toml` in the working folder if it is there
    #[arg(long, global = true, help_heading = GENERAL, value_name = "FILE", env = "TRIMTRAIL_CONFIG")]
    config: Option<std::path::PathBuf>,
    #[command(flatten)]
    catalog: in_use::CatalogInUse,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Color {
    Auto,
    Always,
    Never,
}

/// What subcommands know of the terminal.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Columns of stdout.
    width: usize,
    /// Whether stdout takes colours.
    colour: bool,
    /// How much to say.
    verbose: u8,
    /// Whether to keep silent on stderr.
    quiet: bool,
    /// Draws on stderr, or is silent.
    progress: Progress,
}

impl Terminal {
    fn of(args: &TerminalArgs) -> Terminal {
        let colour = match args.color {
            Color::Always => true,
            Color::Never => false,
            // NO_COLOR: https://no-color.org
            Color::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !no_color
            }
        };
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
            .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
        let draws = io::stderr().is_terminal() && !args.no_progress && !args.quiet;
        Terminal {
            width: width.unwrap_or(100).max(40),
            colour,
            verbose: args.verbose,
            quiet: args.quiet,
            progress: if draws {
                Progress::on_terminal()
            } else {
                Progress::silent()
            },
        }
    }

    /// Says one line on stderr. Whatever breaks a line in `text` comes from a stranger, and shows as `\n`.
    fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{}", crate::emit::escape::terminal(text));
        }
    }

    /// How answers are laid out on it.
    fn form(&self) -> crate::emit::Options {
        crate::emit::Options {
            width: self.width,
            colour: self.colour,
            verbose: self.verbose,
            ..crate::emit::Options::default()
        }
    }

    /// Says why nothing was seen: what was skipped, and the way out.
    fn say_nothing_seen(&self, places: &str, coverage: &crate::coverage::Coverage) {
        if coverage.events_filtered_out > 0 {
            let events = coverage.events_filtered_out;
            self.say(&format!(
                "none of {events} CloudTrail events in {places} lies within the filters given"
            ));
            self.say("help: look at --since, --until, --account and --region");
            return;
        }
        self.say(&format!("no CloudTrail events in {places}"));
        for (what, why, _) in coverage.skipped().iter().take(3) {
            self.say(&format!("  {what}: {why}"));
        }
        self.say("help: pass the folder that holds AWSLogs/, or - for stdin");
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing that needs anybody.
    Clear,
    /// No event was seen.
    NothingSeen,
    /// Something reached `--fail-on`, or a proof failed.
    NeedsAttention,
}

impl Outcome {
    /// The exit code: 0 clear, 3 no events seen, 10 something reached `--fail-on`; 1 and 2 are errors.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clear => 0,
            Outcome::NothingSeen => 3,
            Outcome::NeedsAttention => 10,
        }
    }
}

impl Command {
    /// Whether it says what calls needed, which an old catalog knows less of.
    fn judges(&self) -> bool {
        matches!(
            self,
            Command::Analyze(_)
                | Command::Coverage(_)
                | Command::Inventory(_)
                | Command::Practices(_)
                | Command::Verify(_)
                | Command::Backtest(_)
                | Command::Resolve(_)
        )
    }
}

impl Cli {
    /// Reads the command line, and beneath it the configuration file.
    pub fn from_environment() -> anyhow::Result<Cli> {
        let given = std::env::args_os().collect();
        let words = configured::words(&Cli::command(), given)?;
        Ok(Cli::try_parse_from(words).unwrap_or_else(|error| lacking(&error).unwrap_or(error).exit()))
    }

    /// Runs the subcommand.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let terminal = Terminal::of(&self.terminal);
        self.terminal.catalog.install()?;
        if self.command.judges() {
            in_use::warn(&terminal);
        }
        match self.command {
            Command::Analyze(args) => args.run(&terminal),
            #[cfg(feature = "aws")]
            Command::Grants(args) => args.run(&terminal),
            #[cfg(feature = "polars")]
            Command::Collect(args) => args.run(&terminal),
            #[cfg(feature = "polars")]
            Command::Merge(args) => args.run(&terminal),
            Command::Coverage(args) => args.run(&terminal),
            Command::Report(args) => args.run(&terminal),
            Command::Decide(args) => args.run(&terminal),
            Command::Patch(args) => args.run(&terminal),
            Command::Explain(args) => args.run(&terminal),
            Command::Inventory(args) => args.run(&terminal),
            Command::Practices(args) => args.run(&terminal),
            Command::Verify(args) => args.run(&terminal),
            Command::Backtest(args) => args.run(&terminal),
            Command::Simulate(args) => args.run(),
            Command::Resolve(args) => args.run(&terminal),
            #[cfg(feature = "polars")]
            Command::Query(args) => args.run(&terminal),
            Command::Doctor(args) => args.run(&terminal),
            Command::Catalog(args) => args.run(&self.terminal.catalog),
            Command::Completions(args) => args.run(),
            Command::Man => man::run(),
            Command::Schema(args) => args.run(),
        }
    }
}

/// What only some builds have, and the feature that brings it.
const OF_FEATURES: [(&str, &str); 13] = [
    ("collect", "polars"),
    ("merge", "polars"),
    ("query", "polars"),
    ("--ledger", "polars"),
    ("grants", "aws"),
    ("--profile", "aws"),
    ("--aws-region", "aws"),
    ("--endpoint-url", "aws"),
    ("--assume-role", "aws"),
    ("--external-id", "aws"),
    ("--patience", "aws"),
    ("--request-payer", "aws"),
    ("--in-flight", "aws"),
];

/// What another build would have understood, as the error of this one.
fn lacking(error: &clap::Error) -> Option<clap::Error> {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    let given = kinds.into_iter().find_map(|kind| match error.get(kind) {
        Some(ContextValue::String(given)) => Some(given),
        _ => None,
    })?;
    let is_lacking = |feature| match feature {
        "polars" => !cfg!(feature = "polars"),
        _ => !cfg!(feature = "aws"),
    };
    let (word, feature) = OF_FEATURES
        .into_iter()
        .find(|(word, feature)| given == word && is_lacking(*feature))?;
    let sentence = format!(
        "this build has no `{word}`: it was made without the feature `{feature}`; make one with `cargo build --release`, or \
         take a released program"
    );
    Some(Cli::command().error(error.kind(), sentence))
}

/// The way out of an error, where its stage knows one.
pub fn help(error: &anyhow::Error) -> Option<&'static str> {
    type Cause<'c> = &'c (dyn std::error::Error + 'static);
    fn of<E: Help + 'static>(cause: Cause<'_>) -> Option<&'static str> {
        cause.downcast_ref::<E>().and_then(E::help)
    }
    let stages: &[fn(Cause<'_>) -> Option<&'static str>] = &[
        of::<crate::source::Error>,
        #[cfg(feature = "aws")]
        of::<crate::aws::Trouble>,
        of::<crate::grants::Error>,
        of::<crate::analysis::backtest::Error>,
        #[cfg(feature = "polars")]
        of::<crate::usage::ledger::Error>,
        of::<crate::integrity::Error>,
        of::<crate::catalog::folder::Error>,
    ];
    error.chain().find_map(|cause| stages.iter().find_map(|of| of(cause)))
}
