//! Names that more than one actor uses: accounts, regions, roles, the calendar.

use jiff::civil::date;

use super::super::event::{Seconds, instant};
use super::super::identity::Role;

/// The account of the web shop.
pub(crate) const SHOP: &str = "111122223333";
/// The account of the data lake.
pub(crate) const DATA: &str = "444455556666";
/// Where both accounts work.
pub(crate) const EU: &str = "eu-west-1";
/// Where global services log.
pub(crate) const US: &str = "us-east-1";
/// The OpenID Connect provider of the cluster `shop`.
pub(crate) const CLUSTER_OIDC: &str =
    "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
/// The one bucket whose object calls are logged.
pub(crate) const INVOICES: &str = "arn:aws:s3:::shop-invoices";
/// The key that encrypts the shop's secrets.
pub(crate) const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// The instances of the cluster.
pub(crate) const NODES: [&str; 2] = ["i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"];
/// October 2026, from the first to this day.
pub(crate) const LAST_DAY: i8 = 14;

/// A time in October 2026, UTC.
pub(crate) fn at(day: i8, hour: i8, minute: i8, second: i8) -> Seconds {
    instant(date(2026, 10, day).at(hour, minute, second, 0))
}

/// Is it a Saturday or a Sunday?
pub(crate) fn weekend(day: i8) -> bool {
    matches!(
        date(2026, 10, day).weekday(),
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
    )
}

pub(crate) fn shop_role(name: &str) -> Role {
    Role::new(SHOP, name)
}

pub(crate) fn data_role(name: &str) -> Role {
    Role::new(DATA, name)
}

/// The role of the shop's administrators, made by IAM Identity Center.
pub(crate) fn admin_role() -> Role {
    Role::new(SHOP, "AWSReservedSSO_AdministratorAccess_0123456789abcdef")
        .path("/aws-reserved/sso.amazonaws.com/eu-west-1/")
}
