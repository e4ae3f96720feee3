//! What lies behind a network: logs in S3 and LookupEvents, grants from the live API.
//!
//! Built without the feature `aws`, the program has the same places in its grammar and says that it cannot reach them.

use clap::Args;

#[cfg(feature = "aws")]
pub(super) use reach::AwsArgs;
#[cfg(not(feature = "aws"))]
pub(super) use unreachable::AwsArgs;

#[cfg(feature = "aws")]
mod reach {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::Args;
    use crate::aws::{self, Connection};
    use crate::grants;
    use crate::progress::Progress;
    use crate::source::{self, Source, Wanted, lookup, s3};

    /// How to reach AWS.
    #[derive(Args, Debug, Clone)]
    #[command(next_help_heading = "AWS")]
    pub(in crate::command) struct AwsArgs {
        /// A profile of ~/.aws/config
        #[arg(long, value_name = "NAME", env = "TRIMTRAIL_PROFILE")]
        profile: Option<String>,
        /// The region to ask first; a bucket's own is found
        #[arg(long, value_name = "REGION", env = "TRIMTRAIL_AWS_REGION")]
        aws_region: Option<String>,
        /// Another place than AWS, for all services
        #[arg(long, value_name = "URL", env = "TRIMTRAIL_ENDPOINT_URL")]
        endpoint_url: Option<String>,
        /// A role to take first
        #[arg(long, value_name = "ARN", env = "TRIMTRAIL_ASSUME_ROLE")]
        assume_role: Option<String>,
        /// What that role's trust policy asks for
        #[arg(long, value_name = "ID", env = "TRIMTRAIL_EXTERNAL_ID")]
        external_id: Option<String>,
        /// Certificates to trust beside the system's
        #[arg(long, value_name = "FILE", env = "AWS_CA_BUNDLE", hide = true)]
        ca_bundle: Option<PathBuf>,
        /// Seconds of silence after which an attempt is given up
        #[arg(long, value_name = "SECONDS", default_value_t = 20, env = "TRIMTRAIL_PATIENCE", value_parser = clap::value_parser!(u64).range(1..=3600))]
        patience: u64,
        /// Pay for requests and transfer, which requester-pays buckets ask for
        #[arg(long, env = "TRIMTRAIL_REQUEST_PAYER")]
        request_payer: bool,
        /// S3 requests that are under way at once
        #[arg(long, value_name = "N", default_value_t = 128, env = "TRIMTRAIL_IN_FLIGHT", value_parser = in_flight)]
        in_flight: usize,
        /// Most bytes of S3 objects that are held at once
        #[arg(long, value_name = "BYTES", default_value = "256MiB", value_parser = super::super::arguments::bytes, env = "TRIMTRAIL_FETCH_AHEAD")]
        fetch_ahead: u64,
    }

    fn in_flight(text: &str) -> Result<usize, String> {
        match text.parse() {
            Ok(number @ 1..=4096) => Ok(number),
            Ok(_) | Err(_) => Err(format!("`{text}` is no number from 1 to 4096")),
        }
    }

    impl AwsArgs {
        /// Finds credentials.
        pub(in crate::command) fn connect(&self) -> anyhow::Result<Connection> {
            Ok(Connection::open(&aws::Options {
                profile: self.profile.clone(),
                region: self.aws_region.clone(),
                endpoint_url: self.endpoint_url.clone(),
                assume_role: self.assume_role.clone(),
                external_id: self.external_id.clone(),
                ca_bundle: self.ca_bundle.clone(),
                patience: Duration::from_secs(self.patience),
            })?)
        }

        /// What the trust policies of roles ask for.
        pub(in crate::command) fn external_id(&self) -> Option<String> {
            self.external_id.clone()
        }

        /// The grants of the caller's account, page by page.
        pub(in crate::command) fn grants(&self) -> anyhow::Result<Vec<(String, String)>> {
            Ok(grants::live::pages(&self.connect()?)?)
        }

        /// How objects are fetched.
        pub(in crate::command) fn s3(&self) -> s3::Options {
            s3::Options {
                in_flight: self.in_flight,
                ahead: self.fetch_ahead,
                request_payer: self.request_payer,
                ..s3::Options::default()
            }
        }

        /// What these places hold, of what is wanted.
        pub(in crate::command) fn find(
            &self,
            places: &[String],
            wanted: &Wanted,
            progress: &Progress,
        ) -> anyhow::Result<Vec<Source>> {
            if places.is_empty() {
                return Ok(Vec::new());
            }
            let connection = self.connect()?;
            let (buckets, regions): (Vec<String>, Vec<String>) =
                places.iter().cloned().partition(|place| place.starts_with("s3://"));
            let mut sources = s3::find(&connection, &buckets, wanted, &self.s3(), progress)?;
            let now = jiff::Timestamp::now().as_second();
            sources.extend(source::lookup::find(
                &connection,
                &regions,
                wanted,
                &lookup::Options::at(now),
            )?);
            Ok(sources)
        }
    }
}

#[cfg(not(feature = "aws"))]
mod unreachable {
    use super::Args;
    use crate::progress::Progress;
    use crate::source::{Error, Source, Wanted};

    /// Nothing, in a program that cannot reach a network.
    #[derive(Args, Debug, Clone)]
    pub(in crate::command) struct AwsArgs {}

    impl AwsArgs {
        /// Says that it cannot.
        pub(in crate::command) fn grants(&self) -> anyhow::Result<Vec<(String, String)>> {
            Err(Error::Network {
                place: "live".to_owned(),
                why: "this build cannot reach a network".to_owned(),
                help: "take a build with the feature `aws`, or: aws iam get-account-authorization-details > grants.json",
            }
            .into())
        }

        /// Says that it cannot.
        pub(in crate::command) fn find(
            &self,
            places: &[String],
            _wanted: &Wanted,
            _progress: &Progress,
        ) -> anyhow::Result<Vec<Source>> {
            match places.first() {
                None => Ok(Vec::new()),
                Some(place) => Err(Error::Network {
                    place: place.clone(),
                    why: "this build cannot reach a network".to_owned(),
                    help: "take a build with the feature `aws`, or fetch the files first: aws s3 sync",
                }
                .into()),
            }
        }
    }
}
