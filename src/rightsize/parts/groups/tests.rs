//! Who belongs together.

use super::*;

#[test]
fn instances_of_a_role_are_one_workload_and_so_are_its_tasks() {
    let key = |kind: WorkloadKind, name: &str| key(&Workload::plain(kind, name), None, &Eks::default());
    assert_eq!(key(WorkloadKind::Ec2, "i-1"), key(WorkloadKind::Ec2, "i-2"));
    assert_eq!(key(WorkloadKind::Ecs, "task-1"), key(WorkloadKind::Ecs, "task-2"));
    assert_ne!(key(WorkloadKind::Ec2, "x"), key(WorkloadKind::Ecs, "x"));
    assert_ne!(key(WorkloadKind::Lambda, "a"), key(WorkloadKind::Lambda, "b"));
}

#[test]
fn branches_of_a_repository_are_one_workload() {
    assert_eq!(family("repo:org/shop:ref:refs/heads/main"), "repo:org/shop");
    assert_eq!(family("repo:org/shop"), "repo:org/shop");
    assert_eq!(
        family("project_path:group/app:ref_type:branch"),
        "project_path:group/app:ref_type:branch"
    );
}
