//! An action's name as verb and nouns: `AddRoleToInstanceProfile` adds a role, to an instance profile.

/// Words that end one noun and begin the next.
const PREPOSITIONS: [&str; 10] = ["to", "from", "with", "for", "in", "on", "of", "by", "into", "using"];

/// What makes a thing, so that it is there to be changed and deleted.
const MAKES: [&str; 20] = [
    "allocate",
    "clone",
    "copy",
    "create",
    "define",
    "import",
    "install",
    "invite",
    "issue",
    "launch",
    "open",
    "provision",
    "publish",
    "put",
    "register",
    "replicate",
    "request",
    "restore",
    "run",
    "upload",
];

/// What sets a job going.
const STARTS: [&str; 7] = ["begin", "detect", "execute", "generate", "send", "start", "submit"];

/// What ends a job that was set going, clears it away, or takes it up again.
const ENDS_OR_REPEATS: [&str; 10] = [
    "abort",
    "cancel",
    "delete",
    "end",
    "redrive",
    "resume",
    "retry",
    "rollback",
    "stop",
    "terminate",
];

/// What changes a thing that is there.
const UPDATES: [&str; 18] = [
    "add",
    "authorize",
    "change",
    "decrease",
    "edit",
    "increase",
    "modify",
    "patch",
    "put",
    "reboot",
    "rename",
    "replace",
    "reset",
    "resize",
    "restart",
    "set",
    "update",
    "upgrade",
];

/// What ends a thing, or its tie to another.
const CLOSES: [&str; 33] = [
    "abort",
    "cancel",
    "close",
    "deactivate",
    "delete",
    "deprovision",
    "deregister",
    "destroy",
    "detach",
    "disable",
    "disassociate",
    "disconnect",
    "discard",
    "dissociate",
    "empty",
    "end",
    "leave",
    "purge",
    "reject",
    "release",
    "remove",
    "retire",
    "revoke",
    "stop",
    "suspend",
    "terminate",
    "unassign",
    "uninstall",
    "unlink",
    "unregister",
    "unshare",
    "unsubscribe",
    "withdraw",
];

/// What looks at a thing.
const READS: [&str; 5] = ["describe", "get", "head", "list", "view"];

/// A verb and those that undo it on the same nouns.
const UNDONE_BY: [(&str, &[&str]); 50] = [
    ("accept", &["reject", "delete"]),
    ("activate", &["deactivate"]),
    ("add", &["remove", "delete"]),
    ("advertise", &["withdraw"]),
    ("allocate", &["release", "deallocate", "delete"]),
    ("allow", &["deny"]),
    ("archive", &["unarchive"]),
    ("assign", &["unassign", "deassign"]),
    ("associate", &["disassociate", "dissociate"]),
    ("attach", &["detach"]),
    ("authorize", &["revoke", "deauthorize"]),
    ("block", &["unblock"]),
    ("claim", &["release"]),
    ("connect", &["disconnect"]),
    ("create", &["delete"]),
    ("decrease", &["increase"]),
    ("deny", &["allow"]),
    ("deprecate", &["undeprecate"]),
    ("deregister", &["register"]),
    ("detach", &["attach"]),
    ("disable", &["enable"]),
    ("disassociate", &["associate"]),
    ("enable", &["disable"]),
    ("enter", &["exit"]),
    ("grant", &["revoke", "retire", "delete"]),
    ("group", &["ungroup"]),
    ("increase", &["decrease"]),
    ("index", &["delete"]),
    ("initiate", &["abort", "complete"]),
    ("join", &["leave"]),
    ("label", &["unlabel"]),
    ("link", &["unlink"]),
    ("lock", &["unlock"]),
    ("merge", &["split"]),
    ("monitor", &["unmonitor"]),
    ("pause", &["resume"]),
    ("peer", &["unpeer"]),
    ("promote", &["demote"]),
    ("put", &["delete", "remove"]),
    ("register", &["deregister", "unregister", "deprecate"]),
    ("resume", &["pause", "suspend"]),
    ("schedule", &["cancel", "delete", "stop"]),
    ("set", &["delete", "remove", "reset", "unset"]),
    ("share", &["unshare"]),
    ("split", &["merge"]),
    ("stop", &["start"]),
    ("subscribe", &["unsubscribe"]),
    ("suspend", &["resume"]),
    ("tag", &["untag"]),
    ("verify", &["delete"]),
];

