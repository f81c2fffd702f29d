//! An MLflow server's REST interface.

use std::time::Duration;

use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, http::Response};

use crate::ExportError;

/// How long to wait for a connection, and then for each answer: a server may take its time with a large file.
const CONNECT: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(120);
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 << 20;
/// The variable in which MLflow's own client looks for a token.
const TOKEN: &str = "MLFLOW_TRACKING_TOKEN";

/// A server at its address.
pub(super) struct Server {
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Server {
    /// The server at `url`; a user name and password in it are used and shown nowhere.
    pub(super) fn new(url: &str) -> Result<Self, ExportError> {
        let roots = match roots() {
            Ok(roots) => roots,
            Err(reason) if url.starts_with("https:") => return Err(failed(url, reason)),
            // None are needed, and should the server lead on to https, none are trusted.
            Err(_) => RootCerts::new_with_certs(&[]),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .user_agent(concat!("strata/", env!("CARGO_PKG_VERSION")));
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
        Ok(Self { agent: config.build().new_agent(), url: url.trim_end_matches('/').to_owned(), token })
    }

    /// Its address, fit to be shown.
    pub(super) fn shown(&self) -> String {
        strata_files::without_credentials(&self.url)
    }

    /// Asks with `query`; none where there is no such thing.
    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>, ExportError> {
        let mut request = self.agent.get(format!("{}/api/2.0/mlflow/{path}", self.url));
        for (key, value) in query {
            request = request.query(key, value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.call().map_err(|error| self.failed(path, &error.to_string()))?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        self.read(path, answer).map(Some)
    }

    /// Sends `body`.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, ExportError> {
        let mut request = self.agent.post(format!("{}/api/2.0/mlflow/{path}", self.url));
        request = request.header("Content-Type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.send(body.to_string()).map_err(|error| self.failed(path, &error.to_string()))?;
        self.read(path, answer)
    }

    /// Sends a file to the server's own store of artifacts.
    pub(super) fn put(&self, path: &str, file: std::fs::File) -> Result<(), ExportError> {
        let mut request = self.agent.put(format!("{}/api/2.0/mlflow-artifacts/artifacts/{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.send(file).map_err(|error| self.failed(path, &error.to_string()))?;
        self.text(path, answer).map(drop)
    }

    /// The JSON of an answer.
    fn read(&self, path: &str, answer: Response<Body>) -> Result<Value, ExportError> {
        let text = self.text(path, answer)?;
        serde_json::from_str(&text).map_err(|_| self.failed(path, "its answer is no JSON: is it MLflow's address?"))
    }

    /// The text of an answer that grants what was asked for.
    fn text(&self, path: &str, mut answer: Response<Body>) -> Result<String, ExportError> {
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        let text = text.map_err(|error| self.failed(path, &error.to_string()))?;
        if status.is_success() {
            return Ok(text);
        }
        // MLflow says what is wrong under `message`.
        let value = serde_json::from_str::<Value>(&text).ok();
        let said = value.as_ref().and_then(|value| value.get("message")?.as_str()).unwrap_or(text.trim());
        let said: String = said.chars().take(500).collect();
        Err(self.failed(path, &format!("it answers {status}: {said}")))
    }

    pub(super) fn failed(&self, path: &str, reason: &str) -> ExportError {
        failed(&self.url, format!("{path}: {}", strata_files::hide_credentials(reason)))
    }
}

fn failed(url: &str, reason: String) -> ExportError {
    ExportError::Server { url: strata_files::without_credentials(url), reason }
}

/// The certificates to trust: those that the environment names, else the system's, else Mozilla's.
fn roots() -> Result<RootCerts, String> {
    let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| std::env::var_os(name).is_some());
    let loaded = rustls_native_certs::load_native_certs();
    match loaded.errors.first() {
        Some(error) if is_named => {
            return Err(format!("the certificates that SSL_CERT_FILE or SSL_CERT_DIR names: {error}"));
        }
        _ if loaded.certs.is_empty() && is_named => {
            return Err("there are no certificates where SSL_CERT_FILE or SSL_CERT_DIR says".into());
        }
        _ if loaded.certs.is_empty() => return Ok(RootCerts::WebPki),
        _ => {}
    }
    let certificates: Vec<_> = loaded.certs.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
    Ok(certificates.into())
}
