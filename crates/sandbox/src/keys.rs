//! The keys of a store: those that everybody knows, or ones with a random end where it holds a copy of a live server.
//!
//! What a page of another site knows it can send. A copy shows a company's pools, machines and processes, so its keys
//! are its own, and stay with its file.

use rusqlite::{Connection, OptionalExtension as _, params};

/// The key of the administrator, who may do everything.
pub const ADMIN_KEY: &str = "API-SANDBOX0000000000000000";

/// The key of the reader, who may view everything and change nothing.
pub const READER_KEY: &str = "API-SANDBOXREADONLY00000000";

/// The key of a person who may do everything except view or change workers and worker pools.
pub const NO_WORKERS_KEY: &str = "API-SANDBOXNOWORKERS0000000";

/// The start of the keys that lack one permission, whose name follows in capitals:
/// `API-SANDBOXWITHOUTWORKEREDIT`.
pub const WITHOUT_KEY: &str = "API-SANDBOXWITHOUT";

/// The id of the service account, which may do everything: the audience of an OpenID Connect exchange.
pub const SERVICE_ACCOUNT: &str = "5be4ac10-2679-4041-a8b0-7b05b445e19e";

/// How many random bytes a private key ends with.
const END: usize = 16;

/// The keys of a store.
#[derive(Clone, Debug)]
pub struct AccessKeys {
    /// What every key ends with; empty for the well-known keys.
    end: String,
    account: String,
}

/// Whom a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOwner<'a> {
    Admin,
    Reader,
    NoWorkers,
    /// The person who lacks the permission of this name, which is in capitals.
    Without(&'a str),
}

impl AccessKeys {
    /// The key of the administrator.
    pub fn admin(&self) -> String {
        self.own_key(ADMIN_KEY)
    }

    /// The key of the reader.
    pub fn reader(&self) -> String {
        self.own_key(READER_KEY)
    }

    /// The key of the person who lacks a permission: `WorkerEdit`.
    pub fn without(&self, permission: &str) -> String {
        self.own_key(&format!("{WITHOUT_KEY}{}", permission.to_ascii_uppercase()))
    }

    /// The id of the service account.
    pub fn service_account(&self) -> &str {
        &self.account
    }

    /// A well-known key, or what stands for it here: the random end in place of the zeros.
    fn own_key(&self, known: &str) -> String {
        if self.are_private() {
            format!("{}{}", known.trim_end_matches('0'), self.end)
        } else {
            known.to_owned()
        }
    }

    /// Whom a key belongs to.
    pub(crate) fn owner_of<'k>(&self, key: &'k str) -> Option<KeyOwner<'k>> {
        let owners = [
            (ADMIN_KEY, KeyOwner::Admin),
            (READER_KEY, KeyOwner::Reader),
            (NO_WORKERS_KEY, KeyOwner::NoWorkers),
        ];
        let known = owners.into_iter().find(|(known, _)| self.own_key(known) == key);
        let lacking = || key.strip_suffix(self.end.as_str())?.strip_prefix(WITHOUT_KEY);
        known.map(|(_, owner)| owner).or_else(|| lacking().map(KeyOwner::Without))
    }

    /// The keys of a store.
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let sql = "select suffix, account from access";
        let own = db.query_row(sql, [], |row| Ok(Self { end: row.get(0)?, account: row.get(1)? }));
        let well_known = Self { end: String::new(), account: SERVICE_ACCOUNT.to_owned() };
        Ok(own.optional()?.unwrap_or(well_known))
    }

    /// Gives a store keys of its own.
    pub(crate) fn make_private(db: &Connection) -> rusqlite::Result<()> {
        let values = params![random_hex(db, END)?, random_account(db)?];
        db.execute("insert into access (suffix, account) values (?1, ?2)", values).map(drop)
    }

    /// Whether these keys are a store's own.
    pub(crate) fn are_private(&self) -> bool {
        !self.end.is_empty()
    }
}

/// Random bytes in hexadecimal capitals, from the store: SQLite's generator is seeded by the operating system.
pub(crate) fn random_hex(db: &Connection, bytes: usize) -> rusqlite::Result<String> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    db.query_row("select hex(randomblob(?1))", [bytes], |row| row.get(0))
}

/// A random identifier in the form of the well-known account.
fn random_account(db: &Connection) -> rusqlite::Result<String> {
    let digits = random_hex(db, 16)?.to_ascii_lowercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    #[test]
    fn a_private_store_knows_its_own_keys_and_no_others() {
        let db = Connection::open_in_memory().unwrap();
        store::create_tables(&db).unwrap();
        let public = AccessKeys::read(&db).unwrap();
        assert_eq!(public.admin(), ADMIN_KEY);
        assert_eq!(public.owner_of(READER_KEY), Some(KeyOwner::Reader));
        AccessKeys::make_private(&db).unwrap();
        let own = AccessKeys::read(&db).unwrap();
        assert_eq!(own.admin(), AccessKeys::read(&db).unwrap().admin());
        for key in [ADMIN_KEY, READER_KEY, NO_WORKERS_KEY, "API-SANDBOXWITHOUTWORKEREDIT", ""] {
            assert_eq!(own.owner_of(key), None, "{key}");
        }
        // A key in an environment is withheld from what is printed, so none may be part of another.
        assert!(!own.admin().contains(ADMIN_KEY) && !own.reader().contains(READER_KEY));
        assert_eq!(own.owner_of(&own.admin()), Some(KeyOwner::Admin));
        assert_eq!(own.owner_of(&own.reader()), Some(KeyOwner::Reader));
        assert_eq!(own.owner_of(&own.without("WorkerEdit")), Some(KeyOwner::Without("WORKEREDIT")));
        assert!(
            own.admin().bytes().skip(4).all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
        );
        assert_ne!(own.service_account(), SERVICE_ACCOUNT);
        assert_eq!(own.service_account().len(), SERVICE_ACCOUNT.len());
    }
}
