//! Checks of mail addresses, hosts and URLs: documentation domains, role mailboxes, file names that look like
//! addresses, names of internal networks, and tokens in queries.

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "email_address" => email_address,
        "email_documentation" => is_documentation,
        "email_documentation_person" => is_documentation_of_a_person,
        "email_role" => is_role,
        "documentation_url" => documentation_url,
        "internal_host" => internal_host,
        "url_password" => url_password,
        "url_token" => url_token,
        _ => return None,
    })
}

/// Splits at the last `@`.
fn split(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@')
}

/// Whether this can be somebody's mailbox: well-formed labels (RFC 5321), no file extension for a domain, and not the
/// user `git` of a clone address.
fn email_address(value: &str) -> bool {
    /// What ends names of files such as `icon@2x.png`, and is no top-level domain.
    const FILES: [&str; 22] = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "scss", "js", "jsx", "ts", "tsx", "json", "yaml", "yml",
        "html", "xml", "txt", "toml", "lock", "class", "service",
    ];
    let Some((local, domain)) = split(value) else { return false };
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let top = top.to_ascii_lowercase();
    let labels = domain
        .split('.')
        .all(|label| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-'));
    let local_ok = !local.is_empty() && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    labels && local_ok && local != "git" && !FILES.contains(&top.as_str())
}

/// Whether a host is reserved for documentation (RFC 2606, RFC 6761), or is one that every tutorial uses.
fn documentation_host(host: &str) -> bool {
    const NAMES: [&str; 17] = [
        "example",
        "domain",
        "yourdomain",
        "your-domain",
        "mydomain",
        "yourcompany",
        "your-company",
        "mycompany",
        "mysite",
        "yoursite",
        "foo",
        "bar",
        "test",
        "placeholder",
        "email",
        "host",
        "sample",
    ];
    let host = host.to_ascii_lowercase();
    let mut labels = host.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let name = labels.next().unwrap_or_default();
    matches!(top, "example" | "test" | "invalid" | "localhost" | "tld")
        || NAMES.contains(&name)
        || (matches!(name, "co" | "com" | "org") && labels.next().is_some_and(|label| NAMES.contains(&label)))
}

/// Whether the address is at a documentation host.
fn is_documentation(value: &str) -> bool {
    split(value).is_some_and(|(_, domain)| documentation_host(domain))
}

/// Whether the address is at a documentation host, with a local part that stands for a person: not a role, not a word
/// for somebody, not one of the names that manuals use. Test data and anonymised records use such hosts for data.
fn is_documentation_of_a_person(value: &str) -> bool {
    const MANUALS: &[&str] = &[
        "abc",
        "account",
        "address",
        "admin",
        "alerts",
        "alice",
        "anne",
        "any",
        "anyone",
        "api",
        "app",
        "author",
        "bar",
        "baz",
        "bob",
        "bot",
        "bounce",
        "build",
        "carol",
        "charlie",
        "client",
        "company",
        "customer",
        "dave",
        "demo",
        "dev",
        "developer",
        "doe",
        "domain",
        "eve",
        "example",
        "first",
        "firstname",
        "foo",
        "friend",
        "from",
        "git",
        "guest",
        "host",
        "jane",
        "jdoe",
        "janedoe",
        "joe",
        "john",
        "johndoe",
        "last",
        "lastname",
        "local",
        "login",
        "maintainer",
        "mallory",
        "manager",
        "master",
        "member",
        "mike",
        "my",
        "myname",
        "name",
        "nobody",
        "none",
        "oscar",
        "other",
        "owner",
        "peggy",
        "person",
        "primary",
        "private",
        "public",
        "recipient",
        "reply",
        "root",
        "sample",
        "secondary",
        "sender",
        "server",
        "somebody",
        "someone",
        "something",
        "somename",
        "staff",
        "student",
        "system",
        "target",
        "test",
        "tester",
        "testing",
        "testuser",
        "the",
        "to",
        "trent",
        "user",
        "username",
        "users",
        "valid",
        "invalid",
        "victor",
        "work",
        "xxx",
        "xyz",
        "you",
        "your",
        "yourname",
        "me",
        "email",
        "employee",
        "max",
        "mustermann",
        "e",
        "superuser",
        "hostname",
        "service",
        "noc",
        "ops",
        "devops",
        "qa",
        "ci",
        "ceo",
        "cto",
        "cfo",
        "hr",
        "it",
        "web",
        "www",
        "ftp",
    ];
    let Some((local, domain)) = split(value) else { return false };
    if !documentation_host(domain) || is_role(value) {
        return false;
    }
    let local = local.split('+').next().unwrap_or_default().to_lowercase();
    // `john90` is somebody's address; `john` and `user1` are anybody's.
    const FIRST_NAMES: [&str; 14] = [
        "alice", "anne", "bob", "carol", "charlie", "dave", "eve", "jane", "joe", "john", "max", "mike", "oscar",
        "victor",
    ];
    let numbered = local.bytes().filter(u8::is_ascii_digit).count() >= 2;
    let mut longest = 0;
    for word in local.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        if MANUALS.contains(&word) && !(numbered && FIRST_NAMES.contains(&word)) {
            return false;
        }
        longest = longest.max(word.chars().count());
    }
    longest >= 3
}

