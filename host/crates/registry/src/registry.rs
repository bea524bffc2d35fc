//! Reading a registry: manifests, blobs, lists. Every digest is checked here.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::thread;

use playbook_model::{ArtefactRef, Digest};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LINK};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::authorize::{Action, Asking};
use crate::error::shown;
use crate::manifest::{Descriptor, MANIFEST, Manifest};
use crate::transport::{Bounds, Transport, body, may_be_asked, refusal, words};
use crate::{About, Credentials, RegistryError, Result, Signatures};

/// Names in one list: tags of a repository, or repositories of a registry.
const NAMES_MAX: usize = 10_000;
/// Names that one answer is asked for.
const NAMES_AT_ONCE: usize = 1_000;

/// Registries, and who this user is to them.
#[derive(Debug)]
pub struct Registry {
    pub(crate) transport: Transport,
    credentials: Credentials,
    /// What proved who asks, by registry, repository and action.
    proofs: Mutex<HashMap<(String, String, Action), HeaderValue>>,
}

/// A plugin as a registry's manifest tells of it, unjudged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it is, with its tag and its digest.
    pub reference: ArtefactRef,
    /// What its manifest says.
    pub about: About,
    /// Bytes of its component.
    pub bytes: u64,
}

/// A manifest whose bytes have the digest that it was asked by, or that it came with.
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) manifest: Manifest,
}

impl Registry {
    /// Makes clients of registries; nothing is sent.
    ///
    /// # Errors
    /// [`RegistryError::Client`] where the system's certificates cannot be used.
    pub fn new(bounds: Bounds, credentials: Credentials) -> Result<Self> {
        let proofs = Mutex::default();
        Ok(Self { transport: Transport::new(bounds)?, credentials, proofs })
    }

    /// The digest that a tag has now.
    ///
    /// # Errors
    /// No answer, no such tag, or no manifest of a plugin.
    pub fn resolve(&self, reference: &ArtefactRef) -> Result<Digest> {
        now(async { Ok(self.manifest(reference).await?.digest) })
    }

