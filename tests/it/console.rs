//! The console and the report over a real socket: who comes in, what the pages say, and that no text stays.

use std::process::Command;

use cordon::service::proto::{
    ClassifyRequest, DispatchRequest, GetReportRequest, Message, ReportFormat, Role, VerifyLogRequest,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::common::backend::{Backend, answer};
use crate::common::web::{chat, header};
use crate::common::{Setup, TestServer, holds};

const CARD: &str = "my card is 4539 1488 0343 6467";

fn browser() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

fn caller(name: &str, token: &str, permissions: &str) -> String {
    let digest = hex::encode(Sha256::digest(token.as_bytes()));
    format!("[[caller]]\nname = \"{name}\"\ntoken_sha256 = \"{digest}\"\npermissions = [{permissions}]\n")
}

/// A service with an auditor, and one caller who may not read the log.
async fn guarded() -> TestServer {
    let config =
        caller("auditor", "read-t0ken", "\"audit-read\"") + &caller("crm", "crm-t0ken", "\"classify\", \"dispatch\"");
    TestServer::start(Setup::with(config)).await
}

impl TestServer {
    async fn page(&self, path: &str) -> (u16, String) {
        let response = browser().get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A form, sent as a browser sends it from a page of the console.
    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        browser()
            .post(format!("{}{path}", self.url))
            .header("origin", &self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    async fn dispatch(&self, text: &str) -> String {
        let request = DispatchRequest {
            messages: vec![Message { role: Role::User as i32, content: text.into(), ..Default::default() }],
            ..Default::default()
        };
        self.dispatcher_client().await.dispatch(request).await.unwrap().into_inner().decision_id
    }
}

#[tokio::test]
async fn the_overview_is_the_report_and_the_files_are_the_same() {
    let local = Backend::answering(answer("done")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let id = server.dispatch(CARD).await;
    server.dispatch("What is the capital of France?").await;
    let (status, page) = server.page("/console?range=all").await;
    assert_eq!(status, 200);
    assert!(page.contains("Cordon decided on 2 texts") && page.contains("CREDIT_CARD"), "{page}");
    assert!(page.contains("as far as it can be shown"), "without a head from outside it is not proven");
    assert!(!page.contains("<script") && !page.contains(" style="));

    let json = server.page("/console/report.json?range=all").await.1;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["total"]["decisions"], &json["format"]), (&2.into(), &"cordon-report/1".into()));
    let html = server.page("/console/report.html?range=all").await.1;
    assert!(html.contains("Content-Security-Policy") && html.contains("Cordon decided on 2 texts"));

    let (status, page) = server.page(&format!("/console/decisions/{id}")).await;
    assert_eq!(status, 200);
    for part in [
        "Why this text was confidential",
        "It applied, and gave the level",
        "It stayed inside, with here",
        "Hash of the record",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("that was not there") || page.contains("Not asked"), "rules that did not apply are told");
    assert!(!page.contains("4539"));
    server.stop().await;
}

#[tokio::test]
async fn the_list_filters_and_pages() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for index in 0..60 {
        let text = if index % 10 == 0 { CARD.to_owned() } else { format!("text {index}") };
        client.classify(ClassifyRequest { text, ..Default::default() }).await.unwrap();
    }
    let rows = |page: &str| page.matches("/console/decisions/0").count();
    let (_, first) = server.page("/console/decisions").await;
    assert_eq!(rows(&first), 50);
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    client.classify(ClassifyRequest { text: "in between".into(), ..Default::default() }).await.unwrap();
    let (_, second) = server.page(&next).await;
    assert_eq!(rows(&second), 10, "a page stays while decisions are added");
    assert!(!second.contains("rel=\"next\"") && second.contains("Back to the newest"));
    let (_, only) = server.page("/console/decisions?level=confidential").await;
    assert_eq!(rows(&only), 6);
    let (_, none) = server.page("/console/decisions?caller=nobody").await;
    assert!(none.contains("No decision fits."));
    for wrong in ["level=secret", "route=moon", "since=yesterday", "page=garbage"] {
        assert_eq!(server.page(&format!("/console/decisions?{wrong}")).await.0, 400, "{wrong}");
    }
    assert_eq!(server.page("/console/decisions/nonsense").await.0, 400);
    assert_eq!(server.page("/console/decisions/0198d1f0-0000-7000-8000-000000000000").await.0, 404);
    assert_eq!(server.page("/console/nothing").await.0, 404);
    server.stop().await;
}

#[tokio::test]
async fn what_is_tried_is_shown_and_kept_nowhere() {
    let server = TestServer::start(Setup::default()).await;
    let text = format!("canary-tried <b>{CARD}</b>");
    let response = server.form("/console/try", &[("text", &text)]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "cache-control"), "no-store");
    let page = response.text().await.unwrap();
    assert!(page.contains("This text is confidential") && page.contains("<mark") && page.contains("CREDIT_CARD"));
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "it is escaped");
    let empty = server.form("/console/try", &[("text", "  ")]).await.text().await.unwrap();
    assert!(empty.contains("Write a text first."));
    let long = server.form("/console/try", &[("text", &"x".repeat(70_000))]).await;
    assert_eq!(long.status(), 413);
    let longer = server.form("/console/try", &[("text", &"ü".repeat(200_000))]).await;
    assert_eq!(longer.status(), 413);

    server.audit.flush().await.unwrap();
    let verified = server.audit_client().await.verify_log(VerifyLogRequest {}).await.unwrap().into_inner();
    assert_eq!(verified.records, 0, "a try makes no record");
    assert!(!holds(&server.data_bytes(), "canary-tried"));
    server.stop().await;
}

