//! Writing to a registry: a component under its version, and signatures beside it.

use bytes::Bytes;
use playbook_model::{ArtefactRef, Digest};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode, Url};

use crate::authorize::Action;
use crate::error::shown;
use crate::manifest::{Bundle, Descriptor, EMPTY_BYTES, MANIFEST};
use crate::registry::{asking, now, signature_tag};
use crate::transport::{Transport, may_be_asked};
use crate::{About, Registry, RegistryError, Result, SecretKey, Signatures};

/// What is to be pushed.
#[derive(Debug)]
pub struct Push<'a> {
    /// The repository; the tag is the version of the plugin.
    pub repository: &'a ArtefactRef,
    /// The component.
    pub component: &'a [u8],
    /// What its manifest says.
    pub about: &'a About,
    /// Who vouches for it.
    pub key: Option<&'a SecretKey>,
    /// Whether other bytes under this version may lose their tag.
    pub replace: bool,
}

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Where it is, with its tag and its digest.
    pub reference: ArtefactRef,
    /// Whether the registry had just this already.
    pub was_there: bool,
    /// Its signatures, this one among them.
    pub signatures: Signatures,
}

impl Registry {
    /// Pushes a component, and signs it.
    ///
    /// # Errors
    /// A component that is too large, a version that is there with other bytes, a registry that does not take it.
    pub fn push(&self, push: &Push<'_>) -> Result<Pushed> {
        let bytes_max = self.transport.bounds.component_bytes_max;
        if push.component.len() as u64 > bytes_max {
            return Err(RegistryError::TooLarge { what: "the component".to_owned(), bytes_max });
        }
        now(self.pushed(push))
    }

    /// Adds a signature to what a registry has; its bytes are those of the digest, whatever its tag is today.
    ///
    /// # Errors
    /// A reference without a digest, what is no plugin, a registry that does not take it.
    pub fn sign(&self, reference: &ArtefactRef, key: &SecretKey) -> Result<Signatures> {
        let Some(digest) = reference.digest else {
            return Err(RegistryError::Unpinned(Box::new(reference.clone())));
        };
        now(async {
            let found = self.manifest(reference).await?;
            found.component(reference)?;
            self.add_signature(reference, digest, found.bytes.len(), key).await
        })
    }

    async fn pushed(&self, push: &Push<'_>) -> Result<Pushed> {
        let tag = tag_of(&push.about.version);
        let place = push.repository.tagged(&tag);
        let bundle = Bundle::of_component(push.component, push.about);
        let there = match self.manifest(&place).await {
            Ok(found) => Some(found.digest),
            Err(RegistryError::Absent { .. }) => None,
            Err(other) => return Err(other),
        };
        if let Some(there) = there.filter(|there| *there != bundle.digest && !push.replace) {
            return Err(RegistryError::Published { reference: Box::new(place), there });
        }
        let was_there = there == Some(bundle.digest);
        if !was_there {
            self.upload(&place, &tag, &bundle).await?;
        }
        let signatures = match push.key {
            Some(key) => {
                self.add_signature(&place, bundle.digest, bundle.manifest.len(), key).await?
            }
            None => self.signatures_of(&place, bundle.digest).await?,
        };
        Ok(Pushed { reference: place.pinned(bundle.digest), was_there, signatures })
    }

    async fn add_signature(
        &self,
        reference: &ArtefactRef,
        manifest: Digest,
        manifest_bytes: usize,
        key: &SecretKey,
    ) -> Result<Signatures> {
        let mut signatures = self.signatures_of(reference, manifest).await?;
        if signatures.sign(key)? {
            let subject = Descriptor {
                media_type: MANIFEST.to_owned(),
                digest: manifest,
                size: manifest_bytes as u64,
            };
            let bundle = Bundle::of_signatures(signatures.bytes(), subject);
            self.upload(reference, &signature_tag(manifest), &bundle).await?;
        }
        Ok(signatures)
    }