/// Verbs of pairs that go to and fro.
const TOGGLES: [&str; 16] = [
    "activate",
    "allow",
    "archive",
    "block",
    "disable",
    "enable",
    "enter",
    "increase",
    "join",
    "lock",
    "pause",
    "resume",
    "stop",
    "subscribe",
    "suspend",
    "tag",
];

/// Ends of a noun that name a side of the thing, not another thing.
const SIDES: [&str; 9] = [
    "attribute",
    "configuration",
    "health",
    "permission",
    "policy",
    "state",
    "status",
    "tag",
    "version",
];

/// Ends of a noun that name what came of a job.
const OUTCOMES: [&str; 11] = [
    "detail",
    "event",
    "history",
    "invocation",
    "log",
    "output",
    "progress",
    "result",
    "state",
    "statistic",
    "status",
];

/// What a job is called behind what it does.
const JOBS: [&str; 5] = ["execution", "job", "operation", "run", "task"];

/// A name taken apart. Words are lower case and singular; the words of a noun stand between spaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::catalog) struct Name {
    /// `add`
    pub(in crate::catalog) verb: String,
    /// ` role `, ` instance profile `
    pub(in crate::catalog) nouns: Vec<String>,
    /// Of the nouns the one after `from`: ` db snapshot ` of `RestoreDBInstanceFromDBSnapshot`.
    from: Option<String>,
}

impl Name {
    /// Takes the name of an action apart, with or without its service.
    pub(in crate::catalog) fn of(action: &str) -> Name {
        let name = action.rsplit(':').next().unwrap_or(action);
        let mut words = words(name);
        // Cognito's AdminCreateUser makes what its CreateUser makes.
        if words.len() > 1 && ["admin", "batch"].contains(&words[0].as_str()) {
            words.remove(0);
        }
        // CreateAutoMLJobV2 makes what StopAutoMLJob stops.
        let version = |word: &str| word.strip_prefix('v').is_some_and(|rest| rest.parse::<u8>().is_ok());
        words.retain(|word| !version(word));
        // CreateOrUpdateTags creates tags.
        if words.len() > 3 && words[1] == "or" {
            words.drain(1..3);
        }
        let mut words = words.into_iter();
        let verb = words.next().unwrap_or_default();
        let mut nouns = Vec::new();
        let mut noun = String::new();
        let mut after_from = None;
        for word in words {
            if PREPOSITIONS.contains(&word.as_str()) {
                nouns.push(std::mem::take(&mut noun));
                if word == "from" {
                    after_from = Some(nouns.len());
                }
            } else {
                noun.push(' ');
                noun.push_str(&singular(&word));
            }
        }
        nouns.push(noun);
        nouns.iter_mut().for_each(|noun| noun.push(' '));
        let from = after_from
            .and_then(|at| nouns.get(at))
            .filter(|noun| *noun != " ")
            .cloned();
        nouns.retain(|noun| noun != " ");
        Name { verb, nouns, from }
    }

    /// Whether it makes a thing.
    pub(in crate::catalog) fn makes(&self) -> bool {
        MAKES.contains(&self.verb.as_str())
    }

    /// Whether it makes a thing with a name of its own; what is put may be a side of another.
    pub(in crate::catalog) fn names(&self) -> bool {
        self.makes() && self.verb != "put"
    }

    /// Whether it sets a job going.
    pub(in crate::catalog) fn starts(&self) -> bool {
        STARTS.contains(&self.verb.as_str())
    }

    /// Whether it attaches one thing to another, lets something in, or switches something on.
    pub(in crate::catalog) fn attaches(&self) -> bool {
        !self.makes() && UNDONE_BY.iter().any(|(verb, _)| *verb == self.verb)
    }

    /// Whether it makes another thing from this one, as a restore does from a snapshot; `RestoreDBClusterFromSnapshot`
    /// says no more of which.
    pub(super) fn makes_from(&self, noun: &str) -> bool {
        self.makes() && self.from.as_ref().is_some_and(|from| noun.ends_with(from.as_str()))
    }

    /// Whether it makes a version of this noun, which is how some services change it: `CreatePolicyVersion`.
    pub(super) fn makes_version_of(&self, noun: &str) -> bool {
        self.makes() && self.nouns.first().is_some_and(|own| version_of(own) == Some(noun))
    }

