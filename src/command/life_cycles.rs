//! Whether what a principal makes keeps what its life cycle will take: one flag of several subcommands.

use clap::{Args, ValueEnum};

/// Whether what a principal makes keeps what its life cycle will take.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct LifeCycleArgs {
    /// Keep, for who makes or attaches a kind of thing, what changes, reads, untags, detaches and deletes it
    #[arg(long, value_enum, value_name = "WHETHER", default_value_t = LifeCyclesArg::On, env = "TRIMTRAIL_LIFE_CYCLES")]
    life_cycles: LifeCyclesArg,
}

impl LifeCycleArgs {
    pub(super) fn on(self) -> bool {
        self.life_cycles == LifeCyclesArg::On
    }
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum LifeCyclesArg {
    /// Such actions are `inferred` and stay
    On,
    /// The past alone decides
    Off,
}
