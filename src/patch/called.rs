//! Names as files write them, and how much one tells: `shop-checkout` is somebody's own, `${var.name}-policy` anybody's.

use super::terraform::Name;
use super::tree::{Piece, stands_for};
use super::witness::Told;
use super::words::own_letters;

/// Letters of words of its own that a name has to have for telling anything.
const OWN: usize = 4;

/// Whether somebody is called as it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Called<'n> {
    /// Nothing says what it is called.
    Unsaid,
    /// It is called something else.
    Otherwise,
    /// Its name, and how that is written.
    So(&'n str, Written<'n>),
}

/// A name as it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Written<'n>(&'n [Piece]);

/// Whether one of `known` is one of the names; by the most telling of them.
pub(super) fn called<'n>(names: &'n [Name], known: &[&'n str]) -> Called<'n> {
    if names.is_empty() {
        return Called::Unsaid;
    }
    let all = names.iter().flat_map(|name| {
        let so = known.iter().filter(|known| stands_for(name, known));
        so.map(|known| (*known, Written(name)))
    });
    let best = all.max_by_key(|(_, name)| (name.is_whole(), name.is_telling(), name.letters()));
    best.map_or(Called::Otherwise, |(known, name)| Called::So(known, name))
}

/// Whether few things are called so.
pub(super) fn tells(name: &str) -> bool {
    Written(&[Piece::Literal(name.to_owned())]).is_telling()
}

impl Called<'_> {
    /// The same where somebody who is called otherwise may be it as well.
    pub(super) fn or_unsaid(self) -> Self {
        match self {
            Called::Otherwise => Called::Unsaid,
            Called::Unsaid | Called::So(..) => self,
        }
    }
}

impl Written<'_> {
    /// Whether all of it is written.
    pub(super) fn is_whole(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// Whether somebody may be called so.
    pub(super) fn may_be(&self, known: &str) -> bool {
        stands_for(self.0, known)
    }

    /// What it tells of whom it names.
    pub(super) fn told(&self, known: &str) -> Told {
        match self.is_whole() {
            true => Told::Name(known.to_owned()),
            false => Told::Pattern(known.to_owned()),
        }
    }

    /// The letters and digits of it that are written.
    pub(super) fn letters(&self) -> usize {
        let letters = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.chars().filter(char::is_ascii_alphanumeric).count(),
            Piece::Reference | Piece::Suffix => 0,
        });
        letters.sum()
    }

    /// Whether few things are called so.
    pub(super) fn is_telling(&self) -> bool {
        let literals = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => own_letters(text),
            Piece::Reference | Piece::Suffix => 0,
        });
        literals.sum::<usize>() >= OWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tree::{Template, pieces};

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(
            Written(&pieces(name, Template::Terraform)).is_telling(),
            expected,
            "{name}"
        );
    }

    #[test]
    fn what_anybody_calls_a_policy_or_role_tells_nothing() {
        for name in [
            "policy",
            "inline",
            "default",
            "LambdaRole",
            "lambda_basic_execution",
            "S3ReadAccess",
            "worker",
            "api-policy",
            "${var.name}-policy",
            "${var.env}-app-role",
            "${var.a}-dev-worker",
            "-${var.a}-",
            "${var.a}",
            "role-2",
            "prod-app",
            "main",
            "assume-base-stage",
            "${local.prefix}-role",
            "${var.name}-firehose-policy",
            "CodeBuildServiceRole",
            "athenaaccess",
            "ECSTaskRole",
        ] {
            check(name, false);
        }
    }

    #[test]
    fn what_is_somebodys_own_tells() {
        for name in [
            "shop-checkout",
            "invoice",
            "${var.env}-shop-app",
            "InvoiceLambdaRole",
            "shop-role",
            "${var.env}-ledger",
        ] {
            check(name, true);
        }
    }
}
