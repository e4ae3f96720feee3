//! What stands around a document in a template or manifest, and what that tells of the policies made of it.

use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Takes, Template, around, pieces};

/// What SAM makes a role for, with the documents of a list as its inline policies (AWS SAM developer guide,
/// "AWS::Serverless::Function" and "AWS::Serverless::StateMachine", `Policies`).
pub(super) const SAM: [&str; 2] = ["AWS::Serverless::Function", "AWS::Serverless::StateMachine"];

/// Names that a node gives to what is made below it.
#[derive(Clone, Default)]
pub(super) struct Around {
    pub(super) names: Vec<String>,
    pub(super) patterns: Vec<Vec<Piece>>,
    pub(super) policy: Option<Vec<Piece>>,
    pub(super) tags: Vec<(String, String)>,
    /// Why nothing below it is edited.
    pub(super) left: Option<String>,
}

impl Around {
    pub(super) fn document(&self, syntax: Syntax, root: Node) -> Document {
        let mut found = Document::of(syntax, root, &self.names);
        found.patterns.clone_from(&self.patterns);
        found.policy.clone_from(&self.policy);
        found.tags.clone_from(&self.tags);
        found.left.clone_from(&self.left);
        found
    }

    /// What the members of a map are called.
    pub(super) fn enter(&mut self, members: &[Member]) {
        for member in members {
            self.names.extend(member.value.literal());
            if let Kind::Text(name) = &member.value.kind
                && member.name.ends_with("Name")
            {
                self.patterns.push(name.clone());
                if matches!(member.name.as_str(), "PolicyName" | "ManagedPolicyName") {
                    self.policy = Some(name.clone());
                }
            }
            if member.name == "Tags"
                && let Kind::List(tags) = &member.value.kind
            {
                let text = |tag: &Node, name: &str| tag.member(name).and_then(|member| member.value.literal());
                let tags = tags.iter().filter_map(|tag| text(tag, "Key").zip(text(tag, "Value")));
                self.tags = tags.collect();
            }
            // What Kubernetes calls an object, and Crossplane what it stands for.
            if member.name == "metadata" {
                let annotations = member.value.member("annotations").map(|member| &member.value);
                let external = annotations.and_then(|all| all.member("crossplane.io/external-name"));
                let named = member.value.member("name").into_iter().chain(external);
                self.names.extend(named.filter_map(|member| member.value.literal()));
            }
        }
    }

    /// A member that is a resource, and what that is called where nothing else says it.
    pub(super) fn resource(&mut self, member: &Member) {
        let literal = |name: &str| member.value.member(name).and_then(|member| member.value.literal());
        let name = &member.name;
        let text = |text: String| Piece::Literal(text);
        if let Some(kind) = literal("Type") {
            // What has no name of its own is called STACK-RESOURCE-RANDOM (CloudFormation user guide, "Name type").
            let between = text(format!("-{name}-"));
            self.patterns
                .push(vec![Piece::Reference, between.clone(), Piece::Reference]);
            // Whose file is often called as the stack is.
            if let Some(stack) = self.names.first().cloned() {
                self.patterns
                    .push(vec![text(stack), Piece::Reference, between, Piece::Reference]);
            }
            if SAM.contains(&kind.as_str()) {
                // The role of a function is the resource `<function>Role`, its policies `<function>RolePolicy0`, those of
                // a state machine likewise (SAM developer guide, "Generated CloudFormation resources"; aws-sam-translator,
                // `construct_role_for_resource`).
                let role = text(format!("-{name}Role-"));
                self.patterns.push(vec![Piece::Reference, role, Piece::Reference]);
                self.patterns
                    .push(vec![text(format!("{name}RolePolicy")), Piece::Reference]);
            }
        } else if literal("type").is_some_and(|kind| kind.starts_with("aws:")) {
            // Pulumi documentation, "Resource names": NAME-RANDOM.
            self.patterns.push(vec![text(format!("{name}-")), Piece::Reference]);
        }
        let metadata = member.value.member("Metadata").map(|member| &member.value);
        if let Some(path) = metadata.and_then(|metadata| metadata.member("aws:cdk:path")) {
            let path = path.value.literal().unwrap_or_default();
            self.left = Some(format!("the CDK writes it: change the construct {path}"));
        }
    }

