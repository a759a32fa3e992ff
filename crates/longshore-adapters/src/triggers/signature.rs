//! The signature of a webhook: who has the server's secret can tell that it was sent by the server, lately,
//! and as it is.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `x-longshore-signature`: `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `SECONDS.BODY`
/// under the secret's text.
pub fn signature(secret: &str, sent_at_secs: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(sent_at_secs.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={sent_at_secs},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_openssl_says() {
        // printf '1700000000.{"Type":"Notification"}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signature("secret", 1_700_000_000, br#"{"Type":"Notification"}"#),
            "t=1700000000,v1=357dab1c55893200fd51a01eaf787ba0d81ba1c8168a0d5ca6b19b122b4c534d"
        );
    }
}
