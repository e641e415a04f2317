//! Who has signed in to the console with a browser. A browser cannot send a bearer token by itself, so the token is given
//! once, by POST, and what the browser keeps is a random number that says nothing and ends by itself. The token is not
//! kept, and of the number only its hash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::COOKIE;
use sha2::{Digest as _, Sha256};

use crate::service::auth::Caller;

/// Name of the cookie.
const NAME: &str = "cordon_console";
/// A session ends after a working day.
const LIFETIME: Duration = Duration::from_secs(8 * 3600);
/// A session that nobody uses ends earlier.
const IDLE: Duration = Duration::from_secs(3600);
/// Sessions at a time. The console is for a few people; one more ends the one that was not used for longest.
const MOST: usize = 256;
/// Signings-in that may fail before the next has to wait, and how fast the count goes back.
const TRIES: u32 = 10;
const TRY_EVERY: Duration = Duration::from_secs(6);

/// The sessions of one service, in memory alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<[u8; 32], Session>,
    tries: Tries,
}

#[derive(Debug)]
struct Session {
    caller: Caller,
    ends: Instant,
    used: Instant,
}

/// Failed signings-in, as a bucket that leaks.
#[derive(Debug, Default)]
struct Tries {
    failed: u32,
    since: Option<Instant>,
}

impl Sessions {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The maps are whole after every statement, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one and gives the value of its cookie; `None` if the system has no random numbers.
    pub(super) fn open(&self, caller: Caller) -> Option<String> {
        self.open_at(caller, Instant::now())
    }

    fn open_at(&self, caller: Caller, now: Instant) -> Option<String> {
        let mut random = [0u8; 32];
        getrandom::fill(&mut random).ok()?;
        let value = hex::encode(random);
        let mut inner = self.inner();
        inner.open.retain(|_, session| session.lives(now));
        if inner.open.len() >= MOST {
            let oldest = inner.open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.and_then(|key| inner.open.remove(&key));
        }
        inner.open.insert(digest(&value), Session { caller, ends: now + LIFETIME, used: now });
        Some(value)
    }

    /// The caller whom the cookie of a request names.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Caller> {
        self.find_at(&cookie(headers)?, Instant::now())
    }

    fn find_at(&self, value: &str, now: Instant) -> Option<Caller> {
        let mut inner = self.inner();
        let key = digest(value);
        let session = inner.open.get_mut(&key)?;
        if session.lives(now) {
            session.used = now;
            return Some(session.caller.clone());
        }
        inner.open.remove(&key);
        None
    }

    /// Ends the one whose cookie a request brings.
    pub(super) fn close(&self, headers: &HeaderMap) {
        if let Some(value) = cookie(headers) {
            self.inner().open.remove(&digest(&value));
        }
    }

    /// Whether somebody may try a token now. A token has 128 random bits or more, so guessing is hopeless anyway; this
    /// keeps the log of refusals short.
    pub(super) fn may_try(&self) -> bool {
        self.inner().tries.left(Instant::now()) > 0
    }

    /// A token named nobody.
    pub(super) fn failed(&self) {
        let mut inner = self.inner();
        inner.tries.left(Instant::now());
        inner.tries.failed = inner.tries.failed.saturating_add(1);
    }
}

impl Session {
    fn lives(&self, now: Instant) -> bool {
        now < self.ends && now.saturating_duration_since(self.used) < IDLE
    }
}

impl Tries {
    /// How many are left after those that were forgiven meanwhile.
    fn left(&mut self, now: Instant) -> u32 {
        let since = *self.since.get_or_insert(now);
        let forgiven = u32::try_from(now.saturating_duration_since(since).as_secs() / TRY_EVERY.as_secs());
        let forgiven = forgiven.unwrap_or(u32::MAX);
        if forgiven > 0 {
            self.failed = self.failed.saturating_sub(forgiven);
            self.since = Some(now);
        }
        TRIES.saturating_sub(self.failed)
    }
}

/// The header that gives a browser its cookie: for this site alone, out of reach of scripts.
pub(super) fn set_cookie(value: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={}{secure}", LIFETIME.as_secs())
}

/// The header that takes it back.
pub(super) fn unset_cookie() -> String {
    format!("{NAME}=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0")
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
        .map(str::to_owned)
}

fn digest(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::service::auth::Callers;

    fn caller() -> Caller {
        Callers::build(&[], None).unwrap().identify(None).unwrap()
    }

    #[test]
    fn a_session_ends_by_itself_and_by_wish() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let value = sessions.open_at(caller(), now).unwrap();
        assert_eq!(value.len(), 64);
        let minutes = |minutes: u64| now + Duration::from_secs(60 * minutes);
        assert!(sessions.find_at(&value, minutes(59)).is_some());
        assert!(sessions.find_at(&value, minutes(118)).is_some(), "use prolongs it");
        assert!(sessions.find_at(&value, minutes(179)).is_none(), "an hour without use");
        let value = sessions.open_at(caller(), now).unwrap();
        for minute in (0..480).step_by(30) {
            assert!(sessions.find_at(&value, minutes(minute)).is_some());
        }
        assert!(sessions.find_at(&value, minutes(480)).is_none(), "a working day");
        let value = sessions.open(caller()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("a=b; {NAME}={value}; c=d")).unwrap());
        assert!(sessions.find(&headers).is_some());
        sessions.close(&headers);
        assert!(sessions.find(&headers).is_none());
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let first = sessions.open_at(caller(), now).unwrap();
        for index in 0..MOST {
            sessions.open_at(caller(), now + Duration::from_millis(1 + index as u64)).unwrap();
        }
        assert_eq!(sessions.inner().open.len(), MOST);
        assert!(sessions.find_at(&first, now).is_none(), "the one unused for longest went");
        sessions.open_at(caller(), now + LIFETIME * 2).unwrap();
        assert_eq!(sessions.inner().open.len(), 1, "what ended is forgotten");
    }

    #[test]
    fn tries_run_out_and_come_back() {
        let mut tries = Tries::default();
        let now = Instant::now();
        assert_eq!(tries.left(now), TRIES);
        tries.failed = TRIES;
        assert_eq!(tries.left(now), 0);
        assert_eq!(tries.left(now + TRY_EVERY), 1);
        assert_eq!(tries.left(now + TRY_EVERY * 100), TRIES);
    }

    #[test]
    fn the_cookie_is_out_of_reach() {
        let header = set_cookie("v", true);
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/console"] {
            assert!(header.contains(part), "{part}");
        }
        assert!(!set_cookie("v", false).contains("Secure"));
    }
}
