//! Manifests: what a registry keeps of an artefact, in the layout that wasm tools share.

use std::collections::BTreeMap;

use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::About;

/// Media type of manifests.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of the configuration of components.
pub(crate) const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// Media type of components.
pub(crate) const WASM: &str = "application/wasm";
/// Media type of a configuration that says nothing.
pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Its bytes.
pub(crate) const EMPTY_BYTES: &[u8] = b"{}";
/// Media type of signatures, and the type of their artefact.
pub(crate) const SIGNATURES: &str = "application/vnd.playbook.signatures.v1+json";

/// A manifest, as far as it is read here. Its digest is that of its bytes, never of these values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What a manifest says of bytes that lie beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    #[serde(with = "sha256")]
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Configuration of a component, as other wasm tools read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WasmConfig {
    architecture: &'static str,
    os: &'static str,
    layer_digests: [String; 1],
}

/// A manifest with the bytes that it is about to be pushed with.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
    /// Configuration and layer.
    pub(crate) blobs: [Vec<u8>; 2],
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

impl Manifest {
    /// Reads a manifest.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let found: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("its manifest cannot be read: {error}"))?;
        match found.schema_version {
            2 => Ok(found),
            other => Err(format!("its manifest has version {other}; expected 2")),
        }
    }

    /// The one component of a plugin.
    pub(crate) fn component(&self) -> Result<&Descriptor, String> {
        if self.config.media_type != WASM_CONFIG {
            let found = &self.config.media_type;
            return Err(format!("its configuration is `{found}`; expected `{WASM_CONFIG}`"));
        }
        match self.layers.as_slice() {
            [layer] if layer.media_type == WASM => Ok(layer),
            [layer] => Err(format!("its layer is `{}`; expected `{WASM}`", layer.media_type)),
            others => Err(format!("it has {} layers; expected one, the component", others.len())),
        }
    }

    /// The one layer with signatures.
    pub(crate) fn signatures(&self) -> Result<&Descriptor, String> {
        match self.layers.as_slice() {
            [layer] if layer.media_type == SIGNATURES => Ok(layer),
            _ => Err(format!("its signatures are not one layer of `{SIGNATURES}`")),
        }
    }
}

impl Bundle {
    /// The artefact of a component: the same component and words give the same digest anywhere and at any time.
    pub(crate) fn of_component(component: &[u8], about: &About) -> Self {
        let config = WasmConfig {
            architecture: "wasm",
            // What the layout has for components; ours import nothing of it.
            os: "wasip2",
            layer_digests: [format!("sha256:{}", Digest::of(component))],
        };
        let config = serde_json::to_vec(&config).expect("texts always have a form in JSON");
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: None,
            config: Descriptor::of(WASM_CONFIG, &config),
            layers: vec![Descriptor::of(WASM, component)],
            subject: None,
            annotations: about.annotations(),
        };
        Self::new(&manifest, [config, component.to_vec()])
    }

    /// The artefact of signatures of a manifest.
    pub(crate) fn of_signatures(signatures: Vec<u8>, subject: Descriptor) -> Self {
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: Some(SIGNATURES.to_owned()),
            config: Descriptor::of(EMPTY, EMPTY_BYTES),
            layers: vec![Descriptor::of(SIGNATURES, &signatures)],
            subject: Some(subject),
            annotations: BTreeMap::new(),
        };
        Self::new(&manifest, [EMPTY_BYTES.to_vec(), signatures])
    }

    fn new(manifest: &Manifest, blobs: [Vec<u8>; 2]) -> Self {
        let manifest = serde_json::to_vec(manifest).expect("texts always have a form in JSON");
        Self { digest: Digest::of(&manifest), manifest, blobs }
    }
}

/// Digests as manifests write them.
mod sha256 {
    use playbook_model::Digest;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("sha256:{digest}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(from)?;
        let digest = text.strip_prefix("sha256:").and_then(Digest::from_hex);
        digest.ok_or_else(|| D::Error::custom("a digest is not sha256: and 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Bundle, Manifest};
    use crate::About;

    #[test]
    fn the_same_component_has_the_same_manifest() {
        let about = About { name: "acme-score".to_owned(), ..About::default() };
        let [first, second] = [(); 2].map(|()| Bundle::of_component(b"\0asm", &about));
        assert_eq!(first.digest, second.digest);
        let manifest = Manifest::read(&first.manifest).unwrap();
        assert_eq!(manifest.component().unwrap().size, 4);
        assert_eq!(About::of(&manifest.annotations), about);
    }

    #[test]
    fn what_holds_no_component_is_told_apart() {
        let bundle = Bundle::of_component(b"\0asm", &About::default());
        let text = String::from_utf8(bundle.manifest).unwrap();
        for (from, to, what) in [
            ("vnd.wasm.config.v0", "vnd.oci.image.config.v1", "its configuration is"),
            ("application/wasm", "application/x-tar", "its layer is"),
            ("\"schemaVersion\":2", "\"schemaVersion\":1", "version 1"),
            ("sha256:", "sha512:", "64 hexadecimal digits"),
            ("\"layers\":[{", "\"layers\":[],\"other\":[{", "it has 0 layers"),
            ("{\"schema", "[{\"schema", "cannot be read"),
        ] {
            let changed = text.replace(from, to);
            let told = Manifest::read(changed.as_bytes()).and_then(|m| m.component().cloned());
            let told = told.unwrap_err();
            assert!(told.contains(what), "{told}");
        }
    }
}