/// Whether the mailbox is a role that organisations publish (RFC 2142 and common practice), in several languages.
fn is_role(value: &str) -> bool {
    const ROLES: [&str; 66] = [
        "abuse",
        "accessibility",
        "admissions",
        "billing",
        "booking",
        "bookings",
        "bugs",
        "careers",
        "community",
        "compliance",
        "contact",
        "contacto",
        "contato",
        "customercare",
        "customerservice",
        "do-not-reply",
        "donotreply",
        "dpo",
        "editor",
        "enquiries",
        "feedback",
        "hello",
        "help",
        "helpdesk",
        "hostmaster",
        "info",
        "information",
        "inquiries",
        "investors",
        "ir",
        "jobs",
        "kontakt",
        "kundenservice",
        "legal",
        "mail",
        "mailer-daemon",
        "media",
        "news",
        "newsletter",
        "no-reply",
        "noreply",
        "notifications",
        "office",
        "orders",
        "postmaster",
        "presse",
        "press",
        "prensa",
        "privacy",
        "privacidad",
        "datenschutz",
        "redaktion",
        "reception",
        "recruiting",
        "recruitment",
        "reservations",
        "sales",
        "security",
        "service",
        "shop",
        "stampa",
        "support",
        "team",
        "ventas",
        "vertrieb",
        "webmaster",
    ];
    split(value).is_some_and(|(local, _)| {
        let local = local.to_ascii_lowercase();
        let stem = local.split(['+', '.']).next().unwrap_or_default();
        ROLES.contains(&local.as_str()) || ROLES.contains(&stem) && (stem.contains("reply") || local.contains('+'))
    })
}

/// Whether a URL or host is at a documentation host.
fn documentation_url(value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    documentation_host(host) || host == "localhost"
}

/// Whether a name that ends like one of an internal network is a host, rather than a path in code: it has a scheme, a
/// port, several labels, or a digit or hyphen; and it is not one that a public product gives to everybody.
fn internal_host(value: &str) -> bool {
    const PUBLISHED: [&str; 7] = [
        "host.docker.internal",
        "gateway.docker.internal",
        "metadata.google.internal",
        "kubernetes.default.svc.cluster.local",
        "svc.cluster.local",
        "cluster.local",
        "example.internal",
    ];
    let lower = value.to_ascii_lowercase();
    let scheme = lower.contains("://");
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let labels = host.split('.').count();
    let top = host.rsplit('.').next().unwrap_or_default();
    let plain_code = !value.bytes().any(|b| b.is_ascii_digit() || b == b'-' || b == b':')
        && value.bytes().any(|b| b.is_ascii_uppercase());
    let shaped = scheme
        || authority.contains(':')
        || labels >= 3
        || host.bytes().any(|b| b.is_ascii_digit() || b == b'-')
        || matches!(top, "corp" | "lan" | "intranet" | "intra");
    // Reversed names of packages, such as `com.sun.internal`, are code.
    let package =
        ["com.", "org.", "net.", "java.", "this.", "self.", "pkg.", "std."].iter().any(|head| host.starts_with(head));
    shaped
        && !package
        && !plain_code
        && !PUBLISHED.contains(&host)
        && !host.starts_with("example.")
        && !host.contains(".example.")
}

/// The password of a URL, when it is neither empty nor a blank to be filled in.
fn url_password(value: &str) -> bool {
    const BLANKS: [&str; 14] = [
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "token",
        "postgres",
        "root",
        "user",
        "guest",
        "changeme",
        "example",
        "pw",
        "mypassword",
    ];
    let lower = value.to_ascii_lowercase();
    let variable = value.contains(['$', '{', '<', '[', '%']) && value.contains(['}', '>', ']', ')', '{', '<'])
        || value.starts_with('$');
    let masked = value.bytes().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.'));
    value.len() >= 3 && !variable && !masked && !BLANKS.contains(&lower.as_str()) && !lower.contains("your")
}

/// A token in the query of a URL: 16 characters or more, letters and digits mixed, no blank to be filled in.
fn url_token(value: &str) -> bool {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let distinct = (0..=127u8).filter(|c| value.bytes().any(|b| b == *c)).count();
    let lower = value.to_ascii_lowercase();
    let blank = ["your", "example", "xxxx", "placeholder", "redacted", "${", "{{", "..."]
        .iter()
        .any(|word| lower.contains(word));
    value.len() >= 12 && letters >= 3 && value.bytes().any(|b| b.is_ascii_digit()) && distinct >= 8 && !blank
}