#[tokio::test]
async fn only_callers_who_may_read_the_log_come_in() {
    let server = guarded().await;
    let get = |token: Option<&str>| {
        let request = browser().get(format!("{}/console", server.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let nobody = get(None).send().await.unwrap();
    assert_eq!((nobody.status().as_u16(), header(&nobody, "location").as_str()), (303, "/console/login"));
    assert_eq!(get(Some("wrong")).send().await.unwrap().status(), 401);
    assert_eq!(get(Some("crm-t0ken")).send().await.unwrap().status(), 403);
    assert_eq!(get(Some("read-t0ken")).send().await.unwrap().status(), 200);
    for path in ["/console/decisions", "/console/try", "/console/report.json", "/console/nothing"] {
        assert_eq!(server.page(path).await.0, 303, "{path}");
    }
    assert_eq!(server.form("/console/try", &[("text", "x")]).await.status(), 401);
    assert_eq!(server.page("/console/style.css").await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_browser_signs_in_once_and_out_again() {
    let server = guarded().await;
    let (_, page) = server.page("/console/login").await;
    assert!(page.contains("type=\"password\""));
    assert_eq!(server.form("/console/login", &[("token", "wrong")]).await.status(), 401);
    assert_eq!(server.form("/console/login", &[("token", "crm-t0ken")]).await.status(), 403);

    let signed = server.form("/console/login", &[("token", "read-t0ken")]).await;
    assert_eq!((signed.status().as_u16(), header(&signed, "location").as_str()), (303, "/console"));
    let cookie = header(&signed, "set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("read-t0ken"));
    let pair = cookie.split(';').next().unwrap().to_owned();
    let with_cookie = |path: &str| browser().get(format!("{}{path}", server.url)).header("cookie", &pair);
    let page = with_cookie("/console").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("auditor"));

    // A form of another site, with or without the cookie, and one that does not say where it comes from.
    let post = || browser().post(format!("{}/console/logout", server.url)).header("cookie", &pair);
    assert_eq!(post().header("origin", "https://evil.example").send().await.unwrap().status(), 403);
    assert_eq!(post().header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
    assert_eq!(post().send().await.unwrap().status(), 403);
    assert_eq!(with_cookie("/console").send().await.unwrap().status(), 200, "still signed in");

    let out = post().header("origin", &server.url).send().await.unwrap();
    assert_eq!(out.status(), 303);
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
    assert_eq!(with_cookie("/console").send().await.unwrap().status(), 303, "the old cookie opens nothing");

    for _ in 0..12 {
        server.form("/console/login", &[("token", "guess")]).await;
    }
    let refused = server.form("/console/login", &[("token", "read-t0ken")]).await;
    assert_eq!(refused.status(), 429, "guessing is slow");
    server.stop().await;
}

#[tokio::test]
async fn every_answer_stays_out_of_frames_caches_and_other_sites() {
    let server = TestServer::start(Setup::default()).await;
    for path in ["/console", "/console/decisions", "/console/try", "/console/login", "/console/nothing"] {
        let response = server.get(path).await;
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        assert!(header(&response, "content-type").starts_with("text/html"));
    }
    let get =
        |name: &'static str, value: &'static str| browser().get(format!("{}/console", server.url)).header(name, value);
    assert_eq!(get("host", "evil.example").send().await.unwrap().status(), 403, "another name of this machine");
    assert_eq!(get("origin", "https://evil.example").send().await.unwrap().status(), 403);
    assert_eq!(get("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403, "a picture of another site");
    let link = get("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate").send().await.unwrap();
    assert_eq!(link.status(), 200, "a link may lead here");
    // Nothing changes the log or the switch by any method.
    for method in ["PUT", "DELETE", "PATCH", "POST"] {
        let request = browser().request(method.parse().unwrap(), format!("{}/console", server.url));
        assert_eq!(request.header("origin", &server.url).send().await.unwrap().status(), 405, "{method}");
    }
    assert_eq!(
        server.post("/console/try", &chat("x")).header("origin", &server.url).send().await.unwrap().status(),
        415
    );
    server.stop().await;
}

#[tokio::test]
async fn the_console_can_be_left_out_and_a_rate_limit_holds_for_it() {
    let server = TestServer::start(Setup::with("[http]\nconsole = false\n")).await;
    assert_eq!(server.page("/console").await.0, 404);
    server.stop().await;
    let server = TestServer::start(Setup::with("[[rate_limit]]\nrequests_per_minute = 2\n")).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(server.page("/console/try").await.0);
    }
    assert!(seen.starts_with(&[200]) && seen.ends_with(&[429]), "{seen:?}");
    server.stop().await;
}

#[tokio::test]
async fn the_report_is_to_be_had_by_grpc_and_by_the_command_line() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for text in ["hello", CARD, "more"] {
        client.classify(ClassifyRequest { text: text.into(), ..Default::default() }).await.unwrap();
    }
    let mut audit = server.audit_client().await;
    let got = audit.get_report(GetReportRequest::default()).await.unwrap().into_inner();
    assert_eq!((got.content_type.as_str(), got.decisions), ("application/json", 3));
    let by_rpc: Value = serde_json::from_slice(&got.content).unwrap();
    assert_eq!(by_rpc["total"]["levels"]["confidential"], 1);
    let html = GetReportRequest { format: ReportFormat::Html as i32, ..Default::default() };
    let html = audit.get_report(html).await.unwrap().into_inner();
    assert!(html.content.starts_with(b"<!DOCTYPE html>"));
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let none = GetReportRequest { until: at(1000), ..Default::default() };
    assert_eq!(audit.get_report(none).await.unwrap().into_inner().decisions, 0);
    for wrong in [
        GetReportRequest { format: 99, ..Default::default() },
        GetReportRequest { since: at(2000), until: at(1000), ..Default::default() },
    ] {
        assert_eq!(audit.get_report(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }

    let folder = tempfile::tempdir().unwrap();
    let cordon = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.args(["audit", "report", "--data-dir"]).arg(&server.data_dir).args(arguments);
        command.current_dir(folder.path()).env("NO_COLOR", "1").output().unwrap()
    };
    let json = cordon(&["--json", "-"]);
    assert_eq!(json.status.code(), Some(0), "{}", String::from_utf8_lossy(&json.stderr));
    let mut by_command: Value = serde_json::from_slice(&json.stdout).unwrap();
    by_command["verification"] = by_rpc["verification"].clone();
    by_command["cloud_egress"] = by_rpc["cloud_egress"].clone();
    assert_eq!(by_command, by_rpc, "the same numbers");
    assert_eq!(cordon(&["--json", "-"]).stdout, json.stdout, "the same bytes");
    assert!(!folder.path().join("report.html").exists(), "only what was asked for");

    assert_eq!(cordon(&[]).status.code(), Some(0));
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Cordon decided on 3 texts"));
    assert_eq!(cordon(&["--output", "b.html", "--json", "b.json", "--since", "2020-01-01"]).status.code(), Some(0));
    assert!(folder.path().join("b.html").exists() && folder.path().join("b.json").exists());

    let refused = |arguments: &[&str], what: &str| {
        let output = cordon(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(what), "{arguments:?}: {said}");
    };
    refused(&["--since", "2026-02-01", "--until", "2026-01-01"], "--since is not before --until");
    refused(&["--since", "yesterday"], "2026-01-31");
    refused(&["--output", "/proc/report.html"], "choose another place with --output");
    refused(&["--output", "."], "is a directory");
    refused(&["--json", "missing/folder/x.json"], "choose another place with --json");
    refused(&["--directory", "/nowhere"], "/nowhere");
    server.stop().await;
}
