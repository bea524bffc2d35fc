//! Who this user is to a registry: from the file of `docker login`, or as the caller was told. Read when it is asked for, kept
//! nowhere.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use playbook_files::read_regular;

use crate::{RegistryError, Result};

/// Longest time of a helper that keeps credentials.
const HELPER: Duration = Duration::from_secs(15);

/// A user at a registry; nothing shows its secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token for tokens.
    Identity(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// Where credentials are.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The file of `docker login`; one that is absent has none.
    pub docker_config: Option<PathBuf>,
    /// A login for one registry, by its host with its port, which wins over the file.
    pub given: Option<(String, Login)>,
}

impl Credentials {
    /// The login for a registry, if there is one.
    pub(crate) fn of(&self, host: &str) -> Result<Option<Login>> {
        if let Some((_, login)) = self.given.as_ref().filter(|(given, _)| given == host) {
            return Ok(Some(login.clone()));
        }
        let Some(file) = &self.docker_config else { return Ok(None) };
        let unusable = |why: String| RegistryError::Credentials { host: host.to_owned(), why };
        let bytes = match read_regular(file) {
            Ok(bytes) => bytes,
            Err(fault) if fault.source.kind() == ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(unusable(format!("{fault}: {}", fault.source))),
        };
        let shown = file.display().to_string();
        // A helper is a program, which may wait for somebody for ever.
        let (tell, told) = mpsc::channel();
        let asked = host.to_owned();
        let ask = move || drop(tell.send(get_credential_from_reader(bytes.as_slice(), &asked)));
        drop(thread::Builder::new().name("registry-login".to_owned()).spawn(ask));
        let found = told
            .recv_timeout(HELPER)
            .map_err(|_| unusable(format!("the helper that `{shown}` names did not answer")))?;
        match found {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Some(Login::Password { user, password }))
            }
            Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Login::Identity(token))),
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
            Err(error) => Err(unusable(why(&error, &shown))),
        }
    }
}

/// In words of our own: those of a helper may repeat what it was to keep.
fn why(error: &CredentialRetrievalError, file: &str) -> String {
    match error {
        CredentialRetrievalError::HelperCommunicationError => {
            format!("the helper that `{file}` names cannot be run")
        }
        CredentialRetrievalError::MalformedHelperResponse => {
            format!("the helper that `{file}` names gave no login")
        }
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            format!(
                "`{helper}`, which `{file}` names, has no login or failed; `docker login` makes one"
            )
        }
        CredentialRetrievalError::ConfigReadError => {
            format!("`{file}` is not the JSON that `docker login` writes")
        }
        _ => format!(
            "the entry of this registry in `{file}` cannot be read; `docker login` writes it anew"
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::{Credentials, Login};

    fn read(text: &str) -> crate::Result<Option<Login>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        fs::write(&file, text).unwrap();
        Credentials { docker_config: Some(file), given: None }.of("registry.example.com:5000")
    }

    #[test]
    fn a_login_is_read_where_docker_keeps_it() {
        // me:hunter2
        let text =
            r#"{"auths":{"registry.example.com:5000":{"auth":"bWU6aHVudGVyMg=="},"other":{}}}"#;
        let login = Login::Password { user: "me".to_owned(), password: "hunter2".to_owned() };
        assert_eq!(read(text).unwrap(), Some(login.clone()));
        assert!(!format!("{login:?}").contains("hunter2"));
        assert_eq!(read(r#"{"auths":{}}"#).unwrap(), None);
        let none =
            Credentials { docker_config: Some("/nonexistent/config.json".into()), given: None };
        assert_eq!(none.of("a").unwrap(), None);
    }

    #[test]
    fn a_login_that_was_given_is_for_its_registry_alone() {
        let login = Login::Identity("token".to_owned());
        let given =
            Credentials { docker_config: None, given: Some(("a:1".to_owned(), login.clone())) };
        assert_eq!(given.of("a:1").unwrap(), Some(login));
        assert_eq!(given.of("a:2").unwrap(), None);
        assert_eq!(given.of("a").unwrap(), None);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_without_what_is_in_it() {
        for (text, what) in [
            ("hunter2", "is not the JSON"),
            (r#"{"auths":{"registry.example.com:5000":{"auth":"hunter2!"}}}"#, "cannot be read"),
            (r#"{"credsStore":"of-nobody-hunter2"}"#, "cannot be run"),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.contains(what) && !told.contains("hunter2"), "{told}");
        }
    }
}
