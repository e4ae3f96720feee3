//! The pipeline as one function: an archive and grants in; gaps, proved suggestions, a backtest and findings out.

pub mod backtest;
mod choices;
mod left_alone;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use rayon::prelude::*;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::gap::{self, Gap};
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::hygiene;
use crate::rightsize::{self, AlternativeKind, Basis, Candidate, Impossible, Proposal, Risks};
use crate::time::Window;
use crate::usage::Table;
use crate::verify::{self, Proved, ProvedAlternative, ProvedSplit, Refusal, Verified};

use backtest::{Backtest, Choice, LEARNT, Split};
pub use choices::{Asked, Question};
pub use left_alone::LeftAlone;

/// Up to so many rows of the table (signature and day), a backtest costs less than a second.
const BACKTEST_ROWS: usize = 50_000;
/// And up to so many principals.
const BACKTEST_PRINCIPALS: usize = 500;

/// What the logs say.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// All calls.
    pub table: &'a Table,
    /// What was read.
    pub coverage: &'a Coverage,
    /// What the archive spans; `None` where no event was read.
    pub window: Option<Window>,
}

impl<'a> Archive<'a> {
    /// An archive that spans what was seen in it.
    pub fn new(table: &'a Table, coverage: &'a Coverage) -> Archive<'a> {
        Archive {
            table,
            coverage,
            window: coverage.span,
        }
    }
}

/// When to replay the last third of the window under policies learnt from the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    /// Where it takes less than a second.
    Auto,
    /// Whatever it takes.
    Always,
    /// Not at all.
    #[default]
    Never,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How suggestions are made.
    pub suggestions: rightsize::Options,
    /// Other ways to the same end that are asked for.
    pub alternatives: BTreeSet<AlternativeKind>,
    /// When to try a backtest.
    pub backtest: When,
    /// Which principals are shown; `None` for all. Everybody's use counts all the same.
    pub shown: Option<BTreeSet<PrincipalIndex>>,
    /// When the analysis is made, in seconds since 1970: suggestions stay good for some days from then. `None` counts from
    /// the archive's end.
    pub now: Option<i64>,
}

impl Options {
    /// Suggestions for everybody, and nothing beside them.
    pub fn of(suggestions: &rightsize::Options) -> Options {
        Options {
            suggestions: suggestions.clone(),
            ..Options::default()
        }
    }

    /// Whether somebody is shown.
    pub fn shows(&self, principal: PrincipalIndex) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.contains(&principal))
    }
}

/// A proposal that no proof accepted: what each says of which candidate.
pub type Refused = (Proposal, Vec<(Candidate, Refusal)>);

/// What the stages found.
#[derive(Debug)]
pub struct Analysis {
    /// Usage and grants joined, in the order of the principals.
    pub gaps: Vec<Gap>,
    /// What is left alone, and why.
    pub left_alone: LeftAlone,
    /// What people are asked, and what became of their answers.
    pub asked: Asked,
    /// What was proved: ready ones first, then the greatest risk removed; the steps of one policy side by side.
    pub proved: Vec<(Proposal, Verified<Proved>)>,
    /// What was refused.
    pub refused: Vec<Refused>,
    /// Policies of which no form fits AWS's quota, with the reason.
    pub unfit: Vec<(PolicyIndex, String)>,
    /// Alternatives that were asked for and proved; splits too, where something stays for lack of room.
    pub alternatives: Vec<ProvedAlternative>,
    /// Alternatives that were asked for and cannot be had, with the documents that were refused.
    pub impossible: Vec<(Impossible, Vec<Value>)>,
    /// Roles that several workloads share, as the roles that they should be.
    pub splits: Vec<ProvedSplit>,
    /// What a backtest of the same archive shows.
    pub backtest: Option<Backtest>,
    /// What deserves attention of each principal that is shown, in the order of the principals.
    pub findings: Vec<Vec<hygiene::Finding>>,
    /// What deserves attention of whole accounts.
    pub account_findings: Vec<hygiene::AccountFinding>,
    /// Who can take whom.
    pub hierarchy: hygiene::Hierarchy,
}

/// Takes an archive and grants through every stage.
pub fn analyse(catalog: &Catalog, archive: &Archive<'_>, grants: &Grants, options: &Options) -> Analysis {
    through(catalog, archive, grants, options, true)
}

