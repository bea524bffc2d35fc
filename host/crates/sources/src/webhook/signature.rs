//! The signature of a message: HMAC-SHA256 over id, time and body, one for each secret that holds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Secrets of a webhook; nothing shows them.
pub(super) struct Keys(Vec<Vec<u8>>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Reads secrets that stand beside each other or on lines of their own: while one takes the place of another, both sign.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let key = |word: &str| {
            let bytes = word.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
            bytes.filter(|bytes| BYTES.contains(&bytes.len()))
        };
        let keys: Option<Vec<_>> = text.split_whitespace().map(key).collect();
        keys.filter(|keys| !keys.is_empty()).map(Self).ok_or_else(|| {
            format!(
                "holds no secret of a webhook: `{PREFIX}` and {} to {} random bytes in base64 are expected, of \
                 several one a line",
                BYTES.start(),
                BYTES.end()
            )
        })
    }

    /// The header: `v1,` and the signature, of several secrets with a space between.
    pub(super) fn sign(&self, id: &str, at_s: i64, body: &[u8]) -> String {
        let signed = self.0.iter().map(|key| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            mac.update(format!("{id}.{at_s}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    /// The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_known_message_has_the_known_signature() {
        let keys = Keys::read(SECRET).unwrap();
        assert_eq!(keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, BODY), SIGNED);
    }

    #[test]
    fn every_secret_signs_while_one_takes_the_place_of_another() {
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        let signed = |text: &str| {
            let keys = Keys::read(text).unwrap();
            keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, BODY)
        };
        let both = signed(&format!("{other}\n{SECRET}\n"));
        assert_eq!(both, format!("{} {SIGNED}", signed(other)));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_shown() {
        let short = "whsec_aGVsbG8=";
        let both = format!("{SECRET} {short}");
        for text in
            ["", " ", "hunter2", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!", short, &both]
        {
            let why = Keys::read(text).err().unwrap();
            assert!(why.contains("24 to 64 random bytes") && !why.contains("hunter2"), "{why}");
        }
    }
}
