//! Which backends are refused, and with which words.

use super::*;
use crate::dispatch::order::Rank;

fn refusal(config: &BackendConfig) -> String {
    config.endpoint().unwrap_err().to_string()
}

fn local(url: &str) -> BackendConfig {
    BackendConfig::new("b", Side::Local, BackendKind::Ollama, url, "m")
}

fn cloud(url: &str) -> BackendConfig {
    BackendConfig::new("b", Side::Cloud, BackendKind::Openai, url, "m")
}

#[test]
fn a_local_backend_at_a_public_address_needs_the_opt_in() {
    for url in ["https://api.example.com", "http://8.8.8.8:11434", "http://internal.example.com"] {
        assert!(refusal(&local(url)).contains("allow_public_address = true"), "{url}");
        assert!(BackendConfig { allow_public_address: true, ..local(url) }.endpoint().is_ok(), "{url}");
    }
    assert!(local("http://llm.internal:8080").endpoint().is_ok());
}

#[test]
fn a_cloud_backend_needs_https_unless_it_is_on_this_machine() {
    assert!(refusal(&cloud("http://api.example.com")).contains("use https"));
    assert!(refusal(&cloud("http://10.0.0.1")).contains("use https"));
    assert!(cloud("http://127.0.0.1:9").endpoint().is_ok());
    assert!(cloud("https://api.example.com").endpoint().is_ok());
}

#[test]
fn urls_without_secrets_and_proxies_for_the_cloud_only() {
    assert!(refusal(&cloud("https://me:canary-5c@api.example.com")).contains("user name or password"));
    assert!(!refusal(&cloud("https://me:canary-5c@api.example.com")).contains("canary"));
    for url in ["", "nonsense", "ftp://x", "unix:/x", "http://"] {
        assert!(refusal(&local(url)).contains("the url is none"), "{url}");
    }
    let proxied = BackendConfig { proxy: Some("http://proxy:3128".into()), ..local("http://127.0.0.1") };
    assert!(refusal(&proxied).contains("never uses a proxy"));
    let proxied = BackendConfig { proxy: Some("http://proxy:3128".into()), ..cloud("https://a.example") };
    assert!(proxied.endpoint().is_ok());
    assert!(refusal(&BackendConfig { proxy: Some("nonsense".into()), ..cloud("https://a.example") }).contains("proxy"));
}

#[test]
fn a_key_comes_from_one_place_and_is_never_shown() {
    let absent = BackendConfig { api_key_env: Some("CORDON_TEST_NO_SUCH_KEY".into()), ..cloud("https://a.example") };
    assert!(refusal(&absent).contains("CORDON_TEST_NO_SUCH_KEY that should hold the key is not set"));
    let both = BackendConfig { api_key_file: Some("/x".into()), ..absent };
    assert!(refusal(&both).contains("keep one"));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let with_file = BackendConfig { api_key_file: Some(path.clone()), ..cloud("https://a.example") };
    assert!(refusal(&with_file).contains("cannot be read"));
    fs::write(&path, "  \n").unwrap();
    assert!(refusal(&with_file).contains("the key is empty"));
    fs::write(&path, "canary-key-9d\n").unwrap();
    assert!(!format!("{:?}", with_file.endpoint().unwrap()).contains("canary"));
    fs::write(&path, "canary\nkey").unwrap();
    assert!(refusal(&with_file).contains("no HTTP header"));
    assert!(!refusal(&with_file).contains("canary"));
}

#[test]
fn fields_are_strict() {
    let read = |text: &str| toml::from_str::<BackendConfig>(text).map_err(|error| error.message().to_owned());
    let least = "name = 'a'\nside = 'local'\nkind = 'ollama'\nurl = 'http://localhost:11434'\nmodel = 'm'\n";
    assert_eq!(read(least).unwrap().idle_timeout_ms, default_idle_timeout());
    assert!(read(&format!("{least}api_key = 'x'")).unwrap_err().contains("unknown field `api_key`"));
    assert!(read(&least.replace("'local'", "'elsewhere'")).unwrap_err().contains("expected `local` or `cloud`"));
    assert!(
        refusal(&BackendConfig { idle_timeout_ms: 0, ..local("http://localhost") }).contains("idle_timeout_ms is 0")
    );
    assert!(refusal(&BackendConfig { name: "a b".into(), ..local("http://localhost") }).contains("the name needs"));
    assert!(
        refusal(&BackendConfig { context_tokens: Some(1), ..cloud("https://a.example") }).contains("kind `ollama`")
    );
}

#[test]
fn a_weight_needs_a_priority_and_a_range() {
    let ranked = |priority, weight| BackendConfig { priority, weight, ..local("http://localhost") }.terms();
    assert_eq!(ranked(None, None).unwrap().rank, Rank { priority: None, weight: 1 });
    assert_eq!(ranked(Some(3), Some(1000)).unwrap().rank, Rank { priority: Some(3), weight: 1000 });
    assert!(ranked(None, Some(2)).unwrap_err().to_string().contains("set priority too"));
    for weight in [0, 1001] {
        assert!(ranked(Some(1), Some(weight)).unwrap_err().to_string().contains("from 1 to 1000"), "{weight}");
    }
}

