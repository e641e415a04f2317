//! The arithmetic: all lines or none, never over the limit, whatever runs at once.

use proptest::prelude::*;

use super::*;

fn open(hand: &Hand, directory: &Path, budgets: &[BudgetConfig]) -> Control {
    Control::open_at(&config(directory, budgets), hand.clock()).unwrap()
}

#[tokio::test]
async fn every_budget_of_a_caller_must_have_room_and_none_is_touched_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let budgets = [
        budget("own", None, false, "3"),
        budget("team", Some(&["crm", "web"]), true, "4"),
        budget("nobody", Some(&["crm"]), false, "100"),
    ];
    let control = open(&Hand::at(5), directory.path(), &budgets);
    let take = |caller: &str, amount: &str| control.reserve(caller, usd(amount));
    let mut crm = take("crm", "3").unwrap().unwrap();
    crm.durable().await.unwrap();
    let named = |overrun: Overrun| match overrun {
        Overrun::Spent { budget, opens_in } => {
            assert_eq!(opens_in.as_micros(), (DAY - 5) as u128);
            budget.to_string()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(named(take("crm", "0.000001").unwrap_err()), "own");
    assert_eq!(named(take("web", "2").unwrap_err()), "team");
    assert_eq!(sums(&control, "own", "web"), (Amount::ZERO, Amount::ZERO), "what was refused took nothing");
    let web = take("web", "1").unwrap().unwrap();
    assert_eq!(sums(&control, "team", ""), (Amount::ZERO, usd("4")));
    let anonymous = take("anonymous", "3").unwrap().unwrap();
    assert_eq!(named(take("stranger", "0").unwrap_err()), "own", "nobody outside the configuration spends");
    crm.settle(usd("0.5"));
    web.release();
    anonymous.settle(usd("3"));
    assert_eq!(sums(&control, "team", ""), (usd("0.5"), Amount::ZERO));
    assert_eq!(sums(&control, "own", "crm"), (usd("0.5"), Amount::ZERO));
    assert_eq!(sums(&control, "nobody", "crm"), (usd("0.5"), Amount::ZERO));
    assert_eq!(sums(&control, "own", "anonymous"), (usd("3"), Amount::ZERO));
}

#[tokio::test]
async fn a_caller_without_a_budget_is_not_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let control = open(&Hand::at(0), directory.path(), &[budget("crm", Some(&["crm"]), false, "0")]);
    assert!(control.bounds("crm") && !control.bounds("web"));
    assert!(control.reserve("web", Amount::MAX).unwrap().is_none());
    assert!(control.reserve("crm", Amount::from_picos(1)).is_err());
    assert!(!Control::default().bounds("crm"));
}

#[tokio::test]
async fn a_new_day_is_a_new_budget_and_a_clock_that_steps_back_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let hand = Hand::at(10 * DAY);
    let control = open(&hand, directory.path(), &[budget("daily", None, true, "1")]);
    control.reserve("crm", usd("1")).unwrap().unwrap().settle(usd("1"));
    let late = DAY * 11 - 1;
    hand.set(late);
    assert!(control.reserve("crm", usd("0.1")).is_err());
    // A call of yesterday that ends today is yesterday's.
    hand.set(11 * DAY);
    let today = control.reserve("crm", usd("0.6")).unwrap().unwrap();
    hand.set(12 * DAY);
    let tomorrow = control.reserve("crm", usd("0.9")).unwrap().unwrap();
    today.settle(usd("0.6"));
    assert_eq!(sums(&control, "daily", ""), (Amount::ZERO, usd("0.9")));
    tomorrow.settle(usd("0.9"));
    for earlier in [11 * DAY, 3 * DAY, -5 * DAY] {
        hand.set(earlier);
        assert_eq!(sums(&control, "daily", "").0, usd("0.9"), "the clock stepped back to {earlier}");
        assert!(control.reserve("crm", usd("0.2")).is_err());
    }
    control.close().await;
    drop(control);
    let again = open(&hand, directory.path(), &[budget("daily", None, true, "1")]);
    assert_eq!(sums(&again, "daily", "").0, usd("0.9"), "nor does a restart with the wrong clock");
    assert!(again.reserve("crm", usd("0.2")).is_err());
    hand.set(13 * DAY);
    assert!(again.reserve("crm", usd("1")).is_ok());
}

/// What one of many tasks does with its hold.
#[derive(Clone, Copy, Debug)]
enum End {
    Settle(u64),
    Release,
    Forget,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![(0_u64..=100).prop_map(End::Settle), Just(End::Release), Just(End::Forget)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However many take and give back at once: never more is spent and held than the budget has, and what is spent is
    /// exactly what was settled.
    #[test]
    fn a_budget_is_hard_under_concurrency(
        asks in proptest::collection::vec((1_u64..2_000_000, end(), any::<bool>()), 40..160),
        limit in 1_u64..20,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let limit = limit.to_string();
        let budgets = [budget("all", None, true, &limit), budget("own", None, false, &limit)];
        let control = Arc::new(open(&Hand::at(0), directory.path(), &budgets));
        let spent = std::sync::Mutex::new(Amount::ZERO);
        std::thread::scope(|scope| {
            for chunk in asks.chunks(asks.len().div_ceil(8)) {
                let (control, spent, limit) = (&control, &spent, &limit);
                scope.spawn(move || {
                    for (micros, end, crm) in chunk {
                        let amount = Amount::from_micros(*micros);
                        let Ok(hold) = control.reserve(if *crm { "crm" } else { "web" }, amount) else { continue };
                        let hold = hold.unwrap();
                        let (so_far, held) = sums(control, "all", "");
                        assert!(so_far.plus(held) <= usd(limit), "{so_far} and {held} of {limit}");
                        let cost = match end {
                            End::Settle(percent) => Amount::from_picos(u128::from(amount.picos()) * u128::from(*percent) / 100),
                            End::Release => Amount::ZERO,
                            End::Forget => amount,
                        };
                        match end {
                            End::Settle(_) => hold.settle(cost),
                            End::Release => hold.release(),
                            End::Forget => drop(hold),
                        }
                        let mut spent = spent.lock().unwrap();
                        *spent = spent.plus(cost);
                    }
                });
            }
        });
        let spent = spent.into_inner().unwrap();
        prop_assert_eq!(sums(&control, "all", ""), (spent, Amount::ZERO));
        prop_assert!(spent <= usd(&limit));
        // The file says the same.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(control.close());
        drop(control);
        let again = open(&Hand::at(0), directory.path(), &budgets);
        prop_assert_eq!(sums(&again, "all", ""), (spent, Amount::ZERO));
        let own = sums(&again, "own", "crm").0.plus(sums(&again, "own", "web").0);
        prop_assert_eq!(own, spent);
    }
}
