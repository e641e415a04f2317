//! The file: what survives a restart and a death, what is refused, and what a full disk does.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn open(directory: &Path) -> Result<Control, ControlError> {
    Control::open_at(&config(directory, &[budget("daily", None, true, "10")]), Hand::at(DAY).clock())
}

/// The control folder in this one, for this user alone.
fn private_folder(outer: &Path) -> std::path::PathBuf {
    let folder = outer.join("control");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    folder
}

#[tokio::test]
async fn what_was_held_when_a_process_died_counts_in_full() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(directory.path()).unwrap();
    for (amount, cost) in [("2", "0.25"), ("1", "0")] {
        let mut hold = control.reserve("crm", usd(amount)).unwrap().unwrap();
        hold.durable().await.unwrap();
        hold.settle(usd(cost));
    }
    let mut held = control.reserve("web", usd("3")).unwrap().unwrap();
    held.durable().await.unwrap();
    // A copy of the files now is what a power cut would leave.
    let copy = tempfile::tempdir().unwrap();
    let copied = private_folder(copy.path());
    for entry in std::fs::read_dir(directory.path().join("control")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copied.join(path.file_name().unwrap())).unwrap();
    }
    let after = open(copy.path()).unwrap();
    assert_eq!(sums(&after, "daily", ""), (usd("3.25"), Amount::ZERO));
    held.settle(usd("0.5"));
    control.close().await;
    drop(control);
    let calm = open(directory.path()).unwrap();
    assert_eq!(sums(&calm, "daily", ""), (usd("0.75"), Amount::ZERO), "one that was settled counts as settled");
}

#[tokio::test]
async fn a_full_disk_refuses_what_would_be_spent_and_forgets_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(directory.path()).unwrap();
    let mut before = control.reserve("crm", usd("4")).unwrap().unwrap();
    before.durable().await.unwrap();
    control.fill_disk(true).await;
    let mut refused = control.reserve("crm", usd("2")).unwrap().unwrap();
    let error = refused.durable().await.unwrap_err();
    assert!(error.to_string().contains("disk"), "{error}");
    drop(refused);
    assert_eq!(sums(&control, "daily", ""), (Amount::ZERO, usd("4")), "what is not on the disk holds nothing");
    before.settle(usd("1"));
    assert_eq!(sums(&control, "daily", ""), (usd("1"), Amount::ZERO));
    control.fill_disk(false).await;
    let mut later = control.reserve("crm", usd("9")).unwrap().unwrap();
    later.durable().await.unwrap();
    later.settle(usd("8"));
    control.close().await;
    drop(control);
    let again = open(directory.path()).unwrap();
    assert_eq!(sums(&again, "daily", "").0, usd("9"), "what could not be written was written when it could");
}

#[tokio::test]
async fn after_the_end_nothing_can_be_reserved() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(directory.path()).unwrap();
    control.close().await;
    assert!(matches!(control.reserve("crm", usd("1")), Err(Overrun::Unrecorded(ControlError::Busy))));
    assert_eq!(sums(&control, "daily", ""), (Amount::ZERO, Amount::ZERO));
    control.close().await;
}

#[test]
fn files_are_private_and_used_once() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let directory = data.join("control");
    let open = || super::restart::open(&data);
    let control = open().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert!(matches!(open(), Err(ControlError::InUse { .. })));
    drop(control);
    let database = directory.join("control.db");
    let opened = (0..200).find_map(|_| {
        // The thread of the first one lets go of the lock a moment later.
        std::thread::sleep(std::time::Duration::from_millis(10));
        open().ok()
    });
    drop(opened.expect("the lock is free after the end"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o644)).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(&error, ControlError::OpenToOthers { .. }) && error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn what_is_not_ours_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let database = private_folder(directory.path()).join("control.db");
    let private = |bytes: &[u8]| {
        std::fs::write(&database, bytes).unwrap();
        std::fs::set_permissions(&database, PermissionsExt::from_mode(0o600)).unwrap();
    };
    private(b"a letter, not a database, and long enough to have a header of its own, or what looks like one");
    assert!(matches!(open(directory.path()), Err(ControlError::NotOurs { .. })));
    std::fs::remove_file(&database).unwrap();
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(open(directory.path()), Err(ControlError::NotOurs { .. })));
}