/// The same without what no practice is judged by: questions, alternatives, splits and who takes whom are empty.
pub fn judge(catalog: &Catalog, archive: &Archive<'_>, grants: &Grants, options: &Options) -> Analysis {
    through(catalog, archive, grants, options, false)
}

fn through(catalog: &Catalog, archive: &Archive<'_>, grants: &Grants, options: &Options, whole: bool) -> Analysis {
    let gaps = gaps(catalog, archive, grants, options.suggestions.life_cycles);
    let basis = basis(catalog, archive, grants, &gaps, options);
    let mut suggested = basis.as_ref().map(suggest).unwrap_or_default();
    let backtest = try_backtest(catalog, archive, grants, options);
    let broke = backtest.as_ref().map(|backtest| &backtest.broke);
    for (proposal, _) in &mut suggested.proved {
        if let Some(why) = broke.and_then(|broke| broke.get(&proposal.policy)) {
            proposal.hold(why);
        }
    }
    rank(catalog, grants, &mut suggested.proved);
    let beside = match &basis {
        Some(basis) if whole => beside(basis, options, &suggested, broke),
        Some(_) | None => Beside::default(),
    };
    let Suggested {
        proved, refused, unfit, ..
    } = suggested;
    let left_alone = LeftAlone::of(grants, &gaps, &options.suggestions);
    let asked = match whole {
        true => Asked::of(catalog, grants, &gaps, &left_alone, &options.suggestions),
        false => Asked::default(),
    };
    let graph = hygiene::Graph::new(catalog, grants);
    let across = hygiene::Across::of(archive.table, archive.coverage, grants);
    let ground = hygiene::Ground {
        grants,
        across: &across,
        coverage: archive.coverage,
        window: archive.window.unwrap_or_default(),
        options: &options.suggestions,
    };
    Analysis {
        asked,
        left_alone,
        findings: findings(catalog, archive, &gaps, &proved, (ground, &graph), options),
        account_findings: hygiene::account_findings(&hygiene::Account {
            ground,
            table: archive.table,
            gaps: &gaps,
            graph: &graph,
        }),
        hierarchy: match whole {
            true => graph.hierarchy(),
            false => hygiene::Hierarchy::default(),
        },
        gaps,
        proved,
        refused,
        unfit,
        alternatives: beside.alternatives,
        impossible: beside.impossible,
        splits: beside.splits,
        backtest,
    }
}

/// What suggestions rest on; `None` where no event was read.
pub fn basis<'a>(
    catalog: &'a Catalog,
    archive: &Archive<'a>,
    grants: &'a Grants,
    gaps: &'a [Gap],
    options: &'a Options,
) -> Option<Basis<'a>> {
    Some(Basis {
        catalog,
        table: archive.table,
        grants,
        gaps,
        window: archive.window?,
        options: &options.suggestions,
    })
}

/// Usage joined with grants.
pub fn gaps(catalog: &Catalog, archive: &Archive<'_>, grants: &Grants, life_cycles: bool) -> Vec<Gap> {
    let window = archive.window.unwrap_or_default();
    let mut gaps = gap::classify(catalog, archive.table, grants, archive.coverage, window);
    if !life_cycles {
        gaps.iter_mut().for_each(Gap::forget_life_cycles);
    }
    gaps
}

/// What became of everything that can shrink.
#[derive(Default)]
struct Suggested {
    proved: Vec<(Proposal, Verified<Proved>)>,
    refused: Vec<Refused>,
    unfit: Vec<(PolicyIndex, String)>,
    /// Policies of which something stays for room, or of which no form fits.
    scarce: BTreeSet<PolicyIndex>,
}

/// What can shrink, with what the proofs say of it.
fn suggest(basis: &Basis<'_>) -> Suggested {
    let Basis {
        catalog, grants, gaps, ..
    } = *basis;
    let (proposals, unfit) = rightsize::propose(basis);
    let mut suggested = Suggested {
        scarce: rightsize::scarce(&proposals, &unfit),
        unfit,
        ..Suggested::default()
    };
    let documents = Mutex::default();
    let proofs: Vec<_> = proposals
        .into_par_iter()
        .map(|mut proposal| {
            let mut proof = verify::prove(catalog, grants, gaps, &proposal);
            if let Ok(proved) = &mut proof {
                proved.share(&documents);
            }
            proposal.candidates.clear();
            (proposal, proof)
        })
        .collect();
    for (proposal, proof) in proofs {
        match proof {
            Ok(verified) => suggested.proved.push((proposal, verified)),
            Err(refusals) => suggested.refused.push((proposal, refusals)),
        }
    }
    suggested
}

