//! Having an artefact: from the cache or the registry, checked, judged by the host's policy, kept.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use playbook_model::{ArtefactRef, Digest};

use crate::cache::Kept;
use crate::registry::now;
use crate::{About, Bounds, Cache, Credentials, Registry, RegistryError, Result, Signatures};
use crate::{Trust, Untrusted, Verdict};

/// Artefacts of a host.
#[derive(Debug)]
pub struct Store {
    cache: Cache,
    bounds: Bounds,
    credentials: Credentials,
    trust: Option<Trust>,
    registry: OnceLock<Registry>,
}

/// An artefact that this host has, and takes.
#[derive(Debug, Clone)]
pub struct Artefact {
    /// Where it is from, with its digest.
    pub reference: ArtefactRef,
    /// What its manifest says.
    pub about: About,
    /// The component.
    pub component: PathBuf,
    /// Digest of the component.
    pub component_digest: Digest,
    /// Signatures of its manifest.
    pub signatures: Signatures,
    /// Why it is taken.
    pub verdict: Verdict,
    /// Whether it was here already.
    pub was_cached: bool,
}

impl Store {
    /// Artefacts in a folder; nothing is opened or sent.
    #[must_use]
    pub fn new(dir: &Path, bounds: Bounds, credentials: Credentials, trust: Option<Trust>) -> Self {
        let cache = Cache::new(dir.to_owned());
        Self { cache, bounds, credentials, trust, registry: OnceLock::new() }
    }

    /// The registries behind it.
    ///
    /// # Errors
    /// As [`Registry::new`].
    pub fn registry(&self) -> Result<&Registry> {
        if let Some(registry) = self.registry.get() {
            return Ok(registry);
        }
        let registry = Registry::new(self.bounds, self.credentials.clone())?;
        Ok(self.registry.get_or_init(|| registry))
    }

    /// The policy, if this host has one.
    #[must_use]
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// The digest of a reference: its own, or what its tag has now.
    ///
    /// # Errors
    /// No answer, or no such tag.
    pub fn pin(&self, reference: &ArtefactRef) -> Result<ArtefactRef> {
        match reference.digest {
            Some(_) => Ok(reference.clone()),
            None => Ok(reference.pinned(self.registry()?.resolve(reference)?)),
        }
    }

    /// Returns an artefact by its digest: from the cache where it is there, without asking anybody; else from the registry.
    ///
    /// # Errors
    /// A reference without a digest, no answer, other bytes, and whatever the policy does not let in.
    pub fn fetch(&self, reference: &ArtefactRef) -> Result<Artefact> {
        let Some(digest) = reference.digest else {
            return Err(RegistryError::Unpinned(Box::new(reference.clone())));
        };
        match self.cache.get(digest) {
            Some(kept) => self.kept(reference, kept),
            None => self.fetched(reference, digest),
        }
    }

    /// Why a component is let in that a playbook has by its name or as a file: by the signatures of an artefact that holds it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn judge(&self, name: &str, component: Digest) -> Result<Verdict, Untrusted> {
        let Some(trust) = &self.trust else { return Ok(Verdict::NoPolicy) };
        if trust.takes_unsigned(name) {
            return Ok(Verdict::Unasked);
        }
        let mut refused = None;
        for manifest in self.cache.manifests_of(component) {
            let Some(kept) = self.cache.get(manifest) else { continue };
            match trust.judge(name, Some(&kept.signatures)) {
                Ok(verdict) => return Ok(verdict),
                Err(why) => refused = Some(why),
            }
        }
        refused.map_or_else(|| trust.judge(name, None), Err)
    }

    fn kept(&self, reference: &ArtefactRef, mut kept: Kept) -> Result<Artefact> {
        let about = About::of(&kept.manifest.annotations);
        let mut judged = self.verdict(&about.name, &kept.signatures);
        if judged.is_err()
            && let Ok(fresh) = self.fresh_signatures(reference, kept.signatures.manifest())
            && fresh != kept.signatures
        {
            // Somebody signed it since.
            self.cache.put_signatures(&fresh)?;
            judged = self.verdict(&about.name, &fresh);
            kept.signatures = fresh;
        }
        Ok(Artefact {
            reference: reference.clone(),
            about,
            component: kept.component,
            component_digest: kept.component_digest,
            signatures: kept.signatures,
            verdict: judged?,
            was_cached: true,
        })
    }

    fn fresh_signatures(&self, reference: &ArtefactRef, manifest: Digest) -> Result<Signatures> {
        self.registry()?.signatures(reference, manifest)
    }

    fn fetched(&self, reference: &ArtefactRef, digest: Digest) -> Result<Artefact> {
        let registry = self.registry()?;
        let (manifest, component, signatures, verdict) = now(async {
            let found = registry.manifest(reference).await?;
            let descriptor = found.component(reference)?;
            let signatures = registry.signatures_of(reference, digest).await?;
            // Before the bytes are fetched: what is not trusted costs nothing.
            let name = About::of(&found.manifest.annotations).name;
            let verdict = self.verdict(&name, &signatures)?;
            let component = registry.component(reference, descriptor).await?;
            Ok((found.bytes, component, signatures, verdict))
        })?;
        self.cache.put(&manifest, &component, &signatures)?;
        let kept = self.cache.get(digest).ok_or_else(|| RegistryError::NoPlugin {
            reference: reference.to_string(),
            why: "it was changed while it was kept; try again".to_owned(),
        })?;
        Ok(Artefact {
            reference: reference.clone(),
            about: About::of(&kept.manifest.annotations),
            component: kept.component,
            component_digest: kept.component_digest,
            signatures,
            verdict,
            was_cached: false,
        })
    }

    fn verdict(&self, name: &str, signatures: &Signatures) -> Result<Verdict, Untrusted> {
        match &self.trust {
            None => Ok(Verdict::NoPolicy),
            Some(trust) => trust.judge(name, Some(signatures)),
        }
    }
}
