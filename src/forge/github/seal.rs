//! Sealed boxes: only GitHub can open what is in them (<https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;

use crate::model::token::Token;

/// `value` sealed for the owner of a public key, both in base64; none when that is no key.
pub(super) fn sealed(value: &Token, key: &str) -> Option<String> {
    let bytes = STANDARD.decode(key).ok()?;
    let key = PublicKey::from_slice(&bytes).ok()?;
    let sealed = key.seal(&mut OsRng, value.expose().as_bytes()).ok()?;
    Some(STANDARD.encode(sealed))
}

#[cfg(test)]
mod tests {
    use crypto_box::SecretKey;

    use super::*;

    #[test]
    fn only_the_owner_of_the_key_can_open_it() {
        let secret = SecretKey::generate(&mut OsRng);
        let key = STANDARD.encode(secret.public_key().as_bytes());
        let sealed = sealed(&Token::new("välue"), &key).expect("a key");
        let opened = secret.unseal(&STANDARD.decode(&sealed).expect("base64")).expect("ours");
        assert_eq!(opened, "välue".as_bytes());
        assert!(SecretKey::generate(&mut OsRng).unseal(&STANDARD.decode(&sealed).expect("base64")).is_err());
    }

    #[test]
    fn what_is_no_key_seals_nothing() {
        for odd in ["", "????", "AAAA", &"A".repeat(88)] {
            assert!(sealed(&Token::new("v"), odd).is_none(), "{odd}");
        }
    }
}
