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