    async fn upload(&self, reference: &ArtefactRef, tag: &str, bundle: &Bundle) -> Result<()> {
        for blob in &bundle.blobs {
            self.upload_blob(reference, blob).await?;
        }
        let url =
            Transport::url(&reference.host, &format!("{}/manifests/{tag}", reference.repository))?;
        let bytes = Bytes::copy_from_slice(&bundle.manifest);
        let put = || {
            let request =
                self.transport.request(Method::PUT, url.clone(), self.transport.bounds.call);
            request.header(CONTENT_TYPE, MANIFEST).body(bytes.clone())
        };
        self.ask(asking(reference, Action::Push), "the manifest", put).await.map(drop)
    }

    async fn upload_blob(&self, reference: &ArtefactRef, blob: &[u8]) -> Result<()> {
        let asking = asking(reference, Action::Push);
        let bounds = self.transport.bounds;
        let digest = Digest::of(blob);
        let blobs = format!("{}/blobs", reference.repository);
        let there = Transport::url(&reference.host, &format!("{blobs}/sha256:{digest}"))?;
        let look = || self.transport.request(Method::HEAD, there.clone(), bounds.call);
        if self.answer(asking, look).await?.status() == StatusCode::OK {
            return Ok(());
        }
        let begin = Transport::url(&reference.host, &format!("{blobs}/uploads/"))?;
        let post = || self.transport.request(Method::POST, begin.clone(), bounds.call).body("");
        let answer = self.ask(asking, "an upload", post).await?;
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let mut to = upload_place(&reference.host, &begin, location)?;
        to.query_pairs_mut().append_pair("digest", &format!("sha256:{digest}"));
        let bytes = Bytes::copy_from_slice(blob);
        let put = || {
            let request = self.transport.request(Method::PUT, to.clone(), bounds.transfer);
            request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.clone())
        };
        let what = if blob == EMPTY_BYTES { "a configuration" } else { "the bytes" };
        // Who asks is the registry's own affair: elsewhere the address itself says that one may.
        if (to.host_str(), to.port_or_known_default())
            == (begin.host_str(), begin.port_or_known_default())
        {
            return self.ask(asking, what, put).await.map(drop);
        }
        let answer = Transport::send(&reference.host, put()).await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(crate::transport::refusal(&reference.host, answer, what).await),
        }
    }
}

/// Where a registry wants bytes to be sent.
fn upload_place(host: &str, asked: &Url, location: Option<&str>) -> Result<Url> {
    let odd = |why: String| RegistryError::Redirect { host: host.to_owned(), why };
    let location =
        location.ok_or_else(|| odd("it does not say where an upload goes".to_owned()))?;
    let url = asked
        .join(location)
        .map_err(|_| odd(format!("`{}` is no place for an upload", shown(location))))?;
    may_be_asked(&url, host).map_err(odd)?;
    Ok(url)
}

/// A version as a tag, which has no `+`.
fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use reqwest::Url;

    use super::{tag_of, upload_place};

    #[test]
    fn bytes_go_only_where_the_registry_may_send_them() {
        let asked = Url::parse("https://a.example.com/v2/x/blobs/uploads/").unwrap();
        let place = |to| upload_place("a.example.com", &asked, to).map(|url| url.to_string());
        assert_eq!(place(Some("/v2/u/1?s=2")).unwrap(), "https://a.example.com/v2/u/1?s=2");
        assert_eq!(place(Some("https://b.example.com/u")).unwrap(), "https://b.example.com/u");
        for to in
            [Some("http://a.example.com/u"), Some("http://127.0.0.1/u"), Some("https://["), None]
        {
            assert!(place(to).is_err(), "{to:?}");
        }
    }

    #[test]
    fn a_version_is_a_tag() {
        assert_eq!(tag_of("1.2.0-rc.1+build.5"), "1.2.0-rc.1_build.5");
    }
}
