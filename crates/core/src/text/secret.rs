//! Recognizes what looks like a secret, so that no message and no excerpt shows it.
//!
//! A guess: it withholds too much rather than too little. Thumbprints and fingerprints are public and stay.

mod region;

pub use region::SecretRegions;

/// What is shown in place of a secret.
const WITHHELD: &str = "(withheld)";

/// What is shown in place of an API key or of a credential of this process. A value that contains it was printed, and
/// cannot be written.
pub const KEY_WITHHELD: &str = "(key withheld)";

/// The least number of characters after `API-` in a key that is withheld from a value: fewer may be a name.
const KEY_LENGTH: usize = 20;

/// Words that name a secret wherever they are part of a key, in lower case.
const SECRET_PARTS: [&str; 12] = [
    "accesskey",
    "apikey",
    "apitoken",
    "authorization",
    "connectionstring",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "token",
];

/// Words that name a secret if they are a whole word of a key, in lower case.
const SECRET_WORDS: [&str; 8] = ["auth", "bearer", "cookie", "key", "keys", "pass", "pwd", "sig"];

/// How the tokens of well-known systems begin.
const TOKEN_PREFIXES: [&str; 9] =
    ["eyJ", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-"];

/// How similar a misspelt word is to one of [`SECRET_PARTS`], from 0 to 1.
const SIMILAR: f32 = 0.85;

/// Returns whether a key's name says that its value is a secret: `api_key`, `Database.Password`, `pasword`.
pub fn is_secret_key(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = plain.to_lowercase();
    let is_similar = |word: &&&str| {
        plain.len().abs_diff(word.len()) <= 2
            && similar::TextDiff::from_chars(plain.as_str(), **word).ratio() >= SIMILAR
    };
    SECRET_PARTS.iter().any(|part| plain.contains(part))
        || words_of(key).any(|word| SECRET_WORDS.contains(&word.as_str()))
        || (plain.len() <= 20 && SECRET_PARTS.iter().find(is_similar).is_some())
}

/// A credential that the program takes, but never from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    ApiKey,
    /// An access token.
    AccessToken,
}

/// Returns the credential of the program that a key names: `api-key`, `AccessToken`; `None` for any other secret.
pub fn name_credential(key: &str) -> Option<Credential> {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = plain.to_lowercase();
    let plain = plain.strip_prefix("octopus").unwrap_or(&plain);
    match plain {
        "apikey" | "key" => Some(Credential::ApiKey),
        "accesstoken" | "token" => Some(Credential::AccessToken),
        _ => None,
    }
}

/// Returns a text without the Octopus API keys in it, whosever they are.
pub fn redact_keys(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("API-") {
        let after = at + "API-".len();
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        let length = rest[after..].find(|c| !is_part(c)).unwrap_or(rest.len() - after);
        let is_key = length >= KEY_LENGTH;
        redacted.push_str(&rest[..if is_key { at } else { after }]);
        redacted.push_str(if is_key { KEY_WITHHELD } else { "" });
        rest = &rest[if is_key { after + length } else { after }..];
    }
    redacted + rest
}

