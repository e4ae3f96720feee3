//! `collect --athena`: the SQL with which Athena reduces a trail, filled in. Prints; asks and writes nothing in AWS.

use anyhow::{bail, ensure};
use clap::Args;

use crate::time::DAY;
use crate::usage::Filter;

/// The table over the trail's bucket.
const TABLE: &str = include_str!("../../queries/athena/table.sql");
/// The reduction.
const REDUCE: &str = include_str!("../../queries/athena/reduce.sql");

/// What Athena has to be told beside the shared flags.
#[derive(Args, Debug)]
pub(super) struct AthenaArgs {
    /// Print the SQL with which Athena counts equal events of an s3:// place, for --logs to read; nothing is run
    #[arg(long, requires = "athena_output", env = "TRIMTRAIL_ATHENA")]
    pub(super) athena: bool,
    /// Where Athena is to put the result: s3://BUCKET/PREFIX; each print names a new folder in it
    #[arg(long, value_name = "PLACE", env = "TRIMTRAIL_ATHENA_OUTPUT")]
    athena_output: Option<String>,
    /// The table to make, with its database if it is not the default one
    #[arg(
        long,
        value_name = "NAME",
        default_value = "trimtrail_cloudtrail",
        env = "TRIMTRAIL_ATHENA_TABLE"
    )]
    athena_table: String,
    /// The organization's id (o-…), where the trail is an organization's
    #[arg(long, value_name = "ID", env = "TRIMTRAIL_ORGANIZATION_ID")]
    organization_id: Option<String>,
}

impl AthenaArgs {
    /// The statements for the trail under one place, `now` in seconds since 1970; the run's id names its folder.
    pub(super) fn sql(&self, places: &[String], filter: &Filter, now: i64, run: u32) -> anyhow::Result<String> {
        let [place] = places else {
            bail!("--athena takes one place; pass --logs s3://BUCKET/PREFIX, the one that holds AWSLogs/");
        };
        let bucket = folder(place.trim_end_matches('/').trim_end_matches("/AWSLogs"), "--logs")?;
        let output = folder(self.athena_output.as_deref().unwrap_or(""), "--athena-output")?;
        let Some(since) = filter.since else {
            bail!("--athena needs --since: Athena bills by the bytes that it reads");
        };
        let (since, end) = (since.div_euclid(DAY), filter.until.unwrap_or(now).div_euclid(DAY));
        let until = if filter.until.is_some_and(|until| until.rem_euclid(DAY) == 0) {
            end
        } else {
            end + 1
        };
        ensure!(since < until, "--since is not before --until");
        ensure!(
            !filter.accounts.is_empty(),
            "--athena needs --account, once for each account of the trail"
        );
        ensure!(
            !filter.regions.is_empty(),
            "--athena needs --region, once for each region of the trail"
        );
        for account in &filter.accounts {
            let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            ensure!(digits, "`{account}` is no account id");
        }
        for region in &filter.regions {
            let plain = region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            ensure!(plain, "`{region}` is no region");
        }
        let table = &self.athena_table;
        let named = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !part.is_empty() && part.bytes().all(plain) && !part.as_bytes()[0].is_ascii_digit()
        };
        ensure!(
            table.split('.').count() <= 2 && table.split('.').all(named),
            "`{table}` is no name of a table: small letters, digits and _, with one . at most"
        );
        let organization = match &self.organization_id {
            None => String::new(),
            Some(id) => {
                let rest = id.strip_prefix("o-").unwrap_or("");
                let plain = rest
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
                ensure!(!rest.is_empty() && plain, "`{id}` is no organization's id");
                format!("{id}/")
            }
        };
        let list = |values: &[&str], quote: &str, join: &str| {
            let quoted: Vec<String> = values.iter().map(|value| format!("{quote}{value}{quote}")).collect();
            quoted.join(join)
        };
        let accounts: Vec<&str> = filter.accounts.iter().map(String::as_str).collect();
        let regions: Vec<&str> = filter.regions.iter().map(String::as_str).collect();
        let output = format!("{output}{}-{run:08x}/", day(now.div_euclid(DAY), "%Y-%m-%d"));
        let values = [
            ("{table}", table.clone()),
            ("{folder}", format!("{bucket}AWSLogs/{organization}")),
            ("{accounts}", list(&accounts, "", ",")),
            ("{regions}", list(&regions, "", ",")),
            ("{account_list}", list(&accounts, "'", ", ")),
            ("{region_list}", list(&regions, "'", ", ")),
            ("{since}", day(since, "%Y/%m/%d")),
            ("{until}", day(until, "%Y/%m/%d")),
            ("{first_day}", day(since, "%Y-%m-%d")),
            ("{end_day}", day(until, "%Y-%m-%d")),
            ("{output}", output.clone()),
        ];
        // The comment above the table explains a placeholder.
        let table = TABLE.replace("-- {folder} is", "-- The location is");
        let mut sql = format!("{table}\n{REDUCE}");
        for (name, value) in values {
            sql = sql.replace(name, &value);
        }
        sql.push_str(&format!(
            "\n-- Run the two statements in Athena, one after another. Then:\n--   aws s3 sync {output} events && trimtrail collect --logs events --ledger DIR\n"
        ));
        Ok(sql)
    }
}