    /// Whether it sets going again what this noun's end may have stopped: `StartDBInstance`.
    pub(super) fn resumes(&self, noun: &str) -> bool {
        let resumes = ["activate", "enable", "resume", "start"].contains(&self.verb.as_str());
        resumes && self.nouns.first().is_some_and(|own| own == noun)
    }

    pub(super) fn updates(&self) -> bool {
        UPDATES.contains(&self.verb.as_str())
    }

    pub(in crate::catalog) fn closes(&self) -> bool {
        CLOSES.contains(&self.verb.as_str())
    }

    /// Whether it ends something, or only says what there is.
    pub(in crate::catalog) fn ends_or_lists(&self) -> bool {
        self.closes() || ["describe", "list"].contains(&self.verb.as_str())
    }

    /// Whether it only looks.
    pub(in crate::catalog) fn looks(&self) -> bool {
        READS.contains(&self.verb.as_str())
    }

    /// Whether it does what is done to a thing that is there: looks at it, changes it, ends it or takes it up again.
    pub(in crate::catalog) fn follows(&self) -> bool {
        self.looks() || self.updates() || self.closes() || ENDS_OR_REPEATS.contains(&self.verb.as_str())
    }

    /// Whether its first noun is this one, a side of it, or what came of it.
    pub(in crate::catalog) fn is_about(&self, noun: &str) -> bool {
        let rest = self.nouns.first().and_then(|own| own.strip_prefix(noun));
        let rest = rest.map(str::trim).filter(|_| !noun.is_empty());
        rest.is_some_and(|rest| rest.is_empty() || SIDES.contains(&rest) || OUTCOMES.contains(&rest))
    }

    /// Whether it looks at this noun, or at a side of it.
    pub(super) fn reads(&self, noun: &str) -> bool {
        let side = |rest: &str| rest.is_empty() || SIDES.contains(&rest.trim());
        READS.contains(&self.verb.as_str()) && self.nouns.iter().any(|own| own.strip_prefix(noun).is_some_and(side))
    }

    /// Whether it looks at what another changed, attached or set going: at the same noun or a side of it, at what is
    /// `Attached`, at how far that has come and what came of it.
    pub(super) fn looks_at(&self, other: &Name) -> bool {
        let ends = other.closes() && !other.attaches();
        let changed = |noun: &String| !ends && self.reads(noun);
        let mut nouns = other.nouns.iter().take(if other.attaches() { 2 } else { 1 });
        READS.contains(&self.verb.as_str())
            && nouns.any(|noun| changed(noun) || self.nouns.iter().any(|own| other.shows_in(noun, own)))
    }

    /// Whether a noun that is read shows how it went, or goes on, with this on its noun.
    fn shows_in(&self, noun: &str, read: &str) -> bool {
        let verb = self.verb.as_str();
        let participle = format!(" {}ed", verb.strip_suffix('e').unwrap_or(verb));
        // ListAttachedRolePolicies after AttachRolePolicy, DescribeUpdate after UpdateClusterConfig,
        // DescribeCreateAccountStatus after CreateAccount
        if read.strip_prefix(participle.as_str()) == Some(noun)
            || read.trim() == verb
            || read.trim() == format!("{verb}{noun}status")
        {
            return true;
        }
        // DescribeVolumesModifications after ModifyVolume, GetServiceLinkedRoleDeletionStatus after DeleteServiceLinkedRole
        let stem = &verb[..verb.len().saturating_sub(1)];
        let going_on = read.strip_prefix(noun).filter(|rest| rest.starts_with(stem));
        if going_on.is_some_and(|rest| rest.trim_end().ends_with("ion") || rest.ends_with(" status ")) {
            return true;
        }
        // GetQueryResults after StartQueryExecution, ListCommandInvocations after SendCommand
        let of = without_job(noun);
        let outcome = |of: &str| {
            read.strip_prefix(of)
                .is_some_and(|rest| OUTCOMES.contains(&rest.trim()))
        };
        self.starts() && (outcome(noun) || outcome(of))
    }

