//! `doctor`: the least-privilege policy that each source needs, and whether each step works.

pub(super) mod policy;

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;

use super::{Outcome, Terminal};
use crate::emit::escape;
use crate::source;

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// A place that logs will be read from: s3://bucket/prefix or lookup:REGION; repeats
    #[arg(long, value_name = "PLACE", num_args = 1.., env = "TRIMTRAIL_LOGS")]
    logs: Vec<String>,
    /// The KMS key that the objects are encrypted with; repeats
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,
    /// `live`: grants will be read from the live API; files need no permission; repeats
    #[arg(long, value_name = "PLACE", num_args = 1.., env = "TRIMTRAIL_GRANTS")]
    grants: Vec<String>,
    /// Also of the organization, and of its other accounts
    #[arg(long)]
    org: bool,
    /// The role to take in each other account
    #[arg(long, value_name = "NAME", requires = "org")]
    assume_role_name: Option<String>,
    /// Also last-accessed data; this is the default
    #[arg(long, overrides_with = "no_last_accessed")]
    last_accessed: bool,
    /// Without last-accessed data
    #[arg(long)]
    no_last_accessed: bool,
    /// Print the policies and try nothing
    #[arg(long)]
    offline: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    aws: super::network::AwsArgs,
}

impl DoctorArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let (places, near): (Vec<String>, Vec<String>) =
            self.logs.iter().cloned().partition(|place| source::is_remote(place));
        if let Some(empty) = places
            .iter()
            .find(|place| matches!(place.as_str(), "s3://" | "lookup:"))
        {
            bail!("`{empty}` names no place; write s3://bucket/prefix or lookup:REGION");
        }
        for place in near {
            terminal.say(&format!("{place}: on this machine, needs no permission"));
        }
        let needs = policy::Needs {
            places: &places,
            kms_keys: &self.kms_key,
            // Asked for nothing in particular, it shows what everything needs.
            grants: self.grants.iter().any(|place| place == "live")
                || self.org
                || self.last_accessed
                || self.logs.is_empty() && self.grants.is_empty(),
            organization: self.org,
            member_role: self.assume_role_name.as_deref(),
            last_accessed: self.last_accessed || !self.no_last_accessed,
            partition: "aws",
        };
        terminal.say(&super::in_use::line());
        super::in_use::warn(terminal);
        let mut out = io::stdout().lock();
        let shown = |policy: serde_json::Value| escape::json(&format!("{policy:#}")).into_owned();
        writeln!(out, "Whoever runs trimtrail needs\n\n{}", shown(policy::of(&needs)))?;
        if let Some(role) = &self.assume_role_name {
            let role = escape::terminal(role);
            writeln!(
                out,
                "\nThe role {role} in each other account needs\n\n{}",
                shown(policy::member(&needs))
            )?;
        }
        self.try_all(&places, &needs, terminal, &mut out)
    }

    #[cfg(feature = "aws")]
    fn try_all(
        &self,
        places: &[String],
        needs: &policy::Needs<'_>,
        terminal: &Terminal,
        out: &mut dyn Write,
    ) -> anyhow::Result<Outcome> {
        use crate::aws::Trouble;
        use crate::grants::live;
        use crate::source::{lookup, s3};

        if self.offline {
            return Ok(Outcome::Clear);
        }
        terminal.progress.stage("trying");
        let connection = self.aws.connect()?;
        let caller = connection.caller();
        let own = caller.as_ref().map(|caller| caller.arn.clone()).ok();
        let caller = caller.map(|caller| format!("you are {}", caller.arn));
        let known = caller.is_ok();
        let mut tried: Vec<(String, Result<String, Trouble>)> = vec![("credentials".to_owned(), caller)];
        if known {
            for place in places {
                let result = if place.starts_with("s3://") {
                    s3::check(&connection, place, &self.aws.s3())
                } else {
                    lookup::check(&connection, place)
                };
                tried.push((place.clone(), result));
            }
            if needs.grants {
                tried.push(("grants".to_owned(), live::check(&connection)));
            }
            if needs.organization {
                tried.push(("organization".to_owned(), live::check_organization(&connection)));
            }
        }
        terminal.progress.finish();
        writeln!(out)?;
        let mut failed = 0;
        for (what, result) in &tried {
            let line = match result {
                Ok(sentence) => format!("ok      {what}: {sentence}"),
                Err(trouble) => {
                    failed += 1;
                    format!("failed  {what}: {trouble} ({})", trouble.help())
                }
            };
            writeln!(out, "{}", escape::terminal(&line))?;
        }
        if let Some(own) = own {
            writeln!(
                out,
                "\nWhat trimtrail does as you stands in the logs too. So that nothing of yours goes for it, pass\n\n  --own {}",
                escape::terminal(&own)
            )?;
        }
        if failed > 0 {
            bail!("{failed} of {} steps failed", tried.len());
        }
        Ok(Outcome::Clear)
    }

    #[cfg(not(feature = "aws"))]
    fn try_all(
        &self,
        _places: &[String],
        _needs: &policy::Needs<'_>,
        terminal: &Terminal,
        _out: &mut dyn Write,
    ) -> anyhow::Result<Outcome> {
        if !self.offline {
            terminal.say("nothing was tried: this build cannot reach a network");
        }
        Ok(Outcome::Clear)
    }
}
