//! A fake of the parts of GitHub's and GitLab's APIs that pull requests need.

use serde_json::{Value, json};

use super::TOKEN;
use crate::http::{Request, Response};

/// What a forge holds.
#[derive(Default)]
pub(super) struct Forge {
    pub(super) is_gitlab: bool,
    /// Whether writing is refused, as it is for pull requests from forks.
    pub(super) is_read_only: bool,
    pub(super) comments: Vec<Value>,
    pub(super) pulls: Vec<Value>,
    pub(super) sarif: Vec<Value>,
    /// What was asked for to change something.
    pub(super) writes: Vec<String>,
}

impl Forge {
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        let token = if self.is_gitlab {
            request.header("private-token") == TOKEN
        } else {
            request.header("authorization") == format!("Bearer {TOKEN}")
        };
        if !token {
            return Response::new(401, "{}");
        }
        let body: Value = serde_json::from_str(&request.body).unwrap_or(Value::Null);
        if request.method != "GET" {
            self.writes.push(format!("{} {}", request.method, request.path));
            if self.is_read_only {
                return Response::new(403, r#"{"message": "Resource not accessible by integration"}"#);
            }
        }
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let method = request.method.as_str();
        let answer = if self.is_gitlab {
            self.gitlab(method, &path, request, body)
        } else {
            self.github(method, &path, request, body)
        };
        match answer {
            Some(value) => Response::new(if method == "POST" { 201 } else { 200 }, value.to_string()),
            None => Response::new(404, r#"{"message": "Not Found"}"#),
        }
    }

    fn github(&mut self, method: &str, path: &[&str], request: &Request, body: Value) -> Option<Value> {
        let ["repos", "shop", "infra", rest @ ..] = path else {
            return None; // `user` too: a workflow's token may not ask
        };
        match (method, rest) {
            ("GET", ["issues", "7", "comments"]) => Some(page(&self.comments, request)),
            ("POST", ["issues", "7", "comments"]) => {
                let id = self.comments.len() + 1;
                let comment = json!({"id": id, "body": body["body"], "user": {"login": "github-actions[bot]"}});
                self.comments.push(comment.clone());
                Some(comment)
            }
            ("PATCH", ["issues", "comments", id]) => {
                let comment = self.comments.iter_mut().find(|one| is_numbered(one, "id", id))?;
                assert_eq!(
                    comment["user"]["login"], "github-actions[bot]",
                    "somebody else's comment"
                );
                comment["body"] = body["body"].clone();
                Some(comment.clone())
            }
            ("POST", ["code-scanning", "sarifs"]) => {
                self.sarif.push(body);
                Some(json!({"id": "1"}))
            }
            ("GET", ["pulls"]) => {
                let head = request.field("head")?;
                let branch = head.strip_prefix("shop:")?;
                let of = |one: &&Value| one["head"]["ref"] == branch;
                let all: Vec<Value> = self.pulls.iter().rev().filter(of).cloned().collect();
                Some(page(&all, request))
            }
            ("POST", ["pulls"]) => {
                assert_eq!(body["base"], "main");
                let head = json!({"ref": body["head"], "repo": {"full_name": "shop/infra"}});
                let pull = json!({"number": self.pulls.len() + 1, "title": body["title"], "body": body["body"],
                    "state": "open", "merged_at": null, "head": head});
                self.pulls.push(pull.clone());
                Some(pull)
            }
            ("PATCH", ["pulls", number]) => {
                let pull = self.pulls.iter_mut().find(|one| is_numbered(one, "number", number))?;
                for (key, value) in body.as_object()? {
                    pull[key] = value.clone();
                }
                Some(pull.clone())
            }
            _ => None,
        }
    }

    fn gitlab(&mut self, method: &str, path: &[&str], request: &Request, body: Value) -> Option<Value> {
        if path == ["user"] {
            return Some(json!({"username": "project_1_bot"}));
        }
        let ["projects", "1", "merge_requests", rest @ ..] = path else {
            return None;
        };
        match (method, rest) {
            ("GET", ["7", "notes"]) => Some(page(&self.comments, request)),
            ("POST", ["7", "notes"]) => {
                let id = self.comments.len() + 1;
                let note = json!({"id": id, "body": body["body"], "author": {"username": "project_1_bot"}});
                self.comments.push(note.clone());
                Some(note)
            }
            ("PUT", ["7", "notes", id]) => {
                let note = self.comments.iter_mut().find(|one| is_numbered(one, "id", id))?;
                assert_eq!(note["author"]["username"], "project_1_bot", "somebody else's note");
                note["body"] = body["body"].clone();
                Some(note.clone())
            }
            ("GET", []) => {
                let branch = request.field("source_branch")?;
                let of = |one: &&Value| one["source_branch"] == branch;
                let all: Vec<Value> = self.pulls.iter().rev().filter(of).cloned().collect();
                Some(page(&all, request))
            }
            ("POST", []) => {
                assert_eq!(body["target_branch"], "main");
                let pull = json!({"iid": self.pulls.len() + 1, "title": body["title"], "description": body["description"],
                    "state": "opened", "source_branch": body["source_branch"], "source_project_id": 1, "target_project_id": 1});
                self.pulls.push(pull.clone());
                Some(pull)
            }
            ("PUT", [number]) => {
                let pull = self.pulls.iter_mut().find(|one| is_numbered(one, "iid", number))?;
                for key in ["title", "description"] {
                    if let Some(value) = body.get(key) {
                        pull[key] = value.clone();
                    }
                }
                if body["state_event"] == "close" {
                    pull["state"] = "closed".into();
                }
                Some(pull.clone())
            }
            _ => None,
        }
    }
}

fn page(all: &[Value], request: &Request) -> Value {
    let number = |name: &str| request.field(name).and_then(|text| text.parse().ok());
    let (size, page): (usize, usize) = (number("per_page").unwrap_or(30), number("page").unwrap_or(1));
    all.chunks(size).nth(page - 1).unwrap_or_default().to_vec().into()
}

/// Whether a path names the one that bears this number.
fn is_numbered(one: &Value, key: &str, path: &str) -> bool {
    path.parse().is_ok_and(|number: u64| one[key] == number)
}