#[tokio::test]
async fn a_closed_cloud_stays_closed_over_a_restart_for_everybody_or_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(directory.path()).unwrap();
    assert!(!control.is_cloud_closed_for("crm"));
    control.set_cloud(Some("crm"), true).await.unwrap();
    assert!(control.is_cloud_closed_for("crm") && !control.is_cloud_closed_for("web"));
    control.set_cloud(None, true).await.unwrap();
    assert!(control.is_cloud_closed_for("web"));
    control.close().await;
    drop(control);
    let control = open(directory.path()).unwrap();
    assert!(control.is_cloud_closed_for("web") && control.closed().everybody);
    control.set_cloud(None, false).await.unwrap();
    assert!(control.is_cloud_closed_for("crm") && !control.is_cloud_closed_for("web"));
    control.close().await;
    drop(control);
    let control = open(directory.path()).unwrap();
    assert!(control.is_cloud_closed_for("crm") && !control.closed().everybody);
    control.set_cloud(Some("crm"), false).await.unwrap();
    assert_eq!(control.closed(), Closed::default());
}

#[tokio::test]
async fn with_a_full_disk_the_cloud_can_be_closed_and_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(directory.path()).unwrap();
    control.set_cloud(Some("crm"), true).await.unwrap();
    control.fill_disk(true).await;
    assert!(control.set_cloud(Some("crm"), false).await.is_err());
    assert!(control.is_cloud_closed_for("crm"));
    assert!(control.set_cloud(None, true).await.is_err(), "it is said that it was not kept");
    assert!(control.is_cloud_closed_for("web"), "and closed it is");
}

#[tokio::test]
async fn rates_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let limit = RateLimitConfig {
        name: "few".to_owned(),
        callers: None,
        requests_per_minute: Some(2),
        tokens_per_minute: None,
    };
    let file = ControlFile { rate_limits: std::slice::from_ref(&limit), ..ControlFile::default() };
    let config =
        ControlConfig::checked(directory.path().join("control"), file, vec!["crm".into(), "web".into()]).unwrap();
    let control = Control::open(&config).unwrap();
    control.admit("crm").unwrap();
    control.admit("crm").unwrap();
    assert_eq!(&*control.admit("crm").unwrap_err().limit, "few");
    control.close().await;
    drop(control);
    let control = Control::open(&config).unwrap();
    let wait = control.admit("crm").unwrap_err().retry_after;
    assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
    assert!(control.admit("web").is_ok());
}

#[test]
fn rates_that_make_no_sense_are_named() {
    let limit = |requests_per_minute, tokens_per_minute| RateLimitConfig {
        name: "rate".to_owned(),
        callers: None,
        requests_per_minute,
        tokens_per_minute,
    };
    let error = |limits: &[RateLimitConfig]| {
        let file = ControlFile { rate_limits: limits, ..ControlFile::default() };
        let (field, problem) = ControlConfig::checked("/x".into(), file, vec!["crm".into()]).unwrap_err();
        format!("{field}: {problem}")
    };
    assert!(error(&[limit(None, None)]).contains("requests_per_minute: is missing"));
    assert!(error(&[limit(Some(0), None)]).contains("requests_per_minute: is 0"));
    assert!(error(&[limit(None, Some(0))]).contains("tokens_per_minute: is 0"));
    assert!(error(&[limit(Some(1), None), limit(Some(1), None)]).contains("rate_limit[1].name"));
    let negative = toml::from_str::<RateLimitConfig>("requests_per_minute = -5").unwrap_err();
    assert!(negative.message().contains("-5"), "{negative}");
}
