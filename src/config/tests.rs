//! What a configuration file may say, and what the errors of a wrong one say.

use super::*;

fn file(text: &str) -> Result<File, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cordon.toml");
    std::fs::write(&path, text).unwrap();
    File::read(&path)
}

fn valid(text: &str) -> Result<Config, ConfigError> {
    file(&format!("data_dir = \"/tmp/x\"\n{text}"))?.validate()
}

#[test]
fn an_empty_file_is_the_default() {
    let config = valid("").unwrap();
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:50051".parse().unwrap())]);
    assert!(config.callers.allows_anonymous());
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let message = file("[server]\nlisten = [\"127.0.0.1:1\"]\nlimit = 3\n").unwrap_err().to_string();
    assert!(message.contains("server") && message.contains("limit") && message.contains("line 3"), "{message}");
}

#[test]
fn an_open_door_needs_tokens() {
    let message = valid("[server]\nlisten = [\"0.0.0.0:50051\"]").unwrap_err().to_string();
    assert!(message.contains("not loopback") && message.contains("token_sha256"), "{message}");
    let token = "[[caller]]\nname = \"crm\"\ntoken_sha256 = \"".to_owned() + &"ab".repeat(32) + "\"\n";
    valid(&format!("{token}[server]\nlisten = [\"0.0.0.0:50051\"]")).unwrap();
    valid(&format!("{token}[server]\nlisten = [\"0.0.0.0:50051\"]\nallow_anonymous = true")).unwrap_err();
}

#[test]
fn a_calibration_is_a_word_or_a_path() {
    let choice = |text: &str| valid(text).unwrap().calibration;
    assert_eq!(choice(""), CalibrationChoice::Embedded);
    assert_eq!(choice("calibration = \"none\""), CalibrationChoice::None);
    assert_eq!(choice("calibration = \"c.toml\""), CalibrationChoice::File("c.toml".into()));
}

#[test]
fn listeners_are_sockets_or_addresses() {
    assert_eq!(parse_listen("unix:/run/c.sock").unwrap(), Listen::Unix("/run/c.sock".into()));
    for bad in ["unix:", "localhost", "50051", "127.0.0.1"] {
        assert!(parse_listen(bad).is_err(), "{bad}");
    }
}

#[test]
fn zero_limits_are_refused_by_name() {
    let message = valid("[server.limits]\nmax_parts = 0").unwrap_err().to_string();
    assert!(message.contains("server.limits.max_parts"), "{message}");
}

#[test]
fn budgets_are_checked_and_named() {
    let cloud =
        "[[backend]]\nname = \"c\"\nside = \"cloud\"\nkind = \"openai\"\nurl = \"https://a.example\"\nmodel = \"m\"\n";
    let price = "[backend.price]\ninput = 3\noutput = \"15.00\"\n";
    let limit = "max_output_tokens = 4096\n";
    let budget = "[[budget]]\nusd_per_day = \"12.50\"\n";
    for (text, said) in [
        ("[[budget]]\nusd_per_day = \"-12.50\"\n".to_owned(), "budget[0].usd_per_day|must not be negative"),
        ("[[budget]]\nusd_per_day = -3\n".to_owned(), "budget[0].usd_per_day|must not be negative"),
        ("[[budget]]\nusd_per_day = 2000000\n".to_owned(), "budget[0].usd_per_day"),
        (format!("{budget}{budget}"), "budget[1].name: `daily` is there twice"),
        (format!("{budget}callers = [\"crm\"]\n"), "budget[0].callers: `crm` is no caller"),
        (
            format!("{cloud}{budget}"),
            "backend `c`: a budget is hard only if it knows what a call may cost; give this backend price",
        ),
        (format!("{cloud}{price}{budget}"), "give this backend max_output_tokens"),
        (format!("{cloud}{limit}{budget}"), "give this backend price"),
        (format!("{cloud}[backend.price]\ninput = -3\noutput = 15\n"), "backend[0].price.input|must not be negative"),
    ] {
        let message = valid(&text).unwrap_err().to_string();
        assert!(said.split('|').all(|said| message.contains(said)), "{message}");
    }
    let anthropic = cloud.replace("openai", "anthropic");
    for fine in [format!("{cloud}{limit}{price}{budget}"), format!("{anthropic}{price}{budget}"), cloud.to_owned()] {
        assert!(valid(&fine).is_ok(), "{fine}");
    }
}

/// The examples of docs/money.md are taken as they stand there.
#[test]
fn what_the_page_about_money_shows_is_a_configuration() {
    let page = include_str!("../../docs/money.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [backend, budgets, _policy, rates] = blocks[..] else { panic!("four examples, not {}", blocks.len()) };
    let callers: String = ["anna", "ben", "crm"]
        .iter()
        .enumerate()
        .map(|(number, name)| format!("[[caller]]\nname = \"{name}\"\ntoken_sha256 = \"{number:064x}\"\n"))
        .collect();
    let config = valid(&format!("{callers}{backend}{budgets}{rates}")).unwrap();
    assert_eq!(config.backends[0].price.unwrap().output.to_string(), "15.00");
    assert!(config.backends[0].lacks_for_budget().is_none());
}

#[test]
fn the_log_is_signed_and_kept_as_the_file_says() {
    let usual = valid("").unwrap().audit;
    assert_eq!((usual.checkpoints, usual.keep_days), (Some(Checkpoints::default()), None));
    let text = "[audit]\ncheckpoint_records = 7\ncheckpoint_seconds = 9\nsigning_key = \"/k\"\nkeep_days = 30";
    let audit = valid(text).unwrap().audit;
    let expected = Checkpoints { every_records: 7, every: Duration::from_secs(9), key: Some(PathBuf::from("/k")) };
    assert_eq!((audit.checkpoints, audit.keep_days), (Some(expected), Some(30)));
    for field in ["checkpoint_records", "checkpoint_seconds", "keep_days"] {
        let message = valid(&format!("[audit]\n{field} = 0")).unwrap_err().to_string();
        assert!(message.contains(&format!("audit.{field}")), "{message}");
    }
}

#[test]
fn a_fleet_s_log_is_checked_and_named() {
    let with = |store: &str, fleet: &str| valid(&format!("[audit]\nstore = \"{store}\"\n[audit.fleet]\n{fleet}"));
    for (text, said) in [
        (with("postgres://u:secret@h/d", ""), "holds a password"),
        (with("postgres://u@h/d?sslmode=disable", ""), "switches TLS off for h"),
        (with("/var/lib/audit", ""), "audit.store is no address of a PostgreSQL database"),
        (with("postgres://u@h/d", "heads_seconds = 0"), "audit.fleet.heads_seconds must be from 1 to 86400"),
        (with("postgres://u@h/d", "password_env = \"A\"\npassword_file = \"/b\""), "keep one"),
        (valid("[audit.fleet]\nname = \"eu-1\"\n"), "audit.fleet: is of use with audit.store alone"),
    ] {
        let message = text.unwrap_err().to_string();
        assert!(message.contains(said) && !message.contains("secret"), "{message}");
    }
    assert!(with("postgres://u@h/d", "answers = \"fleet\"").unwrap().audit.fleet.is_some());
    assert!(valid("").unwrap().audit.fleet.is_none());
}

/// The example of docs/fleet.md is taken as it stands there.
#[test]
fn what_the_page_about_fleets_shows_is_a_configuration() {
    let page = include_str!("../../docs/fleet.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(valid(example).unwrap().audit.fleet.is_some());
}
