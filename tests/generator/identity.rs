//! Who makes a call: the `userIdentity` of a record, and where the call comes from.

use serde_json::{Value, json};

use super::rng::{Rng, UPPER, fake_id};

/// A caller: what CloudTrail writes about it, and the address and client that its calls show.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) identity: Value,
    /// The account whose trail gets the record.
    pub(crate) account: String,
    pub(crate) ip: String,
    pub(crate) agent: String,
}

impl Who {
    pub(crate) fn using(mut self, ip: &str, agent: &str) -> Self {
        ip.clone_into(&mut self.ip);
        agent.clone_into(&mut self.agent);
        self
    }

    /// The same caller, with a service calling on its behalf (a forward access session).
    pub(crate) fn through(&self, service: &str) -> Self {
        let mut who = self.clone().using(service, service);
        who.identity["invokedBy"] = json!(service);
        who
    }
}

/// A role, as sessions and grants name it.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) account: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) id: String,
}

impl Role {
    pub(crate) fn new(account: &str, name: &str) -> Self {
        Self {
            account: account.into(),
            path: "/".into(),
            name: name.into(),
            id: fake_id("AROA", name),
        }
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.name)
    }

    /// The ARN of a session: the path does not show here.
    pub(crate) fn session_arn(&self, session: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session}", self.account, self.name)
    }

    /// A session of the role.
    pub(crate) fn session(&self, session: &str, key: &str, since: &str) -> Who {
        let identity = json!({
            "type": "AssumedRole",
            "principalId": format!("{}:{session}", self.id),
            "arn": self.session_arn(session),
            "accountId": self.account,
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": self.id,
                    "arn": self.arn(),
                    "accountId": self.account,
                    "userName": self.name,
                },
                "attributes": {"creationDate": since, "mfaAuthenticated": "false"},
            },
        });
        Who {
            identity,
            account: self.account.clone(),
            ip: "10.0.12.31".into(),
            agent: "aws-sdk-go-v2/1.30.3".into(),
        }
    }
}

/// An IAM user.
pub(crate) struct User {
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) id: String,
}

impl User {
    pub(crate) fn new(account: &str, name: &str) -> Self {
        Self {
            account: account.into(),
            name: name.into(),
            id: fake_id("AIDA", name),
        }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.name)
    }

    /// The user with a long-term key.
    pub(crate) fn with_key(&self, key: &str) -> Who {
        let identity = json!({
            "type": "IAMUser",
            "principalId": self.id,
            "arn": self.arn(),
            "accountId": self.account,
            "accessKeyId": key,
            "userName": self.name,
        });
        Who {
            identity,
            account: self.account.clone(),
            ip: "203.0.113.24".into(),
            agent: "aws-cli/2.17.32".into(),
        }
    }

    /// The user with temporary credentials: GetSessionToken or the console. No session issuer.
    pub(crate) fn with_session(&self, key: &str, since: &str) -> Who {
        let mut who = self.with_key(key);
        who.identity["sessionContext"] = json!({"attributes": {"creationDate": since, "mfaAuthenticated": "true"}});
        who
    }
}

/// An AWS service that calls on its own behalf.
pub(crate) fn service(account: &str, host: &str) -> Who {
    Who {
        identity: json!({"type": "AWSService", "invokedBy": host}),
        account: account.into(),
        ip: host.into(),
        agent: host.into(),
    }
}

/// The bearer of a token of an OpenID Connect provider, as `AssumeRoleWithWebIdentity` shows it.
pub(crate) fn web_identity(account: &str, provider: &str, subject: &str) -> Who {
    Who {
        identity: json!({
            "type": "WebIdentityUser",
            "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
            "userName": subject,
            "identityProvider": provider,
        }),
        account: account.into(),
        ip: "10.0.12.31".into(),
        agent: "aws-sdk-go-v2/1.30.3".into(),
    }
}

/// The root user of an account.
pub(crate) fn root(account: &str) -> Who {
    Who {
        identity: json!({
            "type": "Root",
            "principalId": account,
            "arn": format!("arn:aws:iam::{account}:root"),
            "accountId": account,
            "accessKeyId": "",
        }),
        account: account.into(),
        ip: "198.51.100.7".into(),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0".into(),
    }
}

/// Somebody of another account, as the account that is called sees them.
pub(crate) fn foreign(seen_by: &str, account: &str, principal_id: &str) -> Who {
    Who {
        identity: json!({"type": "AWSAccount", "principalId": principal_id, "accountId": account}),
        account: seen_by.into(),
        ip: "192.0.2.66".into(),
        agent: "python-requests/2.32.3".into(),
    }
}

/// A temporary access key id that says that it is made up.
pub(crate) fn session_key(rng: &mut Rng) -> String {
    format!("ASIAEXAMPLE{}", rng.text(UPPER, 9))
}
