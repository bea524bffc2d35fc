//! Proving to a registry who asks: a password, or a token that its own service gives for one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_auth::parser::ChallengeParser;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Deserialize;

use crate::error::shown;
use crate::transport::{Transport, body, may_be_asked, words};
use crate::{Credentials, Login, RegistryError, Result};

/// What is to be done at a registry, which is what a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Read a repository.
    Pull,
    /// Write to a repository.
    Push,
    /// Read the list of repositories.
    List,
}

impl Action {
    fn scope(self, repository: &str) -> String {
        match self {
            Self::Pull => format!("repository:{repository}:pull"),
            Self::Push => format!("repository:{repository}:pull,push"),
            Self::List => "registry:catalog:*".to_owned(),
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Self::Pull => "pull from",
            Self::Push => "push to",
            Self::List => "list the repositories of",
        }
    }
}

/// Somebody who asks for something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) host: &'a str,
    pub(crate) repository: &'a str,
    pub(crate) action: Action,
}

/// What a registry wants to know.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

impl Asking<'_> {
    /// The header that answers the challenge of a registry.
    pub(crate) async fn prove(
        self,
        transport: &Transport,
        credentials: &Credentials,
        answer: Response,
    ) -> Result<HeaderValue> {
        let found = challenge(answer.headers());
        let login = credentials.of(self.host)?;
        match (found, login) {
            (Some(Challenge::Bearer { realm, service }), login) => {
                self.token(transport, &realm, service.as_deref(), login).await
            }
            (Some(Challenge::Basic), Some(Login::Password { user, password })) => {
                Ok(secret("Basic", &basic(&user, &password)))
            }
            (_, login) => Err(self.denied(login.is_some(), words(self.host, answer).await)),
        }
    }

    /// Why it was not allowed, with what there was to prove who asks.
    pub(crate) fn denied(self, has_login: bool, said: String) -> RegistryError {
        let why = match has_login {
            true => "it does not take the credentials that there are".to_owned(),
            false => {
                format!("there are no credentials for it; `docker login {}` makes some", self.host)
            }
        };
        let repository = self.repository.to_owned();
        let (host, action) = (self.host.to_owned(), self.action.doing());
        RegistryError::Denied { host, action, repository, why, said }
    }

    async fn token(
        self,
        transport: &Transport,
        realm: &str,
        service: Option<&str>,
        login: Option<Login>,
    ) -> Result<HeaderValue> {
        #[derive(Deserialize)]
        struct Given {
            #[serde(alias = "access_token")]
            token: String,
        }
        let has_login = login.is_some();
        let odd = |why: String| RegistryError::Credentials { host: self.host.to_owned(), why };
        let realm = Url::parse(realm)
            .map_err(|_| odd(format!("the registry asks for a token of `{}`", shown(realm))))?;
        may_be_asked(&realm, self.host)
            .map_err(|why| odd(format!("the registry asks for a token of elsewhere: {why}")))?;
        let request = self.ask(transport, realm, service, login.as_ref());
        let answer = Transport::send(self.host, request).await?;
        if !answer.status().is_success() {
            return Err(self.denied(has_login, words(self.host, answer).await));
        }
        let bytes = body(self.host, answer, "a token", transport.bounds.words_bytes_max).await?;
        let given: Given = serde_json::from_slice(&bytes)
            .map_err(|_| odd("its service for tokens gave none".to_owned()))?;
        Ok(secret("Bearer", &given.token))
    }

    fn ask(
        self,
        transport: &Transport,
        mut realm: Url,
        service: Option<&str>,
        login: Option<&Login>,
    ) -> RequestBuilder {
        let scope = self.action.scope(self.repository);
        let mut asked = vec![("scope", scope.as_str())];
        asked.extend(service.map(|service| ("service", service)));
        let time = transport.bounds.call;
        match login {
            Some(Login::Identity(token)) => {
                asked.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "playbook"),
                    ("refresh_token", token.as_str()),
                ]);
                let form = form(&asked);
                let request = transport.request(Method::POST, realm, time);
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
            other => {
                realm.query_pairs_mut().extend_pairs(&asked);
                let request = transport.request(Method::GET, realm, time);
                match other {
                    Some(Login::Password { user, password }) => {
                        request.header(AUTHORIZATION, secret("Basic", &basic(user, password)))
                    }
                    _ => request,
                }
            }
        }
    }
}

/// Pairs as a form is sent.
fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://localhost").expect("this is an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn basic(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

/// A header that no log shows.
fn secret(scheme: &str, value: &str) -> HeaderValue {
    let value = HeaderValue::from_str(&format!("{scheme} {value}"));
    // A token with letters that no header may have is none that the registry takes.
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    value.set_sensitive(true);
    value
}

/// The challenge of an answer; a token is preferred to a password on every request.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut found = None;
    for challenge in texts.flat_map(|text| ChallengeParser::new(text).filter_map(Result::ok)) {
        let param = |name: &str| {
            let mut params = challenge.params.iter();
            params.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_unescaped())
        };
        if challenge.scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = param("realm")
        {
            return Some(Challenge::Bearer { realm, service: param("service") });
        }
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            found = Some(Challenge::Basic);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

    use super::{Action, Challenge, challenge, form, secret};

    fn of(texts: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(text));
        }
        challenge(&headers)
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        let bearer = "Bearer realm=\"https://a/token\",service=\"a b\"";
        let wanted = || Challenge::Bearer {
            realm: "https://a/token".to_owned(),
            service: Some("a b".to_owned()),
        };
        assert_eq!(of(&[bearer]), Some(wanted()));
        assert_eq!(of(&["Basic realm=\"a\"", bearer]), Some(wanted()));
        assert_eq!(of(&["basic realm=\"a\""]), Some(Challenge::Basic));
        assert_eq!(of(&["Bearer service=\"a\""]), None);
        assert_eq!(of(&["Digest realm=\"a\"", ",,=,"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn no_debug_text_shows_a_secret() {
        assert!(!format!("{:?}", secret("Bearer", "hunter2")).contains("hunter2"));
    }

    #[test]
    fn a_form_escapes_what_it_holds() {
        let scope = Action::Push.scope("a/b");
        assert_eq!(
            form(&[("scope", &scope), ("t", "a&b=c ")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&t=a%26b%3Dc+"
        );
    }
}
