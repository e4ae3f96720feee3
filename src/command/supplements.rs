//! What people may give beside logs and grants: shared argument groups, each subcommand with those that bear on it.

use std::path::PathBuf;

use clap::Args;

use super::Terminal;
use crate::grants::{SupplementFiles, Supplements};

/// Most places of manifests that are said to be left out.
const SAID: usize = 5;

/// What IAM remembers.
#[derive(Args, Debug, Clone)]
pub(super) struct LastAccessedArgs {
    /// Output of `aws iam get-service-last-accessed-details` with "Arn" put in, or named by the percent-encoded ARN; repeats
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_LAST_ACCESSED")]
    last_accessed: Vec<PathBuf>,
}

impl LastAccessedArgs {
    /// Adds what the files say to what is known with the grants; a file's word on somebody stands above a snapshot's.
    pub(super) fn load(&self, known: &mut Supplements) -> anyhow::Result<()> {
        let files = SupplementFiles {
            last_accessed: self.last_accessed.clone(),
            ..SupplementFiles::default()
        };
        known.extend(files.load()?);
        Ok(())
    }
}

/// What bears on evidence beside logs and grants. It may keep a permission or show that a use would have been seen.
#[derive(Args, Debug, Clone)]
pub(super) struct EvidenceFileArgs {
    /// Output of `aws cloudtrail describe-trails` (or get-trail) and get-event-selectors; repeats
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_TRAIL_CONFIG")]
    trail_config: Vec<PathBuf>,
    #[command(flatten)]
    accessed: LastAccessedArgs,
}

impl EvidenceFileArgs {
    fn files(&self) -> SupplementFiles {
        SupplementFiles {
            trail_config: self.trail_config.clone(),
            last_accessed: self.accessed.last_accessed.clone(),
            ..SupplementFiles::default()
        }
    }

    /// Adds what the files say to what is known with the grants.
    pub(super) fn load(&self, known: &mut Supplements) -> anyhow::Result<()> {
        known.extend(self.files().load()?);
        Ok(())
    }
}

/// All that people may give beside logs and grants. It may keep a permission or explain one.
#[derive(Args, Debug, Clone)]
pub(super) struct SupplementArgs {
    #[command(flatten)]
    evidence: EvidenceFileArgs,
    /// Output of `aws iam get-credential-report`, or the CSV in it; repeats
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_CREDENTIAL_REPORT")]
    credential_report: Vec<PathBuf>,
    /// SCPs and RCPs: {ACCOUNT: {service_control_policies: [[policy…]…], resource_control_policies}}, the root's level first
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_ORG_POLICIES")]
    org_policies: Vec<PathBuf>,
}

impl SupplementArgs {
    /// Adds what the files say to what is known with the grants.
    pub(super) fn load(&self, known: &mut Supplements) -> anyhow::Result<()> {
        let files = SupplementFiles {
            credential_report: self.credential_report.clone(),
            org_policies: self.org_policies.clone(),
            ..self.evidence.files()
        };
        known.extend(files.load()?);
        Ok(())
    }
}

/// What EKS and its users' files say of clusters.
#[derive(Args, Debug, Clone)]
pub(super) struct ClusterArgs {
    /// Output of `aws eks list-clusters` or describe-cluster, list- or describe-pod-identity-association(s) (lists to the end
    /// and of all namespaces), list-access-entries or describe-access-entry; repeats
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_EKS")]
    eks: Vec<PathBuf>,
    /// A folder with Kubernetes manifests, Helm values or Kustomize: which service account is annotated with which role;
    /// repeats
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_MANIFESTS")]
    manifests: Vec<PathBuf>,
}

impl ClusterArgs {
    /// Adds what the files say to what is known with the grants; what of the manifests cannot be read is said.
    pub(super) fn load(&self, known: &mut Supplements, terminal: &Terminal) -> anyhow::Result<()> {
        let files = SupplementFiles {
            eks: self.eks.clone(),
            manifests: self.manifests.clone(),
            ..SupplementFiles::default()
        };
        let given = files.load()?;
        let skipped = &given.manifests.skipped;
        for (place, why) in skipped.iter().take(SAID) {
            terminal.say(&format!("--manifests: {place} is left out: {why}"));
        }
        if skipped.len() > SAID {
            terminal.say(&format!("--manifests: and {} more places", skipped.len() - SAID));
        }
        known.extend(given);
        Ok(())
    }
}