    /// Tags of a repository.
    ///
    /// # Errors
    /// No answer, or no such repository.
    pub fn tags(&self, reference: &ArtefactRef) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Tags {
            tags: Option<Vec<String>>,
        }
        let asking = asking(reference, Action::Pull);
        let path = format!("{}/tags/list", reference.repository);
        let what = format!("the tags of `{}`", reference.repository);
        now(self.names(asking, &path, &what, |found: Tags| found.tags.unwrap_or_default()))
    }

    /// Repositories of a registry.
    ///
    /// # Errors
    /// No answer, or a registry that does not list them.
    pub fn repositories(&self, host: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Catalog {
            repositories: Option<Vec<String>>,
        }
        let asking = Asking { host, repository: "", action: Action::List };
        let what = "the list of repositories";
        let names = |found: Catalog| found.repositories.unwrap_or_default();
        now(self.names(asking, "_catalog", what, names))
    }

    /// What the manifest of a plugin says.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub fn listed(&self, reference: &ArtefactRef) -> Result<Listed> {
        now(async {
            let found = self.manifest(reference).await?;
            let component = found.component(reference)?;
            let reference = reference.pinned(found.digest);
            let about = About::of(&found.manifest.annotations);
            Ok(Listed { reference, about, bytes: component.size })
        })
    }

    /// Signatures of a manifest: those that verify, none where nobody signed it.
    ///
    /// # Errors
    /// No answer, or something else under the tag of signatures.
    pub fn signatures(&self, reference: &ArtefactRef, manifest: Digest) -> Result<Signatures> {
        now(self.signatures_of(reference, manifest))
    }

    pub(crate) async fn signatures_of(
        &self,
        reference: &ArtefactRef,
        manifest: Digest,
    ) -> Result<Signatures> {
        let place = reference.tagged(&signature_tag(manifest));
        let found = match self.manifest(&place).await {
            Err(RegistryError::Absent { .. }) => return Ok(Signatures::none(manifest)),
            other => other?,
        };
        let odd = |why| RegistryError::NoPlugin { reference: place.to_string(), why };
        let layer = found.manifest.signatures().map_err(odd)?;
        let bytes = self.words(&place, layer, "signatures").await?;
        Signatures::read(manifest, &bytes).map_err(odd)
    }

    /// A manifest, by its digest where the reference has one.
    pub(crate) async fn manifest(&self, reference: &ArtefactRef) -> Result<Found> {
        let name = match (&reference.digest, &reference.tag) {
            (Some(digest), _) => format!("sha256:{digest}"),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        };
        let url =
            Transport::url(&reference.host, &format!("{}/manifests/{name}", reference.repository))?;
        let ask = || {
            let request =
                self.transport.request(Method::GET, url.clone(), self.transport.bounds.call);
            request.header(ACCEPT, MANIFEST)
        };
        let what = format!("`{}` of `{}`", shown(&name), reference.repository);
        let answer = self.ask(asking(reference, Action::Pull), &what, ask).await?;
        let bytes_max = self.transport.bounds.words_bytes_max;
        let bytes = body(&reference.host, answer, "a manifest", bytes_max).await?;
        let found = Digest::of(&bytes);
        if let Some(wanted) = reference.digest.filter(|wanted| *wanted != found) {
            let what = format!("the manifest of `{reference}`");
            return Err(RegistryError::OtherBytes { what, found, wanted });
        }
        let odd = |why| RegistryError::NoPlugin { reference: reference.to_string(), why };
        let manifest = Manifest::read(&bytes).map_err(odd)?;
        Ok(Found { bytes, digest: found, manifest })
    }

    /// The bytes of a component.
    pub(crate) async fn component(
        &self,
        reference: &ArtefactRef,
        descriptor: &Descriptor,
    ) -> Result<Vec<u8>> {
        let Bounds { component_bytes_max, transfer, .. } = self.transport.bounds;
        let what = format!("the component of `{reference}`");
        self.blob(reference, descriptor, &what, component_bytes_max, transfer).await
    }

    async fn words(
        &self,
        reference: &ArtefactRef,
        descriptor: &Descriptor,
        what: &str,
    ) -> Result<Vec<u8>> {
        let Bounds { words_bytes_max, call, .. } = self.transport.bounds;
        self.blob(reference, descriptor, what, words_bytes_max, call).await
    }

    async fn blob(
        &self,
        reference: &ArtefactRef,
        descriptor: &Descriptor,
        what: &str,
        bytes_max: u64,
        time: std::time::Duration,
    ) -> Result<Vec<u8>> {
        // What is said to be too large is not even asked for.
        if descriptor.size > bytes_max {
            return Err(RegistryError::TooLarge { what: what.to_owned(), bytes_max });
        }
        let wanted = descriptor.digest;
        let path = format!("{}/blobs/sha256:{wanted}", reference.repository);
        let url = Transport::url(&reference.host, &path)?;
        let ask = || self.transport.request(Method::GET, url.clone(), time);
        let answer = self.ask(asking(reference, Action::Pull), what, ask).await?;
        let bytes = body(&reference.host, answer, what, bytes_max).await?;
        let found = Digest::of(&bytes);
        match found == wanted {
            true => Ok(bytes),
            false => Err(RegistryError::OtherBytes { what: what.to_owned(), found, wanted }),
        }
    }

    /// Names of a list that may come in several answers.
    async fn names<T: DeserializeOwned>(
        &self,
        asking: Asking<'_>,
        path: &str,
        what: &str,
        names: impl Fn(T) -> Vec<String>,
    ) -> Result<Vec<String>> {
        let bounds = self.transport.bounds;
        let mut next = Transport::url(asking.host, path)?;
        next.query_pairs_mut().append_pair("n", &NAMES_AT_ONCE.to_string());
        let mut found = Vec::new();
        loop {
            let ask = || self.transport.request(Method::GET, next.clone(), bounds.call);
            let answer = self.ask(asking, what, ask).await?;
            let link = link(asking.host, &next, &answer);
            let bytes = body(asking.host, answer, what, bounds.words_bytes_max).await?;
            let read =
                serde_json::from_slice(&bytes).map_err(|error| RegistryError::Unreadable {
                    host: asking.host.to_owned(),
                    what: what.to_owned(),
                    why: error.to_string(),
                })?;
            let before = found.len();
            found.extend(names(read));
            if found.len() > NAMES_MAX {
                let what = format!("{what}, more than {NAMES_MAX} of them,");
                return Err(RegistryError::TooLarge { what, bytes_max: bounds.words_bytes_max });
            }
            match link {
                // An answer without a name would come for ever.
                Some(link) if found.len() > before => next = link,
                _ => return Ok(found),
            }
        }
    }

    /// Asks for something, proves who asks where that is wanted, and takes only a yes.
    pub(crate) async fn ask(
        &self,
        asking: Asking<'_>,
        what: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response> {
        let answer = self.answer(asking, request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let said = words(asking.host, answer).await;
                let has_login = self.credentials.of(asking.host)?.is_some();
                Err(asking.denied(has_login, said))
            }
            _ => Err(refusal(asking.host, answer, what).await),
        }
    }

    /// The answer to a request, whatever it is.
    pub(crate) async fn answer(
        &self,
        asking: Asking<'_>,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response> {
        let key = (asking.host.to_owned(), asking.repository.to_owned(), asking.action);
        let known = self.proofs().get(&key).cloned();
        let with = |proof: Option<HeaderValue>| match proof {
            Some(proof) => request().header(AUTHORIZATION, proof),
            None => request(),
        };
        let answer = Transport::send(asking.host, with(known)).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let proof = asking.prove(&self.transport, &self.credentials, answer).await?;
        self.proofs().insert(key, proof.clone());
        Transport::send(asking.host, with(Some(proof))).await
    }

    fn proofs(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String, Action), HeaderValue>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    pub(crate) fn component(&self, reference: &ArtefactRef) -> Result<&Descriptor> {
        let odd = |why| RegistryError::NoPlugin { reference: reference.to_string(), why };
        self.manifest.component().map_err(odd)
    }
}

pub(crate) fn asking(reference: &ArtefactRef, action: Action) -> Asking<'_> {
    Asking { host: &reference.host, repository: &reference.repository, action }
}

/// The tag under which signatures of a manifest stand, where registries do not list what refers to it.
pub(crate) fn signature_tag(manifest: Digest) -> String {
    format!("sha256-{manifest}.sig")
}

/// Where a list goes on.
fn link(host: &str, asked: &Url, answer: &Response) -> Option<Url> {
    let link = answer.headers().get(LINK)?.to_str().ok()?;
    let path = link.split_once('<')?.1.split_once('>')?.0;
    let url = asked.join(path).ok()?;
    may_be_asked(&url, host).is_ok().then_some(url)
}

/// Runs work that waits for the network, on a thread of its own: the caller's may belong to a runtime already.
pub(crate) fn now<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| RegistryError::Client(error.to_string()))?;
        runtime.block_on(work)
    };
    thread::scope(|scope| {
        let spawned = thread::Builder::new().name("registry".to_owned()).spawn_scoped(scope, run);
        let thread = spawned.map_err(|error| RegistryError::Client(error.to_string()))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
