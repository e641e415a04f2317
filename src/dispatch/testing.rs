//! A scripted HTTP server over real sockets, on port 0. It records every byte that it is sent, so that a test can say
//! that nothing came, and it sends what a test wants, cut where a test wants. Plain threads: it needs no runtime.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the server does with a connection after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one, each in a write of its own.
    Trickle(Vec<u8>),
    /// Sends bytes again and again until the client leaves.
    Forever(Vec<u8>),
    /// Sends nothing and keeps the connection until the client leaves.
    Hang,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Script = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

#[derive(Default)]
struct Record {
    bytes: Mutex<Vec<u8>>,
    requests: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    closed_by_client: AtomicUsize,
}

/// The server; it lives as long as the process, which is a test's.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    record: Arc<Record>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), record: Arc::default() };
        let (record, script): (_, Arc<Script>) = (Arc::clone(&server.record), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                record.connections.fetch_add(1, Ordering::SeqCst);
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                thread::spawn(move || serve(stream, &record, script.as_ref()));
            }
        });
        server
    }

    /// A server that answers every request with these steps.
    pub(crate) fn always(steps: Vec<Step>) -> Self {
        Self::start(move |_| steps.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.record.requests.lock().unwrap().clone()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.record.bytes.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many connections were closed by the client.
    pub(crate) async fn wait_for_closed(&self, wanted: usize) -> bool {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(5) {
            if self.record.closed_by_client.load(Ordering::SeqCst) >= wanted {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }
}

/// An address where nothing listens.
pub(crate) fn refusing_url() -> String {
    // A port that was free a moment ago may be another test's by now; nobody listens on tcpmux.
    "http://127.0.0.1:1".to_owned()
}

fn serve(mut stream: TcpStream, record: &Record, script: &Script) {
    let _ = stream.set_nodelay(true);
    let Some(seen) = read_request(&mut stream, record) else { return };
    let steps = script(&seen);
    record.requests.lock().unwrap().push(seen);
    for step in steps {
        let written = match step {
            Step::Send(bytes) => stream.write_all(&bytes),
            Step::Trickle(bytes) => bytes.chunks(1).try_for_each(|byte| stream.write_all(byte)),
            Step::Forever(bytes) => loop {
                if let Err(error) = stream.write_all(&bytes) {
                    break Err(error);
                }
                thread::sleep(Duration::from_millis(5));
            },
            Step::Hang => {
                let _ = stream.read(&mut [0; 64]);
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
        };
        if written.is_err() {
            record.closed_by_client.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0; 64]);
}

fn read_request(stream: &mut TcpStream, record: &Record) -> Option<Seen> {
    let mut all = Vec::new();
    let mut wanted = None;
    let mut chunk = [0; 4096];
    loop {
        if wanted.is_none()
            && let Some(end) = all.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse().unwrap());
            wanted = Some((end + 4, length));
        }
        if let Some((head, length)) = wanted
            && all.len() >= head + length
        {
            return Some(parse(&all, head));
        }
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        record.bytes.lock().unwrap().extend_from_slice(&chunk[..read]);
        all.extend_from_slice(&chunk[..read]);
    }
}

fn parse(all: &[u8], head: usize) -> Seen {
    let text = String::from_utf8_lossy(&all[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Seen {
        method: first.next().unwrap().to_owned(),
        path: first.next().unwrap().to_owned(),
        headers,
        body: String::from_utf8_lossy(&all[head..]).into_owned(),
    }
}

/// The head of a response whose body ends with the connection.
pub(crate) fn head(status: u16, content_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n").into_bytes()
}

/// A whole response.
pub(crate) fn response(status: u16, content_type: &str, body: &str) -> Vec<Step> {
    let mut bytes = head(status, content_type);
    bytes.extend_from_slice(body.as_bytes());
    vec![Step::Send(bytes)]
}

/// An answer of chat completions.
pub(crate) fn openai_answer(pieces: &[&str]) -> String {
    let mut body = String::new();
    for piece in pieces {
        let chunk = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": null}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body.push_str("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    body.push_str("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n");
    body
}

/// An answer of chat completions with log-probabilities: for each piece the one of its token and of the runner-up.
pub(crate) fn scored_answer(pieces: &[(&str, f64, f64)]) -> String {
    let mut body = String::new();
    for (piece, own, other) in pieces {
        let top = serde_json::json!([{"token": piece, "logprob": own}, {"token": "other", "logprob": other}]);
        let logprobs =
            serde_json::json!({"content": [{"token": piece, "logprob": own, "bytes": [1], "top_logprobs": top}]});
        let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": piece}, "logprobs": logprobs, "finish_reason": null}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body.push_str("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    body.push_str("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n");
    body
}

/// An answer of Ollama's chat.
pub(crate) fn ollama_answer(pieces: &[&str]) -> String {
    let mut body = String::new();
    for piece in pieces {
        let line = serde_json::json!({"model": "m", "message": {"role": "assistant", "content": piece}, "done": false});
        body.push_str(&format!("{line}\n"));
    }
    body.push_str("{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":7,\"eval_count\":3}\n");
    body
}

/// Ollama's list with the one model `m`, whose weights are there.
pub(crate) const OLLAMA_TAGS: &str = r#"{"models":[{"name":"m:latest","model":"m:latest","size":98000000,"digest":"ab12","details":{"family":"llama"}}]}"#;

/// An answer of the Messages API.
pub(crate) fn anthropic_answer(pieces: &[&str]) -> String {
    let mut body = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
         event: ping\ndata: {\"type\": \"ping\"}\n\n",
    );
    for piece in pieces {
        let data = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}});
        body.push_str(&format!("event: content_block_delta\ndata: {data}\n\n"));
    }
    body.push_str(
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    body
}
