//! The documents of AWS-managed policies, for grants whose export left them out.

use std::io::Read;

use super::table::Table;
use super::{Catalog, embedded};

impl Catalog {
    /// The JSON document of an AWS-managed policy's default version, by its ARN in any partition:
    /// `arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole`.
    pub fn managed_policy(&self, arn: &str) -> Option<String> {
        let (_, path) = arn.strip_prefix("arn:")?.split_once(":iam::aws:policy/")?;
        let table = self.managed_policies();
        let at = table.find(path)?;
        (table.field(at, 0) == path).then(|| table.field(at, 1).to_owned())
    }

    /// The ARNs (partition `aws`) of all AWS-managed policies that the catalog holds.
    pub fn managed_policy_arns(&self) -> impl Iterator<Item = String> + '_ {
        let table = self.managed_policies();
        (0..table.len()).map(|index| format!("arn:aws:iam::aws:policy/{}", table.field(index, 0)))
    }

    fn managed_policies(&self) -> &Table {
        self.policies.get_or_init(|| {
            let mut text = String::new();
            flate2::read::GzDecoder::new(embedded!("managed_policies.gz"))
                .read_to_string(&mut text)
                .expect("committed compressed text");
            Table::new(text)
        })
    }
}