    /// What SAM makes of a resource without a document: policy templates, and connectors.
    ///
    /// (SAM developer guide, "SAM policy templates", "Managing resource permissions with SAM connectors".)
    pub(super) fn made_by_sam(&self, member: &Member, found: &mut Vec<Document>) {
        let resource = &member.value;
        let kind = resource.member("Type").and_then(|kind| kind.value.literal());
        let mut name = |span: &Node, id: String, what: String| {
            let mut inner = self.clone();
            inner.patterns = vec![vec![Piece::Reference, Piece::Literal(id), Piece::Reference]];
            inner.names = Vec::new();
            inner.left.get_or_insert(what);
            found.push(inner.document(Syntax::Json, around(span.span.clone(), None, Vec::new())));
        };
        if kind.as_deref() == Some("AWS::Serverless::Connector") {
            name(
                resource,
                format!("-{}Policy-", member.name),
                "a SAM connector makes it".to_owned(),
            );
        }
        if let Some(Kind::Map(all)) = resource.member("Connectors").map(|all| &all.value.kind) {
            for one in all {
                let what = format!("the SAM connector `{}` makes it", one.name);
                name(&one.value, format!("-{}{}Policy-", member.name, one.name), what);
            }
        }
        let properties = resource.member("Properties").map(|member| &member.value);
        let policies = properties
            .and_then(|all| all.member("Policies"))
            .map(|member| &member.value);
        if kind.is_some_and(|kind| SAM.contains(&kind.as_str()))
            && let Some(policies) = policies
        {
            for one in policies.elements() {
                if let Kind::Map(template) = &one.kind
                    && let [template] = &template[..]
                    && template.name != "Statement"
                {
                    let what = format!("the SAM policy template `{}` makes it", template.name);
                    name(one, format!("{}Role", member.name), what);
                }
            }
        }
    }
}

/// Statements that the Serverless Framework puts into the policy of its role, behind those for logs.
///
/// (Serverless Framework documentation, "IAM permissions for functions"; `merge-iam-templates.js`: the policy is called
/// SERVICE-STAGE-lambda, the role SERVICE-STAGE-REGION-lambdaRole, and the statements stand between others.)
pub(super) fn serverless(root: &Node, names: &[String]) -> Vec<Document> {
    let get = |node: &Node, path: &[&str]| -> Option<Node> {
        let mut at = node;
        for name in path {
            at = &at.member(name)?.value;
        }
        Some(at.clone())
    };
    let mut found = Vec::new();
    let Some(provider) = get(root, &["provider"]) else {
        return found;
    };
    let service = get(root, &["service", "name"]).or_else(|| get(root, &["service"]));
    let service = match service.map(|node| node.kind) {
        Some(Kind::Text(name)) => name,
        _ => vec![Piece::Reference],
    };
    // SERVICE, a stage and whatever else, and what the framework puts behind them.
    let called = |between: &str, end: &str| -> Vec<Piece> {
        let text = |text: &str| Piece::Literal(text.to_owned());
        let mut name = service.clone();
        name.extend([text("-"), Piece::Reference, text(&format!("{between}{end}"))]);
        if end.is_empty() {
            name.push(Piece::Reference);
        }
        name
    };
    let mut add = |list: Node, patterns: Vec<Vec<Piece>>, policy: Option<Vec<Piece>>| {
        let statements = list.elements().to_vec();
        if !matches!(list.kind, Kind::List(_)) || statements.is_empty() {
            return;
        }
        let is_written = statements.iter().all(|each| each.member("Effect").is_some());
        let mut document = Document::of(Syntax::Yaml, around(list.span.clone(), None, statements), names);
        document.patterns = patterns;
        document.policy = policy;
        document.takes = Takes::Unwritten;
        document.left = (!is_written).then(|| "a statement of it is put together elsewhere".to_owned());
        found.push(document);
    };
    let role = get(&provider, &["iam", "role"]);
    let list = role.as_ref().and_then(|role| get(role, &["statements"]));
    if let Some(list) = list.or_else(|| get(&provider, &["iamRoleStatements"])) {
        let mut patterns = vec![called("", "-lambdaRole")];
        if let Some(Kind::Text(name)) = role.and_then(|role| get(&role, &["name"])).map(|name| name.kind) {
            patterns = vec![name];
        }
        add(list, patterns, Some(called("", "-lambda")));
    }
    if let Some(Kind::Map(functions)) = get(root, &["functions"]).map(|all| all.kind) {
        for function in functions {
            // The plug-in serverless-iam-roles-per-function.
            if let Some(list) = get(&function.value, &["iamRoleStatements"]) {
                let pattern = called(&format!("-{}-", function.name), "");
                add(list, vec![pattern], None);
            }
        }
    }
    found
}

/// Reads `${…}` in all strings as references.
pub(super) fn with_references(node: &mut Node) {
    match &mut node.kind {
        Kind::Text(found) => {
            let read = found.iter().flat_map(|piece| match piece {
                Piece::Literal(text) => pieces(text, Template::Sub),
                Piece::Reference | Piece::Suffix => vec![piece.clone()],
            });
            *found = read.collect();
        }
        Kind::List(elements) => elements.iter_mut().for_each(with_references),
        Kind::Map(members) => members.iter_mut().for_each(|member| with_references(&mut member.value)),
        Kind::Plain(_) | Kind::Unknown => {}
    }
}
