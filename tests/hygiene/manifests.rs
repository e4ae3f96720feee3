//! Findings for which manifests count: what is annotated, and what became of it.

use super::pods::{VPCS, app, by_service, calls, irsa, roles, takes};
use super::*;

/// A manifest that annotates a service account.
fn annotates(name: &str, role: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: shop\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::{ACCOUNT}:role/{role}\n"
    )
}

fn names(accounts: &[&str]) -> Value {
    json!(
        accounts
            .iter()
            .map(|one| format!("system:serviceaccount:{one}"))
            .collect::<Vec<_>>()
    )
}

/// `cart` took the role `app`, which lets these in.
fn by_cart(let_in: &[&str]) -> (Vec<Value>, Value) {
    let events = vec![takes("AAAA", "shop:cart", "app", "ASIA1"), calls("app", "ASIA1", VPCS)];
    (events, app(&[irsa("AAAA", &names(let_in))]))
}

fn of(id: &str, events: &[Value], grants: &Value, manifests: &str) -> Option<hygiene::Finding> {
    let told = told(events, grants, Some(manifests), &Options::default()).into_iter();
    told.map(|told| told.finding).find(|finding| finding.id == id)
}

#[test]
fn an_annotation_that_its_pods_use_is_no_finding() {
    let (events, grants) = by_cart(&["shop:cart"]);
    check(&events, &grants, Some(&annotates("cart", "app")), &[]);
}

#[test]
fn an_annotation_with_a_role_that_is_gone_or_does_not_let_it_in() {
    let id = "annotation-without-effect";
    let (events, grants) = by_cart(&["shop:cart"]);
    let title = |manifest: &str| of(id, &events, &grants, manifest).map(|finding| finding.title);
    assert_eq!(
        title(&annotates("web", "gone")).as_deref(),
        Some("shop/web is annotated with role gone, which does not exist")
    );
    assert_eq!(
        title(&annotates("web", "app")).as_deref(),
        Some("shop/web is annotated with role app, which does not let it in")
    );
    // What the grants do not hold is not known to be gone.
    let elsewhere = annotates("web", "x").replace(ACCOUNT, "999988887777");
    assert_eq!(title(&elsewhere), None);
}

#[test]
fn an_annotation_that_its_pods_never_used() {
    let (events, grants) = by_cart(&["shop:cart", "shop:web"]);
    let found = of("annotation-without-effect", &events, &grants, &annotates("web", "app")).expect("it is found");
    assert_eq!(
        found.title,
        "shop/web is annotated with role app, which was not taken by it"
    );
    // Somebody took the role whom the archive does not name: it may have been this one.
    let unknown = [events, vec![calls("app", "ASIA9", VPCS)]].concat();
    assert!(of("annotation-without-effect", &unknown, &grants, &annotates("web", "app")).is_none());
}

#[test]
fn a_service_account_that_no_manifest_names_took_an_annotated_role() {
    let id = "undeclared-service-account";
    let (events, grants) = by_cart(&["shop:cart", "shop:web"]);
    let found = of(id, &events, &grants, &annotates("web", "app")).expect("it is found");
    assert!(
        found.evidence[0].starts_with("shop/cart of cluster AAAA (IRSA): 1 calls"),
        "{found:?}"
    );
    assert!(of(id, &events, &grants, &annotates("cart", "app")).is_none());
    // A file that leaves the name open may mean this one, and one that speaks of another role says nothing.
    let open = annotates("cart", "app").replace("  name: cart\n", "");
    assert!(of(id, &events, &grants, &open).is_none());
    assert!(of(id, &events, &grants, &annotates("web", "other")).is_none());
}

#[test]
fn a_cluster_that_is_not_of_eks_is_let_in_by_its_own_issuer() {
    let own = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/kops.example.com/prod");
    let statement = json!({"Effect": "Allow", "Principal": {"Federated": own}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"kops.example.com/prod:sub": "system:serviceaccount:shop:cart",
            "kops.example.com/prod:aud": "sts.amazonaws.com"}}});
    let mut seed = takes("AAAA", "shop:cart", "app", "ASIA1");
    seed["userIdentity"]["identityProvider"] = json!(own);
    let events = [seed, calls("app", "ASIA1", VPCS)];
    check(&events, &app(&[statement]), Some(&annotates("cart", "app")), &[]);
}

#[test]
fn an_idle_role_for_pods_says_who_is_annotated() {
    let grants = roles(&[
        (
            "app",
            vec![irsa("AAAA", &names(&["shop:cart"]))],
            json!("ec2:DescribeVpcs"),
        ),
        ("own", vec![by_service("ec2.amazonaws.com")], json!("ec2:DescribeVpcs")),
    ]);
    let events = [calls("own", "ASIA1", VPCS)];
    let manifests = annotates("cart", "app") + "---\n" + &annotates("web", "app");
    let found = of("pod-role-never-taken", &events, &grants, &manifests).expect("it is found");
    let text = found.evidence.join("\n");
    assert!(text.contains("annotates shop/cart with it\n"), "{text}");
    assert!(
        text.contains("annotates shop/web with it, which its trust policy does not let in"),
        "{text}"
    );
}
