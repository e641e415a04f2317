//! The way to the database, against a server of the test's own that speaks as much of the protocol as a login needs
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>): TLS, versions, refusals. What the real
//! server does with records, the Python tests look at.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::connect::{Connector, Purpose};
use crate::audit::fleet::{FleetError, FleetSection};

/// What the server answers to a login.
#[derive(Clone)]
enum Answer {
    /// Lets in, and says that it is of this version, and a standby or not.
    Version(&'static str, bool),
    /// Refuses with this SQLSTATE.
    Refuse(&'static str),
    /// Says nothing.
    Silence,
}

/// A message with its length.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

async fn login<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &Answer) {
    let length = stream.read_u32().await.unwrap();
    let mut startup = vec![0; length as usize - 4];
    stream.read_exact(&mut startup).await.unwrap();
    let reply = match answer {
        Answer::Version(version, standby) => {
            let parameter = |name: &str, value: &str| message(b'S', format!("{name}\0{value}\0").as_bytes());
            let mut reply = message(b'R', &0_u32.to_be_bytes());
            reply.extend(parameter("server_version", version));
            reply.extend(parameter("in_hot_standby", if *standby { "on" } else { "off" }));
            reply.extend(message(b'Z', b"I"));
            reply
        }
        Answer::Refuse(code) => message(b'E', format!("SFATAL\0VFATAL\0C{code}\0Mno entrance\0\0").as_bytes()),
        Answer::Silence => Vec::new(),
    };
    stream.write_all(&reply).await.unwrap();
    stream.flush().await.unwrap();
    // Answers the settings of the session, and stays until the other side goes.
    let mut byte = [0; 1024];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {
        let mut reply = message(b'C', b"SET\0");
        reply.extend(message(b'Z', b"I"));
        if stream.write_all(&reply).await.is_err() {
            break;
        }
    }
}

/// Starts a server; with a key and certificate it does TLS, and only that. Its port.
async fn server(answer: Answer, tls: Option<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    #[allow(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0; 8];
            stream.peek(&mut first).await.unwrap();
            let wants_tls = first == [0, 0, 0, 8, 4, 210, 22, 47];
            match (&tls, wants_tls) {
                (Some(tls), true) => {
                    stream.read_exact(&mut first).await.unwrap();
                    stream.write_all(b"S").await.unwrap();
                    if let Ok(stream) = tls.accept(stream).await {
                        login(stream, &answer).await;
                    }
                }
                (None, true) => {
                    stream.read_exact(&mut first).await.unwrap();
                    stream.write_all(b"N").await.unwrap();
                }
                (None, false) => login(stream, &answer).await,
                (Some(_), false) => {}
            }
        }
    });
    port
}

/// A certificate for `localhost`, whose PEM goes into a file as its own authority.
fn certificate(authority: &Path) -> ServerConfig {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(authority, own.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap()
}

async fn connect(store: &str, ca_file: Option<&Path>, purpose: Purpose) -> Result<(), FleetError> {
    let section = FleetSection { ca_file: ca_file.map(Path::to_owned), ..FleetSection::default() };
    Connector::new(&section.checked(store).unwrap())?.connect(purpose).await.map(drop)
}

#[tokio::test]
async fn an_old_server_and_a_standby_are_told() {
    for old in ["9.6.24", "14.19 (Debian 14.19-1)", "9.0devel", "mystery"] {
        let port = server(Answer::Version(old, false), None).await;
        let refused = connect(&format!("postgres://u@127.0.0.1:{port}/d"), None, Purpose::Read).await.unwrap_err();
        assert!(matches!(&refused, FleetError::TooOld { found, least: 15, .. } if **found == *old), "{refused}");
        assert!(refused.lasting() && refused.to_string().contains("cordon needs 15 or newer"), "{refused}");
    }
    for new in ["15.0", "18.4", "19beta1"] {
        let port = server(Answer::Version(new, true), None).await;
        let store = format!("postgres://u@127.0.0.1:{port}/d");
        connect(&store, None, Purpose::Read).await.unwrap();
        let standby = connect(&store, None, Purpose::Ship).await.unwrap_err();
        assert!(matches!(&standby, FleetError::ReadOnly { .. }) && !standby.lasting(), "{standby}");
    }
}

#[tokio::test]
async fn a_refused_login_lasts_and_a_server_that_is_away_does_not() {
    let store = |port: u16| format!("postgres://u@127.0.0.1:{port}/d");
    for code in ["28P01", "28000", "3D000", "42501"] {
        let port = server(Answer::Refuse(code), None).await;
        let refused = connect(&store(port), None, Purpose::Ship).await.unwrap_err();
        assert!(matches!(&refused, FleetError::Login { reason, .. } if **reason == *"no entrance"), "{refused}");
        assert!(refused.lasting());
    }
    for code in ["57P03", "53300"] {
        let port = server(Answer::Refuse(code), None).await;
        let refused = connect(&store(port), None, Purpose::Ship).await.unwrap_err();
        assert!(matches!(&refused, FleetError::Away { .. }) && !refused.lasting(), "{refused}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = connect(&store(nobody), None, Purpose::Ship).await.unwrap_err();
    assert!(matches!(&refused, FleetError::Away { .. }), "{refused}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let port = server(Answer::Silence, None).await;
    let refused = connect(&format!("postgres://u@127.0.0.1:{port}/d"), None, Purpose::Read).await.unwrap_err();
    assert!(matches!(&refused, FleetError::Away { .. }), "{refused}");
}

#[tokio::test]
async fn a_certificate_must_be_of_the_authority_and_for_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (folder.path().join("ours.pem"), folder.path().join("other.pem"));
    let port = server(Answer::Version("18.4", false), Some(certificate(&ours))).await;
    certificate(&other);
    let named = format!("postgres://u@localhost:{port}/d");
    connect(&named, Some(&ours), Purpose::Read).await.unwrap();
    let numbered = format!("postgres://u@127.0.0.1:{port}/d");
    for (store, authority) in [(&named, &other), (&numbered, &ours)] {
        let refused = connect(store, Some(authority), Purpose::Read).await.unwrap_err();
        assert!(matches!(&refused, FleetError::Tls { .. }) && refused.lasting(), "{refused}");
    }
    let plain = server(Answer::Version("18.4", false), None).await;
    let without = connect(&format!("postgres://u@localhost:{plain}/d"), Some(&ours), Purpose::Read).await.unwrap_err();
    assert!(matches!(&without, FleetError::Tls { .. }), "{without}");
}

#[tokio::test]
async fn authorities_that_are_none_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let store = "postgres://u@localhost:1/d";
    let absent = connect(store, Some(&path), Purpose::Read).await.unwrap_err();
    assert!(matches!(&absent, FleetError::File { field: "ca_file", .. }), "{absent}");
    std::fs::write(&path, "no certificate").unwrap();
    let empty = connect(store, Some(&path), Purpose::Read).await.unwrap_err();
    assert!(matches!(&empty, FleetError::Authorities(_)), "{empty}");
}