/// Ready ones first, then the greatest risk removed; the steps of one policy side by side.
fn rank(catalog: &Catalog, grants: &Grants, proved: &mut [(Proposal, Verified<Proved>)]) {
    let risks = Risks::new(catalog);
    let mut most: BTreeMap<PolicyIndex, u64> = BTreeMap::new();
    for (proposal, proved) in proved.iter() {
        let risk = risks.sum(&proved.candidate.removed) * proposal.affects.len() as u64;
        let known = most.entry(proposal.policy).or_default();
        *known = (*known).max(risk);
    }
    proved.sort_by_cached_key(|(proposal, _)| {
        let document = &grants.policies[proposal.policy];
        (
            proposal.held.is_some(),
            Reverse(most[&proposal.policy]),
            document.arn.clone(),
            document.name.clone(),
            proposal.step,
        )
    });
}

/// What stands beside the suggestions.
#[derive(Default)]
struct Beside {
    alternatives: Vec<ProvedAlternative>,
    impossible: Vec<(Impossible, Vec<Value>)>,
    splits: Vec<ProvedSplit>,
}

fn beside(
    basis: &Basis<'_>,
    options: &Options,
    suggested: &Suggested,
    broke: Option<&BTreeMap<PolicyIndex, String>>,
) -> Beside {
    let mut rooms = suggested.proved.iter().map(|(proposal, _)| &proposal.room);
    let scarce = Scarce {
        splits_help: !suggested.unfit.is_empty() || rooms.any(Option::is_some),
        policies: &suggested.scarce,
    };
    let (mut alternatives, mut impossible) = alternatives(basis, options, &scarce, broke);
    let splits = splits(basis, options, broke);
    alternatives.extend(splits.sessions);
    impossible.extend(splits.refused);
    Beside {
        alternatives,
        impossible,
        splits: splits.proved,
    }
}

/// Where there was too little room.
struct Scarce<'a> {
    /// Whether a split is offered unasked.
    splits_help: bool,
    policies: &'a BTreeSet<PolicyIndex>,
}

/// Other ways to the same end, held where what they stand for broke in the backtest.
fn alternatives(
    basis: &Basis<'_>,
    options: &Options,
    scarce: &Scarce<'_>,
    broke: Option<&BTreeMap<PolicyIndex, String>>,
) -> (Vec<ProvedAlternative>, Vec<(Impossible, Vec<Value>)>) {
    let (mut alternatives, mut impossible) = (Vec::new(), Vec::new());
    let asked = &options.alternatives;
    let split = scarce.splits_help.then_some(AlternativeKind::Split);
    let kinds: BTreeSet<AlternativeKind> = asked.iter().copied().chain(split).collect();
    if kinds.is_empty() {
        return (alternatives, impossible);
    }
    let kinds: Vec<AlternativeKind> = kinds.into_iter().collect();
    let (made, not_made) = rightsize::alternatives(basis, scarce.policies, &kinds);
    // Why there is no split, the suggestion itself says.
    let not_made = not_made.into_iter().filter(|why| asked.contains(&why.kind));
    impossible.extend(not_made.map(|why| (why, Vec::new())));
    for mut alternative in made {
        let concerns = |policy: PolicyIndex| match alternative.policy {
            Some(own) => own == policy,
            None => (basis.grants.affected_by(policy).iter()).any(|one| alternative.affects.contains(one)),
        };
        if let Some((_, why)) = broke.into_iter().flatten().find(|(policy, _)| concerns(**policy)) {
            alternative.hold(why);
        }
        match verify::alternative(basis.catalog, basis.gaps, alternative) {
            Ok(verified) => alternatives.push(verified),
            Err(refused) => {
                let (alternative, refusal) = *refused;
                let why = Impossible {
                    kind: alternative.kind,
                    policy: alternative.policy,
                    affects: alternative.affects,
                    why: refusal.to_string(),
                };
                impossible.push((why, alternative.documents));
            }
        }
    }
    (alternatives, impossible)
}