/// The words of a key in lower case: `ApiKey`, `api-key` and `API_KEY` have the same two.
fn words_of(key: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for c in key.chars() {
        if !c.is_alphanumeric() || (before_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        before_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.into_iter()
}

/// Returns whether a line looks as if it contained a secret.
pub fn looks_secret(line: &str) -> bool {
    find_token(line, 6).is_some()
        || find_user(line).is_some()
        || line.contains("-----BEGIN")
        || assigned_keys(line).any(is_secret_key)
}

/// Returns a message without what is certainly a key, a token or a password.
pub fn redact_message(text: &str) -> String {
    let mut rest = text;
    let mut redacted = String::with_capacity(text.len());
    loop {
        let found = [find_token(rest, 12), find_user(rest), find_query(rest)];
        let Some((start, end)) = found.into_iter().flatten().min() else { break };
        redacted.push_str(&rest[..start]);
        redacted.push_str(WITHHELD);
        rest = &rest[end..];
    }
    redacted + rest
}

/// Finds an Octopus API key, a token of a well-known system, or the credentials of an HTTP header. `shortest` is the
/// least number of characters after `API-`.
fn find_token(text: &str, shortest: usize) -> Option<(usize, usize)> {
    let token =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '~');
    let length =
        |rest: &str, of: &dyn Fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
    let octopus = text.match_indices("API-").find_map(|(at, prefix)| {
        let after = at + prefix.len();
        let end = after + length(&text[after..], &|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        (end - after >= shortest).then_some((at, end))
    });
    let prefixed = TOKEN_PREFIXES.iter().filter_map(|prefix| {
        let at = text.find(prefix)?;
        let end = at + length(&text[at..], &token);
        (end - at >= prefix.len() + 10).then_some((at, end))
    });
    let header = ["Bearer ", "bearer ", "Basic ", "basic "].iter().filter_map(|scheme| {
        let after = text.find(scheme)? + scheme.len();
        let end = after + length(&text[after..], &token);
        (end - after >= 12).then_some((after, end))
    });
    prefixed.chain(header).chain(octopus).min()
}

/// Finds the user and the password in a URL.
fn find_user(text: &str) -> Option<(usize, usize)> {
    text.match_indices("://").find_map(|(at, scheme)| {
        let after = at + scheme.len();
        // A password may contain a slash that should have been encoded.
        let stops = |c: char| c.is_whitespace() || matches!(c, '?' | '#' | '"' | '\'' | '`');
        let end = after + text[after..].find(stops).unwrap_or(text.len() - after);
        text[after..end].rfind('@').map(|user| (after, after + user))
    })
}

/// Returns whether a URL has a secret in its query or its fragment.
pub fn has_secret_parameter(url: &str) -> bool {
    find_query(url).is_some()
}

/// Finds the value of a query's parameter whose name is that of a secret.
fn find_query(text: &str) -> Option<(usize, usize)> {
    text.match_indices(['?', '&', '#']).find_map(|(at, _)| {
        let after = at + 1;
        let name = after + text[after..].find('=')?;
        let stops = |c: char| c.is_whitespace() || matches!(c, '&' | '#' | '"' | '\'' | '`' | ')');
        let is_name =
            text[after..name].chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let value = name + 1;
        let end = value + text[value..].find(stops).unwrap_or(text.len() - value);
        (is_name && end > value && is_secret_key(&text[after..name])).then_some((value, end))
    })
}

/// The names that something is assigned to in a line: those before `=` or `:`, quoted or not.
fn assigned_keys(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(['=', ':']).filter_map(|(at, _)| {
        let before = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let start = before
            .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let key = &before[start..];
        (!key.is_empty()).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_secrets_are_recognized() {
        let secret = [
            "api_key = API-HIDDEN",
            "  x = \"API-ABCDEF0123456789\"",
            "API-ABCDEF0123456789",
            "ssh = { hots = \"x\", password = \"hunter2\" }",
            "pasword = 'x'",
            "\"Client Secret\" = 1",
            "token: x",
            "url = \"https://octopus.example/?apikey=x\"",
            "url = \"https://user:pw@octopus.example\"",
            "url = 'https://user@octopus.example'",
            "key = \"x\"",
            "Octopus.Action.Azure.StorageKey = \"x\"",
            "ACCESS-TOKEN=x",
            "header = \"Bearer abcdefghijklmnop\"",
            "x = \"eyJhbGciOiJIUzI1NiJ9.x.y\"",
            "-----BEGIN RSA PRIVATE KEY-----",
            "password =",
            "{\"apiKey\":\"x\"}",
        ];
        let missed: Vec<_> = secret.iter().filter(|line| !looks_secret(line)).collect();
        assert_eq!(missed, [&""; 0]);
    }

    #[test]
    fn public_values_are_not_taken_for_secrets() {
        let public = [
            "thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\"",
            "fingerprint = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"",
            "url = \"https://octopus.acme.example:10933\"",
            "subscription = \"poll://abcdefghijklmnopqrst/\"",
            "name = \"Monkey passes the tokenizer\"",
            "[pools.api-production]",
            "step = \"API-gateway\"",
            "label = \"user@example.com\"",
            "namespace = \"octopus-agent\"",
        ];
        let withheld: Vec<_> = public.iter().filter(|line| looks_secret(line)).collect();
        assert_eq!(withheld, [&""; 0]);
    }

    #[test]
    fn no_configuration_key_looks_like_a_secret() {
        fn keys(schema: &serde_json::Value, all: &mut Vec<String>) {
            let properties = schema.get("properties").and_then(serde_json::Value::as_object);
            all.extend(properties.into_iter().flatten().map(|(key, _)| key.clone()));
            schema.as_object().into_iter().flatten().for_each(|(_, value)| keys(value, all));
            schema.as_array().into_iter().flatten().for_each(|item| keys(item, all));
        }
        let mut all = Vec::new();
        keys(&crate::config::json_schema(), &mut all);
        assert!(all.len() > 40, "{all:?}");
        assert_eq!(all.iter().filter(|key| is_secret_key(key)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn api_keys_are_redacted_and_names_are_kept() {
        let key = "API-ABCDEFGHIJKLMNOPQRSTUV";
        let told = redact_keys(&format!("é {key}, {key}é API-PRODUCTION API-{key}"));
        assert_eq!(told, "é (key withheld), (key withheld)é API-PRODUCTION API-(key withheld)");
        assert_eq!(redact_keys("API-"), "API-");
    }

    #[test]
    fn secrets_in_a_message_are_redacted_and_the_rest_is_kept() {
        let text = "unknown key `API-ABCDEF0123456789`, `https://me:pw@host/x?a=1&apikey=k&b=2` Bearer abcdefghijklmnop";
        insta::assert_snapshot!(redact_message(text), @"unknown key `(withheld)`, `https://(withheld)@host/x?a=1&apikey=(withheld)&b=2` Bearer (withheld)");
        let same = "`pools[\"API-SERVER\"]` has a token: 1 = 2 at https://host/app#/x?y=1";
        assert_eq!(redact_message(same), same);
    }
}