#[test]
fn retries_and_the_wait_for_the_first_piece_are_bounded() {
    let terms = |text: &str| {
        let least = "name='a'\nside='local'\nkind='ollama'\nurl='http://localhost'\nmodel='m'\n";
        toml::from_str::<BackendConfig>(&format!("{least}{text}")).unwrap().terms().map_err(|error| error.to_string())
    };
    let usual = terms("").unwrap();
    assert_eq!((usual.retries, usual.first_token_timeout), (1, None));
    let other = terms("retries = 0\nfirst_token_timeout_ms = 1500").unwrap();
    assert_eq!((other.retries, other.first_token_timeout), (0, Some(Duration::from_millis(1500))));
    assert!(terms("retries = 6").unwrap_err().contains("from 0 to 5"));
    assert!(terms("first_token_timeout_ms = 0").unwrap_err().contains("first_token_timeout_ms is 0"));
    assert!(terms("max_waiting = 3").unwrap_err().contains("set max_calls too"));
    assert!(terms("max_calls = 0").unwrap_err().contains("max_calls is 0"));
    assert_eq!(terms("max_calls = 3").map(|terms| terms.max_waiting), Ok(12));
    assert_eq!(terms("max_calls = 3\nmax_waiting = 0").map(|terms| terms.max_waiting), Ok(0));
    for interval in [999, 86_400_001] {
        assert!(terms(&format!("health_interval_ms = {interval}")).unwrap_err().contains("from 1000 to 86400000"));
    }
    assert_eq!(terms("health_interval_ms = 0").unwrap().health_interval, None);
    assert_eq!(usual.health_interval, Some(Duration::from_secs(30)));
    assert_eq!(cloud("https://a.example").terms().unwrap().health_interval, None, "a cloud is not asked unbidden");
}

#[test]
fn a_price_that_makes_no_sense_is_named() {
    let refused = |price: &str| {
        let entry = format!(
            "name = \"b\"\nside = \"cloud\"\nkind = \"openai\"\nurl = \"https://a.example\"\nmodel = \"m\"\n[price]\n{price}"
        );
        let deserializer = toml::Deserializer::parse(&entry).unwrap();
        match serde_path_to_error::deserialize::<_, BackendConfig>(deserializer) {
            Ok(config) => config.terms().map(|_| ()).unwrap_err().to_string(),
            Err(error) => format!("{}: {}", error.path(), error.inner().message()),
        }
    };
    for (price, said) in [
        ("input = -3\noutput = 15", "price.input: must not be negative"),
        ("input = 3\noutput = \"-0.15\"", "price.output: must not be negative"),
        ("input = 3\noutput = nan", "price.output: is no decimal number"),
        ("input = 3\noutput = 1500000", "price.output is 1500000.00 dollars"),
        ("input = 3\noutput = 15\ncached_input = 30", "price.cached_input is larger"),
        ("input = 3", "missing field `output`"),
        ("input = 3\noutput = 15\ncache = 1", "unknown field `cache`"),
    ] {
        assert!(refused(price).contains(said), "{price}: {}", refused(price));
    }
}

fn escalation(toml: &str) -> BackendConfig {
    BackendConfig { escalation: Some(toml::from_str(toml).unwrap()), ..local("http://127.0.0.1:9") }
}

#[test]
fn what_makes_an_answer_sure_enough_is_checked() {
    let weights = "[weights]\nbias = 0.0\nmean = 1.0\nwindow = 1.0\nmargins = -1.0\nusual = { mean = -0.5, window = -1.0, margins = 0.2 }";
    let terms = escalation(&format!("threshold = 0.6\nhold_back_tokens = 9\n{weights}")).terms().unwrap();
    assert_eq!((terms.measure.threshold, terms.measure.early_threshold), (0.6, 0.6), "one stands for both");
    assert_eq!((terms.hold_back.tokens, terms.hold_back.bytes), (9, HoldBack::default().bytes));
    for (toml, said) in [
        ("threshold = 1.5", "escalation.threshold must be from 0 to 1"),
        ("early_threshold = -0.1", "escalation.early_threshold must be from 0 to 1"),
        ("threshold = nan", "escalation.threshold must be from 0 to 1"),
        ("hold_back_tokens = 0", "escalation.hold_back_tokens must be from 1 to 4096"),
        ("hold_back_ms = 70000", "escalation.hold_back_ms must be from 1 to 60000"),
        (&weights.replace("margins = -1.0", "margins = 1.0"), "escalation.weights must be finite"),
        ("calibration = \"a.toml\"\nthreshold = 0.5", "keep one"),
        ("calibration = \"/nowhere/a.toml\"", "cannot be read"),
    ] {
        let error = escalation(toml).terms().unwrap_err().to_string();
        assert!(error.contains(said), "{toml}: {error}");
    }
    let error = BackendConfig { logprobs: Some(true), ..cloud("https://api.example.com") }.terms().unwrap_err();
    assert!(error.to_string().contains("logprobs is for local backends"), "{error}");
}

#[test]
fn a_calibration_file_is_taken_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calibration.toml");
    let weights = crate::dispatch::confidence::Measure::default().weights;
    let written = EscalationCalibration { threshold: 0.25, early_threshold: Some(0.5), weights };
    std::fs::write(&path, toml::to_string(&written).unwrap()).unwrap();
    let terms = escalation(&format!("calibration = {:?}", path.to_str().unwrap())).terms().unwrap();
    let measure = terms.measure;
    assert_eq!((measure.threshold, measure.early_threshold, measure.weights), (0.25, 0.5, weights));
    std::fs::write(&path, "threshold = 0.5\nsurprise = 1").unwrap();
    let error = escalation(&format!("calibration = {:?}", path.to_str().unwrap())).terms().unwrap_err();
    assert!(error.to_string().contains("cordon calibrate escalation"), "{error}");
}
