//! Plugins of registries, and the policy of trust that every plugin of a playbook meets, by whatever way it comes.

use std::fs;

use playbook_model::{ArtefactRef, Description, HostTrust, Outcome, PluginRef};
use playbook_registry::{PublicKey, Result as Read, Trust, TrustRule};
use playbook_runtime::Plugin;
use playbook_toml::{Disk, host_file};

use crate::home::Home;
use crate::{AppError, Host, Result};

/// The policy of a host: that of a service's own file, else that of `host.toml` in the home folder, else none.
///
/// # Errors
/// A file with problems, or a key that is none.
pub fn policy(home: &Home, own: Option<&HostTrust>) -> Result<Option<Trust>> {
    if let Some(own) = own {
        return Ok(Some(trust(own, "the file of the host")?));
    }
    let path = home.host_file();
    // A link that leads nowhere is a file that cannot be read, and no absent one.
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let file = host_file(&path, &Disk).map_err(|problems| AppError::Faulty(Box::new(problems)))?;
    let place = format!("`{}`", path.display());
    Ok(file.trust.as_ref().map(|told| trust(told, &place)).transpose()?)
}

fn trust(told: &HostTrust, place: &str) -> Read<Trust> {
    let rules = told.publishers.iter().map(|publisher| {
        let keys =
            publisher.keys.iter().map(|key| PublicKey::parse(key, &format!("`{key}` in {place}")));
        Ok(TrustRule { plugins: patterns(&publisher.plugins), keys: keys.collect::<Read<_>>()? })
    });
    Ok(Trust { rules: rules.collect::<Read<_>>()?, unsigned: patterns(&told.unsigned) })
}

/// Patterns of names; they have letters, digits, hyphens and stars alone, as the file's reader sees to.
fn patterns(names: &[String]) -> Vec<glob::Pattern> {
    names.iter().filter_map(|name| glob::Pattern::new(&one_star(name)).ok()).collect()
}

/// A pattern with one star where several stand in a row: to the library they would mean folders.
fn one_star(name: &str) -> String {
    let mut text = name.to_owned();
    while text.contains("**") {
        text = text.replace("**", "*");
    }
    text
}

/// Reads the reference of an artefact that was typed.
///
/// # Errors
/// What is wrong with it.
pub fn named_by(text: &str) -> Result<ArtefactRef> {
    Ok(ArtefactRef::parse(text)?)
}

impl Host {
    /// Whether the host's policy lets a plugin in, and whether an artefact holds what its manifest says.
    pub(crate) fn trusted(&self, named: &PluginRef, is_kept: bool, plugin: &Plugin) -> Result<()> {
        match named {
            PluginRef::Artefact(artefact) if !is_kept => self.holds_what_it_says(artefact, plugin),
            _ => self.trusted_file(plugin),
        }
    }

    /// Whether the host's policy lets a component in that is a file of the host.
    ///
    /// # Errors
    /// Why it does not.
    pub fn trusted_file(&self, plugin: &Plugin) -> Result<()> {
        let artefacts = self.artefacts()?;
        if artefacts.trust().is_none() {
            return Ok(());
        }
        let said = described(plugin)?;
        artefacts.judge(&said.name, plugin.digest())?;
        Ok(())
    }

    /// Whether the component of an artefact is what its manifest, which is signed, says.
    ///
    /// # Errors
    /// [`AppError::Mislabelled`] where it is not.
    pub fn holds_what_it_says(&self, artefact: &ArtefactRef, plugin: &Plugin) -> Result<()> {
        let about = self.artefacts()?.fetch(artefact)?.about;
        let found = described(plugin)?;
        if (about.name.as_str(), about.version.as_str())
            == (found.name.as_str(), found.version.as_str())
        {
            return Ok(());
        }
        Err(AppError::Mislabelled {
            artefact: Box::new(artefact.clone()),
            said: format!("{} {}", about.name, about.version),
            found: format!("{} {}", found.name, found.version),
        })
    }
}

fn described(plugin: &Plugin) -> Result<Description> {
    let said: Outcome<Description> = plugin.describe()?;
    said.map_err(AppError::Nameless)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_model::{HostPublisher, HostTrust};

    use super::{patterns, policy};
    use crate::{AppError, Home};

    #[test]
    fn a_star_stands_for_any_letters() {
        let matches = |pattern: &str, name: &str| patterns(&[pattern.to_owned()])[0].matches(name);
        for (pattern, name) in [
            ("acme-*", "acme-score"),
            ("*", "any"),
            ("**", "any"),
            ("*-score", "a-score"),
            ("a*-**b", "ax-yb"),
            ("a", "a"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("acme-*", "acme"), ("acme", "acme-score"), ("*-score", "score-a")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_none_that_lets_all_in() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        assert!(policy(&home, None).unwrap().is_none());
        std::fs::write(home.host_file(), "[log]\nformat = \"json\"\n").unwrap();
        assert!(policy(&home, None).unwrap().is_none());
        std::fs::write(home.host_file(), "[trust]\n").unwrap();
        assert!(policy(&home, None).unwrap().unwrap().rules.is_empty());
        std::fs::write(home.host_file(), "[trust]\nunsigned = 1\n").unwrap();
        assert!(matches!(policy(&home, None), Err(AppError::Faulty(_))));
        std::fs::remove_file(home.host_file()).unwrap();
        std::os::unix::fs::symlink("/nonexistent", home.host_file()).unwrap();
        assert!(matches!(policy(&home, None), Err(AppError::Faulty(_))));
        let keys = vec![format!("ed25519:01{}", "00".repeat(31))];
        let own = HostTrust {
            publishers: vec![HostPublisher { plugins: Vec::new(), keys }],
            ..HostTrust::default()
        };
        let told = policy(&home, Some(&own)).unwrap_err().to_string();
        assert!(told.contains("protects nothing"), "{told}");
    }
}
