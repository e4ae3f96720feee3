//! Files as people have them, and what is read of each.

use super::*;

const CART: &str = "arn:aws:iam::111122223333:role/cart";
const OTHER: &str = "arn:aws:iam::111122223333:role/other";

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(files: &[(&str, &str)]) -> Folder {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let root = std::env::temp_dir().join(format!(
        "trimtrail-manifests-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text.replace("CART", CART).replace("OTHER", OTHER)).expect("a file");
    }
    Folder(root)
}

/// `NAMESPACE/NAME ROLE` of each that is found, and the reason of each place that is skipped.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let folder = folder(files);
    let mut manifests = Manifests::default();
    manifests.read(&folder.0).expect("a folder");
    let accounts = manifests.accounts.iter();
    let mut told: Vec<String> = accounts
        .map(|one| format!("{} {}", one.label(), one.role.rsplit('/').next().unwrap_or_default()))
        .collect();
    told.extend(manifests.skipped.iter().map(|(_, why)| why.clone()));
    assert_eq!(told, expected);
}

const MANIFEST: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: cart\n  namespace: shop\n  annotations:\n    eks.amazonaws.com/role-arn: CART\n";
const BASE: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: cart\n";

#[test]
fn manifests_of_several_documents_and_lists() {
    let other = MANIFEST.replace("name: cart", "name: web").replace("CART", "OTHER");
    check(
        &[("a/all.yaml", &format!("{MANIFEST}---\nkind: Service\n---\n{other}"))],
        &["shop/cart cart", "shop/web other"],
    );
    let list = r#"{"kind": "List", "items": [{"kind": "ServiceAccount", "metadata": {"name": "x", "annotations": {"eks.amazonaws.com/role-arn": "CART"}}}]}"#;
    check(&[("list.json", list)], &["?/x cart"]);
    check(&[("plain.yaml", BASE)], &[]);
}

#[test]
fn values_of_charts_at_any_depth() {
    let values = "serviceAccount:\n  create: true\n  name: cart\n  annotations:\n    eks.amazonaws.com/role-arn: CART\nworker:\n  pods:\n    serviceAccount:\n      annotations:\n        eks.amazonaws.com/role-arn: OTHER\n";
    check(&[("values.yaml", values)], &["?/cart cart", "?/? other"]);
    let shared = "x: &a\n  eks.amazonaws.com/role-arn: CART\none:\n  name: one\n  annotations: *a\ntwo:\n  name: two\n  annotations:\n    <<: *a\n";
    check(&[("values.yaml", shared)], &["?/one cart", "?/two cart"]);
}

#[test]
fn what_a_template_would_put_in_is_named() {
    let value = MANIFEST.replace("CART", "\"arn:aws:iam::${ACCOUNT}:role/cart\"");
    check(&[("a.yaml", &value)], &["a template puts the value in"]);
    let chart = "kind: ServiceAccount\nmetadata:\n  {{- with .Values.x }}\n  annotations:\n    eks.amazonaws.com/role-arn: {{ . }}\n  {{- end }}\n";
    check(
        &[("templates/sa.yaml", chart)],
        &["a template: give what it renders to (helm template)"],
    );
    check(&[("templates/other.yaml", "a: {{ b\n")], &[]);
    check(
        &[("a.yaml", &MANIFEST.replace("CART", "cart"))],
        &["the annotation is no ARN of a role"],
    );
}

#[test]
fn an_overlay_counts_in_the_place_of_what_it_takes_in() {
    check(
        &[
            ("base/kustomization.yaml", "resources: [sa.yaml]\n"),
            ("base/sa.yaml", MANIFEST),
            (
                "prod/kustomization.yaml",
                "resources: [../base]\nnamespace: prod\nnamePrefix: eu-\npatches:\n- target: {kind: ServiceAccount, name: cart}\n  patch: |-\n    - op: replace\n      path: /metadata/annotations/eks.amazonaws.com~1role-arn\n      value: OTHER\n",
            ),
            ("test/kustomization.yaml", "resources: [../base]\nnamespace: test\n"),
        ],
        &["test/cart cart", "prod/eu-cart other"],
    );
    let patch =
        "kind: ServiceAccount\nmetadata:\n  name: cart\n  annotations:\n    eks.amazonaws.com/role-arn: OTHER\n";
    check(
        &[
            ("base/kustomization.yaml", "resources: [sa.yaml]\n"),
            ("base/sa.yaml", BASE),
            (
                "prod/kustomization.yaml",
                "resources: [../base]\nnamespace: prod\npatches:\n- path: patch.yaml\n",
            ),
            ("prod/patch.yaml", patch),
        ],
        &["prod/cart other"],
    );
}

#[test]
fn overlays_that_take_each_other_in_end() {
    check(
        &[
            ("top/kustomization.yaml", "resources: [../a]\n"),
            ("a/kustomization.yaml", "resources: [../b]\n"),
            ("b/kustomization.yaml", "resources: [../a, sa.yaml]\n"),
            ("b/sa.yaml", MANIFEST),
        ],
        &["shop/cart cart", "overlays stand on each other deeper than 20"],
    );
}

#[test]
fn what_is_broken_or_too_deep_is_named_only_where_it_speaks_of_the_annotation() {
    let deep = format!("{} # eks.amazonaws.com/role-arn", "[".repeat(100));
    check(&[("deep.yaml", &deep)], &["it nests deeper than 64"]);
    check(&[("other.yaml", &"[".repeat(100))], &[]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let outside = folder(&[("sa.yaml", MANIFEST)]);
    let inside = folder(&[("a.yaml", "a: 1\n")]);
    std::os::unix::fs::symlink(&outside.0, inside.0.join("link")).expect("a link");
    let mut manifests = Manifests::default();
    manifests.read(&inside.0).expect("a folder");
    assert_eq!(manifests, Manifests::default());
}