/// A folder in S3 with a slash at its end, in characters that need no quoting (S3 user guide, "Naming S3 objects").
fn folder(place: &str, flag: &str) -> anyhow::Result<String> {
    let place = place.trim_end_matches('/');
    let inside = place.strip_prefix("s3://").unwrap_or("");
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*()/=".contains(&byte);
    ensure!(
        !inside.is_empty() && inside.bytes().all(safe),
        "`{place}` is no place in S3; {flag} takes s3://BUCKET/PREFIX"
    );
    Ok(format!("{place}/"))
}

/// A day since 1970 in some format.
fn day(day: i64, format: &str) -> String {
    jiff::Timestamp::from_second(day * DAY).map_or_else(|_| day.to_string(), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(organization_id: Option<&str>) -> AthenaArgs {
        AthenaArgs {
            athena: true,
            athena_output: Some("s3://results/trimtrail".to_owned()),
            athena_table: "logs.trail".to_owned(),
            organization_id: organization_id.map(str::to_owned),
        }
    }

    fn filter() -> Filter {
        Filter {
            since: Some(20_454 * DAY), // 2026-01-01
            until: Some(20_457 * DAY),
            accounts: ["111122223333", "444455556666"].map(str::to_owned).into(),
            regions: ["eu-west-1", "us-east-1"].map(str::to_owned).into(),
        }
    }

    fn sql(args: &AthenaArgs, filter: &Filter) -> Result<String, String> {
        let places = ["s3://trail-bucket/some/prefix/AWSLogs/".to_owned()];
        args.sql(&places, filter, 20_500 * DAY + 5, 0xBEEF)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_parameter_is_filled_in() {
        let sql = sql(&args(Some("o-abc123")), &filter()).expect("SQL");
        for line in [
            "CREATE EXTERNAL TABLE IF NOT EXISTS logs.trail (",
            "LOCATION 's3://trail-bucket/some/prefix/AWSLogs/o-abc123/'",
            "    'projection.account.values' = '111122223333,444455556666',",
            "    'storage.location.template' = 's3://trail-bucket/some/prefix/AWSLogs/o-abc123/${account}/CloudTrail/${region}/${day}');",
            "    'projection.day.range' = '2026/01/01,NOW',",
            "        WHERE day BETWEEN '2026/01/01' AND '2026/01/04'",
            "            AND eventtime >= '2026-01-01' AND eventtime < '2026-01-04'",
            "            AND account IN ('111122223333', '444455556666')",
            "            AND region IN ('eu-west-1', 'us-east-1')",
            "TO 's3://results/trimtrail/2026-02-16-0000beef/'",
        ] {
            assert!(sql.lines().any(|found| found == line), "{line} is not in\n{sql}");
        }
        let open = sql
            .replace("${account}", "")
            .replace("${region}", "")
            .replace("${day}", "");
        assert!(!open.contains(['{', '}']), "{open}");
    }

    #[test]
    fn an_account_trail_has_no_organization() {
        let sql = sql(&args(None), &filter()).expect("SQL");
        assert!(
            sql.contains("LOCATION 's3://trail-bucket/some/prefix/AWSLogs/'"),
            "{sql}"
        );
    }

    #[test]
    fn what_cannot_be_filled_in_is_said() {
        let check = |change: &dyn Fn(&mut AthenaArgs, &mut Filter), wanted: &str| {
            let (mut args, mut filter) = (args(None), filter());
            change(&mut args, &mut filter);
            let said = sql(&args, &filter).expect_err(wanted);
            assert!(said.contains(wanted), "{said}");
        };
        check(&|_, filter| filter.since = None, "--since");
        check(&|_, filter| filter.accounts.clear(), "--account");
        check(&|_, filter| filter.regions.clear(), "--region");
        check(
            &|_, filter| filter.accounts = ["1' OR '1".to_owned()].into(),
            "no account id",
        );
        check(&|_, filter| filter.regions = ["eu'".to_owned()].into(), "no region");
        check(
            &|args, _| args.athena_output = Some("s3://x/'y".to_owned()),
            "no place in S3",
        );
        check(&|args, _| args.athena_table = "a;b".to_owned(), "no name of a table");
        check(&|args, _| args.organization_id = Some("r-1".to_owned()), "organization");
    }
}
