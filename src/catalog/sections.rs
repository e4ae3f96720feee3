//! The services' text, one file a service, as sorted sections: for the build script, and for a catalog given at run time.

use std::collections::BTreeMap;

/// Lines sorted by key, in the order in which `catalog` searches.
pub(crate) struct Sections {
    pub(crate) services: String,
    pub(crate) actions: String,
    pub(crate) details: String,
    pub(crate) arns: String,
    pub(crate) operations: String,
}

/// Sections of files, each with its service's prefix. An error says where the text is not what `catalog refresh` writes.
pub(crate) fn sections<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Sections, String> {
    // Keys are lower case, so that the order is the one in which `catalog` searches.
    let [mut services, mut actions, mut details, mut arns, mut operations] =
        [const { BTreeMap::<String, String>::new() }; 5];
    for (prefix, text) in files {
        for (at, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("services/{prefix}.tsv:{}: {what}", at + 1);
            let mut columns = line.splitn(3, '\t');
            let (Some(kind), Some(name), Some(fields)) = (columns.next(), columns.next(), columns.next()) else {
                return Err(wrong("not a kind, a name and fields"));
            };
            let key = format!("{prefix}:{}", name.to_ascii_lowercase());
            match kind {
                "service" => _ = services.insert(prefix.to_owned(), format!("{prefix}\t{fields}")),
                "action" => {
                    let mut columns = fields.splitn(3, '\t');
                    let (Some(level), Some(api), Some(detail)) = (columns.next(), columns.next(), columns.next())
                    else {
                        return Err(wrong("not an action's level, operation and details"));
                    };
                    details.insert(key.clone(), detail.to_owned());
                    actions.insert(key, format!("{prefix}:{name}\t{level}\t{api}"));
                }
                "arn" => _ = arns.insert(key, format!("{prefix}:{name}\t{fields}")),
                "operation" => _ = operations.insert(key, format!("{prefix}:{name}\t{fields}")),
                _ => return Err(wrong("a line of an unknown kind")),
            }
        }
    }
    let joined = |rows: BTreeMap<String, String>| rows.values().flat_map(|row| [row.as_str(), "\n"]).collect();
    Ok(Sections {
        services: joined(services),
        actions: joined(actions),
        details: joined(details),
        arns: joined(arns),
        operations: joined(operations),
    })
}
