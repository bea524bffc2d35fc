//! What was fetched, by digest: it serves when the registry is away, and nothing in it is believed without its digest.

use std::fs;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, read_regular, write_whole};
use playbook_model::Digest;

use crate::manifest::Manifest;
use crate::{Result, Signatures};

/// A folder of artefacts.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// An artefact that lies here whole.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) manifest: Manifest,
    pub(crate) component: PathBuf,
    pub(crate) component_digest: Digest,
    pub(crate) signatures: Signatures,
}

impl Cache {
    /// A cache in a folder, which is made when something is kept.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// An artefact, if it lies here whole; what was changed on the disk is as good as absent.
    pub(crate) fn get(&self, digest: Digest) -> Option<Kept> {
        let bytes = self.read(&self.manifest(digest), digest)?;
        let manifest = Manifest::read(&bytes).ok()?;
        let component_digest = manifest.component().ok()?.digest;
        let component = self.component(component_digest);
        self.read(&component, component_digest)?;
        let signatures = read_regular(&self.signatures(digest)).ok();
        // They are verified when they are read; none at all is what the policy then judges.
        let signatures = signatures.and_then(|bytes| Signatures::read(digest, &bytes).ok());
        let signatures = signatures.unwrap_or_else(|| Signatures::none(digest));
        Some(Kept { manifest, component, component_digest, signatures })
    }

    /// Keeps an artefact; its manifest comes last, so that what can be found is whole.
    pub(crate) fn put(
        &self,
        manifest: &[u8],
        component: &[u8],
        signatures: &Signatures,
    ) -> Result<()> {
        let (digest, component_digest) = (Digest::of(manifest), Digest::of(component));
        write(&self.component(component_digest), component)?;
        self.put_signatures(signatures)?;
        // Two manifests may hold one component.
        let names = self.names(component_digest);
        let known = fs::read_to_string(&names).unwrap_or_default();
        if !known.lines().any(|line| line == digest.hex()) {
            write(&names, format!("{known}{digest}\n").as_bytes())?;
        }
        write(&self.manifest(digest), manifest)
    }

    /// Keeps signatures of a manifest.
    pub(crate) fn put_signatures(&self, signatures: &Signatures) -> Result<()> {
        write(&self.signatures(signatures.manifest()), &signatures.bytes())
    }

    /// Manifests that hold a component.
    pub(crate) fn manifests_of(&self, component: Digest) -> Vec<Digest> {
        let names = fs::read_to_string(self.names(component)).unwrap_or_default();
        names.lines().filter_map(Digest::from_hex).collect()
    }

    fn read(&self, path: &Path, digest: Digest) -> Option<Vec<u8>> {
        let bytes = read_regular(path).ok()?;
        if Digest::of(&bytes) == digest {
            return Some(bytes);
        }
        tracing::warn!(file = %path.display(), "a file of the cache of artefacts was changed, and is not used");
        None
    }

    fn manifest(&self, digest: Digest) -> PathBuf {
        self.dir.join("manifests").join(format!("{digest}.json"))
    }

    fn signatures(&self, manifest: Digest) -> PathBuf {
        self.dir.join("signatures").join(format!("{manifest}.json"))
    }

    fn component(&self, digest: Digest) -> PathBuf {
        self.dir.join("components").join(format!("{digest}.wasm"))
    }

    fn names(&self, component: Digest) -> PathBuf {
        self.dir.join("manifests").join(format!("of-{component}"))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(FileError::of("create", folder))?;
    Ok(write_whole(path, bytes)?)
}
