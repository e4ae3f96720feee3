//! A folder is a catalog, or is refused with a sentence.

use super::*;

/// A copy of this build's own text, whose sources are edited.
fn copy(name: &str, sources: impl FnOnce(String) -> String) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/data");
    let to = std::env::temp_dir().join(format!("trimtrail-catalog-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(to.join("services")).unwrap();
    for entry in fs::read_dir(from.join("services")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join("services").join(path.file_name().unwrap())).unwrap();
    }
    let text = sources(fs::read_to_string(from.join("sources.tsv")).unwrap());
    fs::write(to.join("sources.tsv"), text).unwrap();
    to
}

fn newer(text: String) -> String {
    text.replace(&embedded_date(), "2099-01-01")
}

/// What is said of a folder after `damage` was done to it.
#[track_caller]
fn check(name: &str, damage: impl FnOnce(&Path), expected: &str) {
    let folder = copy(name, newer);
    damage(&folder);
    let said = Catalog::read(&folder).map(|catalog| catalog.len().to_string());
    let said = said.unwrap_or_else(|error| error.to_string());
    fs::remove_dir_all(&folder).unwrap();
    assert!(said.contains(expected), "{expected:?} in {said:?}");
}

#[test]
fn the_text_that_a_build_is_made_of_reads_as_what_it_carries() {
    let folder = copy("same", |text| text);
    fs::write(
        folder.join("services/brandnew.tsv"),
        "service\tbrandnew\tBrand New\naction\tGetThing\tRead\tapi\t\t\t\noperation\tGetThing\tnamed\tbrandnew:GetThing\n",
    )
    .unwrap();
    let (own, read) = (Catalog::embedded(), Catalog::read(&folder).unwrap());
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read.len(), own.len() + 1);
    assert_eq!(read.date(), own.date());
    let names = |catalog: &Catalog| -> Vec<String> { catalog.ids().map(|id| catalog.name(id).to_owned()).collect() };
    let mut expected = names(own);
    expected.push("brandnew:GetThing".to_owned());
    expected.sort_by_key(|name| name.to_ascii_lowercase());
    assert_eq!(names(&read), expected);
    for (source, name) in [
        ("s3.amazonaws.com", "HeadObject"),
        ("ec2.amazonaws.com", "RunInstances"),
    ] {
        let actions = |catalog: &Catalog| format!("{:?}", catalog.mapping(source, name)).matches("Need ").count();
        assert_eq!(actions(&read), actions(own), "{name}");
    }
    let mapping = |catalog: &Catalog| {
        let mapping = catalog.mapping("brandnew.amazonaws.com", "GetThing");
        matches!(mapping, crate::catalog::Mapping::Actions(_))
    };
    assert_eq!((mapping(&read), mapping(own)), (true, false));
    assert!(read.managed_policy("arn:aws:iam::aws:policy/ReadOnlyAccess").is_some());
}

#[test]
fn an_older_folder_is_refused() {
    let folder = copy("older", |text| text.replace(&embedded_date(), "2020-01-01"));
    let said = Catalog::read(&folder)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        said.contains("is of 2020-01-01, older than this program's own of"),
        "{said}"
    );
}

#[test]
fn a_damaged_folder_is_refused_with_a_sentence() {
    let service = |text: &'static str| move |folder: &Path| fs::write(folder.join("services/s3.tsv"), text).unwrap();
    check(
        "no-sources",
        |folder| fs::remove_file(folder.join("sources.tsv")).unwrap(),
        "cannot read",
    );
    check(
        "no-day",
        |folder| fs::write(folder.join("sources.tsv"), "date\tsoon\n").unwrap(),
        "names no day",
    );
    check(
        "no-services",
        |folder| fs::remove_dir_all(folder.join("services")).unwrap(),
        "cannot read",
    );
    check(
        "kind",
        service("thing\ta\tb\n"),
        "services/s3.tsv:1: a line of an unknown kind",
    );
    check("short", service("action\tGetObject\n"), "services/s3.tsv:1: not a kind");
    check(
        "torn",
        service("service\ts3\tS3\naction\tGetObj\tRead\n"),
        "services/s3.tsv:2: not an action",
    );
    check("less", service("service\ts3\tS3\n"), "it does not know s3:GetObject");
    check(
        "odd",
        service("service\ts3\tS3\naction\tGetÖ\tRead\tapi\t\t\t\n"),
        "is not plain ASCII",
    );
    check(
        "policies",
        |folder| fs::write(folder.join("managed_policies.tsv.gz"), b"not gzip").unwrap(),
        "not the compressed text",
    );
    check(
        "name",
        |folder| fs::write(folder.join("services/S 3.tsv"), "service\ts3\tS3\n").unwrap(),
        "no service is named so",
    );
    check(
        "few",
        |folder| {
            for entry in fs::read_dir(folder.join("services")).unwrap() {
                let path = entry.unwrap().path();
                let keep = ["iam.tsv", "s3.tsv", "sts.tsv"];
                if !keep.iter().any(|name| path.ends_with(name)) {
                    fs::remove_file(path).unwrap();
                }
            }
        },
        "it seems torn",
    );
}
