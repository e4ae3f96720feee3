//! The one door to AWS: credentials, time-outs, retries, and errors as sentences.
//!
//! Everything behind it only reads: `tests/network.rs` holds the list of operations that may be called.

mod trouble;
mod whole;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use tokio::runtime::Runtime;

pub use trouble::{Kind, Trouble, explain};
pub(crate) use whole::Whole;

/// Sessions of roles that we assume carry this name, so that our own calls can be told from everybody else's.
pub const SESSION_NAME: &str = concat!("trimtrail-", env!("CARGO_PKG_VERSION"));

/// Attempts that the client makes of one request, the first included.
const ATTEMPTS: u32 = 3;

/// Threads that talk to the network; the SDK takes some 180 µs of CPU a request.
const THREADS: usize = 2;

/// How to reach AWS. What is `None` comes from where the AWS CLI takes it too: environment, profile, instance.
#[derive(Clone, Debug)]
pub struct Options {
    /// A profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// The region that is asked where a request names none.
    pub region: Option<String>,
    /// Another place than AWS, for all services.
    pub endpoint_url: Option<String>,
    /// A role to take before anything else.
    pub assume_role: Option<String>,
    /// What that role's trust policy asks for.
    pub external_id: Option<String>,
    /// Certificates to trust beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// How long silence may last before an attempt is given up.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            assume_role: None,
            external_id: None,
            ca_bundle: None,
            patience: Duration::from_secs(20),
        }
    }
}

/// Who we are to AWS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// Credentials, a region and the threads that talk. Clones share the threads and the connections.
#[derive(Clone, Debug)]
pub struct Connection {
    runtime: Arc<Runtime>,
    config: SdkConfig,
    patience: Duration,
    is_elsewhere: bool,
}

impl Connection {
    /// Finds region and credentials; nothing is asked of AWS yet.
    ///
    /// # Errors
    /// A certificate file that cannot be read, or a system that gives no threads.
    pub fn open(options: &Options) -> Result<Connection, Trouble> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("trimtrail-network")
            .enable_all()
            .build()
            .map_err(|error| Trouble::new(Kind::Other, format!("cannot start threads: {error}")))?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(options.patience.min(Duration::from_secs(5)))
            .read_timeout(options.patience)
            .operation_attempt_timeout(2 * options.patience)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client(options)?)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            // We watch over bodies ourselves: a stalled one is taken up again where it broke.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Ok(name) = AppName::new(SESSION_NAME) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let mut config = runtime.block_on(loader.load());
        if config.region().is_none() {
            // IAM and Organizations have one place only, and S3 says where a bucket lies.
            config = config.into_builder().region(Region::from_static("us-east-1")).build();
        }
        let is_elsewhere = config.endpoint_url().is_some();
        let connection = Connection {
            runtime: Arc::new(runtime),
            config,
            patience: options.patience,
            is_elsewhere,
        };
        Ok(match &options.assume_role {
            Some(role) => connection.as_role(role, options.external_id.as_deref()),
            None => connection,
        })
    }

    /// The same with a role's credentials; they are asked for when the first request needs them.
    #[must_use]
    pub fn as_role(&self, role: &str, external_id: Option<&str>) -> Connection {
        let mut builder = AssumeRoleProvider::builder(role)
            .session_name(SESSION_NAME)
            .configure(&self.config);
        if let Some(id) = external_id {
            builder = builder.external_id(id);
        }
        let credentials = self.wait(builder.build());
        let config = self
            .config
            .clone()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Connection { config, ..self.clone() }
    }

    /// The same in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Connection {
        let config = self
            .config
            .clone()
            .into_builder()
            .region(Region::new(region.to_owned()))
            .build();
        Connection { config, ..self.clone() }
    }

    /// What the clients of the services are made from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// How long silence may last.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether requests go to another place than AWS (`--endpoint-url`).
    pub fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Runs a conversation to its end.
    pub fn wait<T>(&self, conversation: impl Future<Output = T>) -> T {
        self.runtime.block_on(conversation)
    }

    /// Lets a conversation run beside the caller.
    pub fn spawn(&self, conversation: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(conversation);
    }

    /// Who we are (`sts:GetCallerIdentity`, which nobody can forbid).
    ///
    /// # Errors
    /// No credentials, or credentials that AWS does not take.
    pub fn caller(&self) -> Result<Caller, Trouble> {
        let client = aws_sdk_sts::Client::new(&self.config);
        let answer = self
            .wait(client.get_caller_identity().send())
            .map_err(|error| explain(&error))?;
        Ok(Caller {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        })
    }
}

/// Asks, and asks again where that may help.
///
/// # Errors
/// What stood in the way at last.
pub async fn patiently<T, E, F>(request: impl Fn() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let mut again = 0;
    loop {
        let trouble = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => explain(&error),
        };
        let Some(pause) = trouble.pause(again) else {
            return Err(trouble);
        };
        tokio::time::sleep(pause).await;
        again += 1;
    }
}

/// TLS without a C library, through the proxies that the environment names.
fn http_client(options: &Options) -> Result<SharedHttpClient, Trouble> {
    let mut trust = TrustStore::default();
    if let Some(path) = &options.ca_bundle {
        let bundle = std::fs::read(path).map_err(|error| {
            let sentence = format!("cannot read the certificates in `{}`: {error}", path.display());
            Trouble::new(Kind::Other, sentence)
        })?;
        trust = trust.with_pem_certificate(bundle);
    }
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| Trouble::new(Kind::Other, format!("cannot use these certificates: {error}")))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone())
            .proxy_config(ProxyConfig::from_env())
            .enable_tcp_nodelay(true);
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    }))
}
