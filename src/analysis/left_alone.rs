//! What is left alone, and why: asked once of each policy and each principal.

use std::collections::BTreeSet;

use crate::gap::Gap;
use crate::grants::{Grants, PrincipalIndex};
use crate::rightsize::{self, Options};

/// What is left alone, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftAlone {
    /// Why a principal's policies are not rewritten, in the order of the principals.
    pub principals: Vec<Option<String>>,
    /// Why a policy is not rewritten, in the order of the policies.
    pub policies: Vec<Option<String>>,
    /// Who runs this program, as the operator names them.
    pub own: BTreeSet<PrincipalIndex>,
}

impl LeftAlone {
    pub(super) fn of(grants: &Grants, gaps: &[Gap], options: &Options) -> LeftAlone {
        let policies = 0..grants.policies.len();
        let principals = 0..grants.principals.len();
        LeftAlone {
            policies: policies
                .map(|policy| rightsize::why_not_policy(grants, policy, gaps, options.replace_aws_managed))
                .collect(),
            own: principals
                .clone()
                .filter(|principal| options.keep.is_own(&grants.principals[*principal]))
                .collect(),
            principals: principals
                .map(|principal| rightsize::why_not_principal(grants, gaps, principal))
                .collect(),
        }
    }
}
