//! Owners of paths as the forges' documentation tells them, and edits divided among owners.

use super::*;

fn list(text: &str) -> CodeOwners {
    CodeOwners {
        root: PathBuf::from("/r"),
        rules: rules(text),
    }
}

/// The examples of GitHub Docs, "About code owners".
#[test]
fn patterns_are_those_of_the_documentation() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", "a/b/c.tf"], &[]),
        ("*.js", &["a.js", "x/y/a.js"], &["a.jsx"]),
        (
            "/build/logs/",
            &["build/logs/a", "build/logs/a/b"],
            &["x/build/logs/a", "build/logs"],
        ),
        (
            "docs/*",
            &["docs/getting-started.md"],
            &["docs/build-app/troubleshooting.md", "x/docs/a"],
        ),
        ("apps/", &["apps/a", "x/apps/a/b"], &["apps"]),
        ("/docs/", &["docs/a/b"], &["x/docs/a"]),
        ("/scripts/", &["scripts/a"], &["a/scripts/a"]),
        (
            "**/logs",
            &["build/logs/a", "scripts/logs/a", "deeply/nested/logs", "logs/a"],
            &["logsx/a"],
        ),
        ("/apps/github", &["apps/github/a", "apps/github"], &["apps/githubx"]),
        ("main.tf", &["main.tf", "a/main.tf"], &["a/xmain.tf"]),
        ("/a/**/z", &["a/z", "a/b/c/z", "a/b/z/file"], &["b/a/z"]),
        ("/a/[x].tf", &["a/[x].tf"], &["a/x.tf"]),
        ("/a\\ b/", &["a b/c"], &["a/c"]),
        ("**.tf", &["x.tf", "a/x.tf"], &["x.tfvars"]),
    ];
    for (pattern, yes, no) in rows {
        let list = list(&format!("{pattern} @a"));
        for path in *yes {
            assert_eq!(list.of(path), Some("@a"), "{pattern} {path}");
        }
        for path in *no {
            assert_eq!(list.of(path), None, "{pattern} {path}");
        }
    }
}

#[test]
fn the_last_rule_decides_and_may_name_nobody() {
    let list = list("# all\n* @all\n[Section] @none\n^[Optional]\n/a/ @b  c@example.com # why\n\n/a/free/\n");
    assert_eq!(list.of("x"), Some("@all"));
    assert_eq!(list.of("a/x"), Some("@b c@example.com"));
    assert_eq!(list.of("a/free/x"), None);
}

fn edit(path: &str, before: &str, after: &str, suggestions: &[&str]) -> FileEdit {
    FileEdit {
        path: PathBuf::from(path),
        before: before.to_owned(),
        after: after.to_owned(),
        policies: Vec::new(),
        suggestions: suggestions.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn divided(files: Vec<FileEdit>, text: &str, tag: &dyn Fn(&str) -> Vec<Option<String>>) -> Vec<(String, Vec<String>)> {
    let plan = Plan {
        files,
        ..Plan::default()
    };
    let owned = owned(plan, Path::new("/r/infra"), &list(text), tag);
    let files = |one: &Owned| {
        one.plan
            .files
            .iter()
            .map(|file| file.path.display().to_string())
            .collect()
    };
    owned.iter().map(|one| (one.owner.clone(), files(one))).collect()
}

#[test]
fn a_tag_comes_before_the_list_and_the_list_before_the_folder() {
    let files = || {
        vec![
            edit("/r/infra/a/x.tf", "1", "2", &["s1"]),
            edit("/r/infra/b/y.tf", "1", "2", &["s2"]),
            edit("/r/infra/z.tf", "1", "2", &["s3", "s4"]),
        ]
    };
    let expect = |tag: &dyn Fn(&str) -> Vec<Option<String>>, list: &str, expected: [&str; 3]| {
        let mut owners: Vec<(String, String)> = divided(files(), list, tag)
            .into_iter()
            .flat_map(|(owner, files)| files.into_iter().map(move |file| (file, owner.clone())))
            .collect();
        owners.sort();
        let owners: Vec<String> = owners.into_iter().map(|(_, owner)| owner).collect();
        assert_eq!(owners, expected);
    };
    let none = |_: &str| vec![None];
    expect(&none, "", ["folder a", "folder b", "folder"]);
    expect(&none, "/infra/a/ @team", ["@team", "folder b", "folder"]);
    let tags = |id: &str| match id {
        "s1" => vec![Some("red".to_owned()), Some("red".to_owned())],
        "s2" => vec![Some("red".to_owned()), None],
        "s3" => vec![Some("red".to_owned())],
        _ => vec![Some("blue".to_owned())],
    };
    expect(&tags, "* @all", ["red", "@all", "@all"]);
}

#[test]
fn files_of_one_suggestion_stay_together() {
    let files = vec![
        edit("/r/infra/a/x.tf", "1", "2", &["s1"]),
        edit("/r/infra/b/y.tf", "1", "2", &["s2"]),
        edit("/r/infra/c/z.tf", "1", "2", &["s2", "s1"]),
        edit("/r/infra/d/z.tf", "1", "2", &["s3"]),
    ];
    let found = divided(files, "", &|_| vec![None]);
    let sizes: Vec<(&str, usize)> = found
        .iter()
        .map(|(owner, files)| (owner.as_str(), files.len()))
        .collect();
    assert_eq!(sizes, [("folder a", 3), ("folder d", 1)]);
}

#[test]
fn an_answer_is_what_goes_and_comes_wherever_it_stands() {
    let of = |before: &str, after: &str| answer(&[edit("/r/x.tf", before, after, &[])], &list(""));
    let plain = of("a\nb\nc\n", "a\nc\n");
    assert_eq!(plain, of("new\na\nb\nc\n", "new\na\nc\n"));
    assert_ne!(plain, of("a\nb\nb\nc\n", "a\nc\n"));
    assert_ne!(plain, of("a\nc\n", "a\nb\nc\n"));
    assert_ne!(plain, of("a\nb\nc\n", "a\n"));
}

#[test]
fn names_are_fit_for_a_branch_and_differ() {
    let owners = [
        "@shop/Platform team",
        "@shop/Platform-team",
        "",
        "$(rm -rf)",
        "../..",
        "é",
        "-x",
        "a.lock",
        "\u{1b}[31m",
    ];
    let names: BTreeSet<String> = owners.iter().map(|owner| name(owner)).collect();
    assert_eq!(names.len(), owners.len());
    for name in &names {
        assert!(
            name.len() <= NAME + 9 && !name.starts_with('-') && !name.ends_with('-'),
            "{name}"
        );
        assert!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{name}"
        );
    }
    assert!(names.iter().any(|name| name.starts_with("shop-platform-team-")));
}
