//! Who belongs together.

use super::*;

fn unit(name: &str, actions: &[usize]) -> (Key, Unit) {
    let mut unit = Unit::default();
    unit.workloads.insert(Workload::plain(WorkloadKind::Ec2, name), 1);
    unit.actions = actions.iter().map(|index| ActionId::from_index(*index)).collect();
    (Key::Instance(name.to_owned()), unit)
}

fn names(units: Vec<(Key, Unit)>) -> Vec<Vec<String>> {
    let name = |unit: &Unit| {
        unit.workloads
            .keys()
            .map(|workload| workload.name.clone())
            .collect::<String>()
    };
    families(units)
        .iter()
        .map(|family| family.iter().map(name).collect())
        .collect()
}

#[test]
fn instances_that_do_the_same_are_one_family_in_any_order() {
    let units = || {
        vec![
            unit("a", &[1, 2, 3, 4]),
            unit("b", &[1, 2]),
            unit("c", &[8, 9]),
            unit("d", &[9]),
        ]
    };
    let expected = vec![
        vec!["a".to_owned(), "b".to_owned()],
        vec!["c".to_owned(), "d".to_owned()],
    ];
    assert_eq!(names(units()), expected);
    let mut turned = units();
    turned.reverse();
    assert_eq!(names(turned), expected);
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
