//! Schemas of a registry with Confluent's interface, asked for while a job runs: records name theirs by a number, and a new
//! one may turn up at any time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use millrace_formats::{NoSchema, SchemaKind, SchemaText, Schemas};
use millrace_plan::{SchemaRegistry, property};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{Error, Result};

/// A slot waits for the answer: longer than a registry takes, shorter than a job may stand still.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What may pass is tried again after these pauses.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// Numbers that are remembered to have no schema; more of them come from records that are none.
const MAX_KNOWN: usize = 10_000;

/// Levels of schemas that refer to others.
const MAX_REFERENCES_DEPTH: usize = 32;

/// Asks a registry, once for each schema. All slots of a job share one, and the first to ask lets the others wait.
pub struct RegistryClient {
    url: String,
    place: String,
    login: Login,
    http: Client,
    runtime: Runtime,
    known: Mutex<HashMap<u32, std::result::Result<SchemaText, NoSchema>>>,
}

enum Login {
    None,
    Basic { username: String, password: String },
    Token(String),
}

impl RegistryClient {
    pub fn new(registry: &SchemaRegistry) -> Result<RegistryClient> {
        let url = registry.url.trim_end_matches('/').to_owned();
        let failed = |error: &dyn std::fmt::Display| Error(format!("schema registry {url}: {error}"));
        let http = Client::builder().timeout(TIMEOUT).build().map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let place = match &registry.subject {
            Some(subject) => format!("subject \"{subject}\" of {url}"),
            None => url.clone(),
        };
        let given = |name: &str| property(&registry.properties, name).map(str::to_owned);
        let login = match (given("username"), given("token")) {
            (_, Some(token)) => Login::Token(token),
            (Some(username), None) => Login::Basic { username, password: given("password").unwrap_or_default() },
            (None, None) => Login::None,
        };
        let runtime = runtime.map_err(|error| failed(&error))?;
        Ok(RegistryClient { url, place, login, http, runtime, known: Mutex::default() })
    }

    async fn fetch(&self, id: u32) -> std::result::Result<SchemaText, NoSchema> {
        let mut pauses = PAUSES.iter();
        let answer = loop {
            match self.get(&format!("schemas/ids/{id}")).await {
                Err(NoSchema::Unavailable(reason)) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(NoSchema::Unavailable(reason)),
                },
                Err(unknown) => return Err(unknown),
                Ok(answer) => break answer,
            }
        };
        let kind = answer.get("schemaType").and_then(Value::as_str).unwrap_or("AVRO");
        let unknown = || NoSchema::Unknown(format!("it is one of {kind}, which is not known here"));
        let kind = SchemaKind::of(kind).ok_or_else(unknown)?;
        let mut references = Vec::new();
        self.references(&answer, &mut Vec::new(), &mut references, 0).await?;
        Ok(SchemaText { kind, text: schema_of(&answer)?, references })
    }

    /// Adds what a schema refers to, each after what it refers to itself.
    async fn references(
        &self,
        answer: &Value,
        seen: &mut Vec<String>,
        texts: &mut Vec<(String, String)>,
        depth: usize,
    ) -> std::result::Result<(), NoSchema> {
        if depth > MAX_REFERENCES_DEPTH {
            return Err(NoSchema::Unknown("its references have no end".into()));
        }
        let references = answer.get("references").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for reference in references {
            let subject = reference.get("subject").and_then(Value::as_str);
            let version = reference.get("version").and_then(Value::as_i64);
            let (Some(subject), Some(version)) = (subject, version) else {
                return Err(NoSchema::Unknown("one of its references names no subject and version".into()));
            };
            let path = format!("subjects/{}/versions/{version}", escaped(subject));
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            let answer = self.get(&path).await?;
            Box::pin(self.references(&answer, seen, texts, depth + 1)).await?;
            let name = reference.get("name").and_then(Value::as_str).unwrap_or(subject);
            texts.push((name.to_owned(), schema_of(&answer)?));
        }
        Ok(())
    }

    async fn get(&self, path: &str) -> std::result::Result<Value, NoSchema> {
        let request = self
            .http
            .get(format!("{}/{path}", self.url))
            .header("accept", "application/vnd.schemaregistry.v1+json, application/json");
        let request = match &self.login {
            Login::None => request,
            Login::Basic { username, password } => request.basic_auth(username, Some(password)),
            Login::Token(token) => request.bearer_auth(token),
        };
        let unavailable = |error: reqwest::Error| NoSchema::Unavailable(told(&error));
        let response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unavailable)?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        match (status, answer) {
            (StatusCode::OK, Some(answer)) => Ok(answer),
            (StatusCode::OK, None) => {
                Err(NoSchema::Unavailable("its answer is no JSON: check the URL of the registry".into()))
            }
            // Not every 404 is of the registry: those that are have a code.
            (StatusCode::NOT_FOUND, Some(answer)) if answer.get("error_code").is_some() => {
                let message = answer.get("message").and_then(Value::as_str).unwrap_or("not found");
                Err(NoSchema::Unknown(message.into()))
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                Err(NoSchema::Unavailable(format!("{status}: check the username and password, or the token")))
            }
            (StatusCode::NOT_FOUND, _) => {
                Err(NoSchema::Unavailable(format!("{status}: check the URL of the registry")))
            }
            _ => Err(NoSchema::Unavailable(format!("{status}: check that the registry is well"))),
        }
    }
}

impl Schemas for RegistryClient {
    fn schema(&self, id: u32) -> std::result::Result<SchemaText, NoSchema> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&id) {
            return found.clone();
        }
        let found = self.runtime.block_on(self.fetch(id));
        // What could not be had may be there another time.
        if !matches!(found, Err(NoSchema::Unavailable(_))) {
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(id, found.clone());
        }
        found
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

fn schema_of(answer: &Value) -> std::result::Result<String, NoSchema> {
    let schema = answer.get("schema").and_then(Value::as_str).map(str::to_owned);
    schema.ok_or_else(|| NoSchema::Unavailable("its answer has no schema: check the URL of the registry".into()))
}

/// A subject as a part of a path.
fn escaped(subject: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let mut path = String::new();
    for byte in subject.bytes() {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// An error with its causes, which say more than itself. The URL is told by whoever names the registry.
fn told(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { format!("no answer within {} s", TIMEOUT.as_secs()) } else { String::new() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let separator = if text.is_empty() { "" } else { ": " };
        text.push_str(&format!("{separator}{cause}"));
        source = cause.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
