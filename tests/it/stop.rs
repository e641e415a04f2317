//! Doors, with and without TLS, and the graceful stop.

use std::sync::Arc;
use std::time::Duration;

use cordon::config::Listen;
use cordon::service::proto::classifier_service_client::ClassifierServiceClient;
use cordon::service::proto::{ClassifyRequest, DispatchRequest, Message, Role};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

#[tokio::test]
async fn several_doors_at_once_and_the_socket_goes_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("cordon.sock");
    let server = TestServer::start(Setup { doors: vec![Listen::Unix(socket.clone())], ..Setup::default() }).await;
    let request = || ClassifyRequest { text: "hello".into(), ..Default::default() };
    let by_socket = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap().connect().await.unwrap();
    ClassifierServiceClient::new(by_socket).classify(request()).await.unwrap();
    server.classifier().await.classify(request()).await.unwrap();
    server.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn tls_is_spoken_and_plain_text_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let config = format!("[server.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let server = TestServer::start(Setup::with(config)).await;
    let request = || ClassifyRequest { text: "hello".into(), ..Default::default() };

    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(own.cert.pem())).domain_name("localhost");
    let secure = Endpoint::from_shared(server.url.replace("http:", "https:")).unwrap().tls_config(tls).unwrap();
    ClassifierServiceClient::new(secure.connect().await.unwrap()).classify(request()).await.unwrap();

    let unknown = ClientTlsConfig::new().domain_name("localhost");
    let stranger = Endpoint::from_shared(server.url.replace("http:", "https:")).unwrap().tls_config(unknown).unwrap();
    assert!(stranger.connect().await.is_err(), "a certificate that nobody vouches for");
    let plain = ClassifierServiceClient::new(Endpoint::from_shared(server.url.clone()).unwrap().connect_lazy());
    let mut plain = plain;
    assert!(plain.classify(request()).await.is_err(), "plain text on a TLS door");
    server.stop().await;
}

#[test]
fn a_missing_certificate_is_named() {
    let config = "data_dir = \"/nonexistent\"\n[server.tls]\ncertificate = \"/nonexistent/c.pem\"\nkey = \"/nonexistent/k.pem\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cordon.toml");
    std::fs::write(&path, config).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap(), "--data-dir"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("/nonexistent/c.pem"), "{message}");
}

#[tokio::test]
async fn a_request_in_work_is_finished_and_recorded_before_the_end() {
    let local = Backend::answering(answer("late but whole").set_delay(Duration::from_millis(800))).await;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().join("data"));
    let server = TestServer::start(Setup { data_dir, ..Setup::with(local.entry("here", "local")) }).await;
    let mut client = server.dispatcher_client().await;
    let audit = Arc::clone(&server.audit);
    let in_work = async {
        let request = DispatchRequest {
            messages: vec![Message { role: Role::User as i32, content: "hello".into(), ..Default::default() }],
            ..Default::default()
        };
        client.dispatch(request).await.unwrap().into_inner()
    };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.stop().await;
    };
    let (response, ()) = tokio::join!(in_work, stopping);
    assert_eq!(response.content, "late but whole");
    let entry = audit.reader().get(response.decision_id.parse().unwrap()).unwrap();
    assert!(entry.outcome.is_some(), "the outcome was flushed");
}