    /// Whether it undoes another: the opposite verb, the same nouns; or it cancels or replaces what the other did.
    pub(super) fn undoes(&self, other: &Name) -> bool {
        let verbs = UNDONE_BY.iter().filter(|(verb, _)| *verb == other.verb);
        let mut verbs = verbs.flat_map(|(_, undone_by)| undone_by.iter());
        let job = other.starts() && ENDS_OR_REPEATS.contains(&self.verb.as_str());
        if (job || verbs.any(|verb| *verb == self.verb) || self.turns(other)) && self.nouns == other.nouns {
            return true;
        }
        let [own, of] = [self, other].map(|name| name.nouns.first().map_or("", String::as_str));
        match self.verb.as_str() {
            // CancelRotateSecret, CancelKeyDeletion after ScheduleKeyDeletion
            // CancelCertificateTransfer after TransferCertificate, CancelImportTask after ImportImage
            "cancel" => {
                let task = |kind: &str| own.trim() == format!("{} {kind}", other.verb);
                let of = of.trim();
                task(of) || task("task") || task("job") || own.trim() == format!("{of} {}", other.verb)
            }
            "restore" => other.verb == "delete" && own == of,
            // ReplaceRouteTableAssociation
            "replace" => other.verb == "associate" && own.trim() == format!("{} association", of.trim()),
            _ => false,
        }
    }

    /// Whether it is the other half of a pair of verbs on the same nouns, in either direction: who needs one half will
    /// need the other.
    pub(super) fn toggles(&self, other: &Name) -> bool {
        let pair = |one: &str, two: &str| {
            UNDONE_BY
                .iter()
                .any(|(verb, by)| *verb == one && by.contains(&two) && TOGGLES.contains(&one))
        };
        let (own, others) = (self.verb.as_str(), other.verb.as_str());
        self.nouns == other.nouns && (pair(own, others) || pair(others, own))
    }

    /// Whether one verb is the other with `un` or `de` before it.
    fn turns(&self, other: &Name) -> bool {
        ["un", "de"]
            .iter()
            .any(|turn| self.verb.strip_prefix(turn) == Some(other.verb.as_str()))
    }

    /// Whether one of its nouns holds this one, and no longer one of those that a service knows.
    pub(super) fn concerns(&self, noun: &str, known: &[String]) -> bool {
        self.nouns.iter().any(|own| {
            own.contains(noun)
                && !known
                    .iter()
                    .any(|other| other.len() > noun.len() && other.contains(noun) && own.contains(other.as_str()))
        })
    }
}

/// A noun as [`Name`] writes it, of the last part of a CloudFormation type: `SecurityGroup`.
pub(in crate::catalog) fn noun(text: &str) -> String {
    let words: Vec<String> = words(text).iter().map(|word| singular(word)).collect();
    format!(" {} ", words.join(" "))
}

/// Whether a noun is a job of some kind: ` cluster operation `.
pub(in crate::catalog) fn is_job(noun: &str) -> bool {
    JOBS.iter().any(|job| noun.trim_end().ends_with(&format!(" {job}")))
}

/// Whether a noun is but a side of some thing: ` version `.
pub(in crate::catalog) fn is_side(noun: &str) -> bool {
    SIDES.contains(&noun.trim())
}

/// What a job does, of its noun: ` query ` of ` query execution `; other nouns as they are.
pub(in crate::catalog) fn without_job(noun: &str) -> &str {
    let of = JOBS
        .iter()
        .find_map(|job| noun.strip_suffix(format!("{job} ").as_str()));
    of.filter(|of| of.len() > 1).unwrap_or(noun)
}

/// The noun that a version is of: ` policy ` of ` policy version `.
pub(super) fn version_of(noun: &str) -> Option<&str> {
    let end = noun.strip_suffix("version ")?;
    (end.len() > 1).then_some(end)
}

/// Letters alone, to compare with the names of resource types: `security-group`, `loadbalancer/app/`.
pub(in crate::catalog) fn letters(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `DBInstances` → `db`, `instances`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let follows_lower = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let leads_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if at == 0 || letter.is_ascii_uppercase() && (follows_lower || leads_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words
}

fn singular(word: &str) -> String {
    let ending = |end: &str| word.len() > end.len() + 1 && word.ends_with(end);
    if ending("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if ["sses", "xes", "ches", "shes"].into_iter().any(ending) {
        return word[..word.len() - 2].to_owned();
    }
    if ending("s") && !["ss", "us", "is"].into_iter().any(|end| word.ends_with(end)) {
        return word[..word.len() - 1].to_owned();
    }
    word.to_owned()
}