/// Roles that several workloads share: what became of them.
#[derive(Debug, Default)]
pub struct Splits {
    /// The roles that they should be.
    pub proved: Vec<ProvedSplit>,
    /// Session policies for each workload, where those are asked for.
    pub sessions: Vec<ProvedAlternative>,
    /// What cannot be had, with the documents that were refused.
    pub refused: Vec<(Impossible, Vec<Value>)>,
}

/// Takes the roles that several workloads share apart, and proves each part.
pub fn splits(basis: &Basis<'_>, options: &Options, broke: Option<&BTreeMap<PolicyIndex, String>>) -> Splits {
    let Basis {
        catalog, grants, gaps, ..
    } = *basis;
    let mut splits = Splits::default();
    let (made, not_made) = rightsize::role_splits(basis, &|index| options.shows(index));
    splits.refused.extend(not_made.into_iter().map(|why| (why, Vec::new())));
    let broken = |role: PrincipalIndex| {
        let policies = grants.policies_of(role);
        let mut broke = broke.into_iter().flatten();
        broke.find(|(policy, _)| policies.contains(policy)).map(|(_, why)| why)
    };
    if options.alternatives.contains(&AlternativeKind::SessionPolicy) {
        let (sessions, not_made) = rightsize::session_policies(basis, &made);
        splits.refused.extend(not_made.into_iter().map(|why| (why, Vec::new())));
        for mut session in sessions {
            if let Some(why) = session.affects.first().and_then(|role| broken(*role)) {
                session.hold(why);
            }
            match verify::alternative(catalog, gaps, session) {
                Ok(proved) => splits.sessions.push(proved),
                Err(refused) => {
                    let (session, refusal) = *refused;
                    splits.refused.push((
                        Impossible {
                            kind: session.kind,
                            policy: None,
                            affects: session.affects,
                            why: format!("{}: {refusal}", session.workload.unwrap_or_default()),
                        },
                        session.documents,
                    ));
                }
            }
        }
    }
    let proofs: Vec<_> = made
        .into_par_iter()
        .map(|mut split| {
            if let Some(why) = broken(split.role) {
                split.hold(why);
            }
            verify::role_split(catalog, &gaps[split.role], split)
        })
        .collect();
    for proof in proofs {
        match proof {
            Ok(proved) => splits.proved.push(proved),
            Err(refused) => {
                let (split, why) = *refused;
                splits.refused.push((
                    Impossible {
                        kind: AlternativeKind::Roles,
                        policy: None,
                        affects: vec![split.role],
                        why,
                    },
                    Vec::new(),
                ));
            }
        }
    }
    splits
}

/// What a backtest shows, unless it was not wanted or the archive is too large or too short for one on the side.
fn try_backtest(catalog: &Catalog, archive: &Archive<'_>, grants: &Grants, options: &Options) -> Option<Backtest> {
    let wanted = match options.backtest {
        When::Auto => archive.table.rows.len() <= BACKTEST_ROWS && grants.principals.len() <= BACKTEST_PRINCIPALS,
        When::Always => true,
        When::Never => false,
    };
    let choice = Choice {
        split: Split::Share(LEARNT),
        options: &options.suggestions,
        shown: options.shown.as_ref(),
    };
    let window = archive.window.filter(|_| wanted)?;
    // An archive of one day has nothing to replay.
    backtest::backtest(catalog, archive, grants, window, &choice).ok()
}

/// What deserves attention of each principal that is shown; what grants alone show where no event was read.
fn findings(
    catalog: &Catalog,
    archive: &Archive<'_>,
    gaps: &[Gap],
    proved: &[(Proposal, Verified<Proved>)],
    (ground, graph): (hygiene::Ground<'_>, &hygiene::Graph<'_>),
    options: &Options,
) -> Vec<Vec<hygiene::Finding>> {
    let smaller = hygiene::smaller(ground.grants, proved);
    let of = |(index, gap): (PrincipalIndex, &Gap)| {
        if !options.shows(index) {
            return Vec::new();
        }
        let subject = hygiene::Subject {
            catalog,
            principal: &ground.grants.principals[index],
            gap,
            ground,
            table: archive.table,
            graph,
            smaller: &smaller,
        };
        match archive.window {
            Some(_) => hygiene::findings(&subject),
            None => hygiene::findings_of_grants(&subject),
        }
    };
    gaps.par_iter().enumerate().map(of).collect()
}
