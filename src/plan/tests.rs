//! The plan as a whole: the worked case, what must hold for every input, and what a log makes of it.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::choices::{DataSensitivity, Residency};
use super::*;
use crate::audit::{Decision as Recorded, Outcome, OutcomeStatus};
use crate::policy::Route;

fn stated(source: &str) -> Stated {
    Stated::read(source).unwrap()
}

fn costs_of(source: &str) -> Costs {
    plan(&stated(source), None, None).unwrap().costs.unwrap()
}

fn usd(dollars: i32) -> Usd {
    Usd::dollars(dollars)
}

#[test]
fn the_worked_case_comes_out_exactly() {
    let costs = costs_of("queries_per_day = 50000");
    assert_eq!(costs.cloud_usd_per_year, usd(90_000));
    assert_eq!((costs.cloud_total_usd, costs.local_total_usd), (usd(450_000), usd(150_000)));
    assert_eq!((costs.saving_usd, costs.saving_percent), (usd(300_000), Some(67)));
    let years = |index: usize| costs.scenarios[index].years_usd.clone();
    assert_eq!(years(0), [72_000, 12_000, 42_000, 12_000, 12_000].map(usd));
    assert_eq!(years(1), [90_000; 5].map(usd));
    // 60,000 / (7,500 − 1,000) is a little over nine months.
    assert_eq!(costs.break_even, BreakEven { month: Some(10), lasting_month: Some(10) });
    // 150,000 dollars buy 30,000,000 requests of half a cent, on 1,800 days.
    assert_eq!(costs.equal_queries_per_day, Some(16_667));
    assert!(costs.summary.contains("$300,000 (67 %)"), "{}", costs.summary);
    // One request costs half a cent: 1,000 tokens at 2.50 and 250 at 10 dollars a million.
    let figures = Figures::of(&stated("queries_per_day = 50000"), None, None).unwrap();
    assert_eq!(figures.leaves.picos, 5_000_000_000);
}

#[test]
fn the_worked_case_is_in_the_json() {
    let plan = plan(&stated("queries_per_day = 50000"), None, None).unwrap();
    let json: Value = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["version"], 1);
    let costs = &json["costs"];
    assert_eq!(costs["cloud_total_usd"], 450_000);
    assert_eq!(costs["local_total_usd"], 150_000);
    assert_eq!(costs["saving_usd"], 300_000);
    assert_eq!(costs["saving_percent"], 67);
    assert_eq!(costs["break_even"]["month"], 10);
    assert_eq!(costs["scenarios"][0]["cumulated_usd"].as_array().unwrap().len(), 61);
    assert_eq!(json["decision"]["verdict"], "local");
    assert_eq!(json["decision"]["rows"].as_array().unwrap().len(), 8);
    assert_eq!(json["sizing"].as_array().unwrap().len(), 6);
    let assumed = json["figures"].as_array().unwrap().iter().filter(|told| told["origin"] == "assumed").count();
    assert_eq!(assumed, json["figures"].as_array().unwrap().len() - 1, "only the volume was stated");
}

#[test]
fn sensitivity_moves_one_figure_at_a_time() {
    let costs = costs_of("queries_per_day = 50000");
    assert_eq!(costs.sensitivity.len(), 16);
    let row = |figure: &str, change: i64| {
        costs.sensitivity.iter().find(|row| row.figure == figure && row.change_percent == change).unwrap().clone()
    };
    let half = row("price of the cloud", -50);
    assert_eq!((half.cloud_usd, half.local_usd, half.saving_usd), (usd(225_000), usd(150_000), usd(75_000)));
    let dear = row("price of hardware", 50);
    assert_eq!((dear.cloud_usd, dear.local_usd), (usd(450_000), usd(195_000)));
    assert_eq!(row("running cost", 20).local_usd, usd(162_000));
    let few = row("requests a day", -50);
    assert_eq!((few.cloud_usd, few.local_usd), (usd(225_000), usd(150_000)));
    // A half more requests need a second set.
    assert_eq!(row("requests a day", 50).local_usd, usd(300_000));
}

#[test]
fn few_requests_are_cheaper_in_the_cloud_and_the_loss_is_said() {
    let costs = costs_of("queries_per_day = 500");
    assert_eq!((costs.cloud_total_usd, costs.saving_usd), (usd(4_500), usd(-145_500)));
    assert_eq!(costs.break_even, BreakEven { month: None, lasting_month: None });
    assert_eq!(costs.cheapest, Way::Cloud);
    assert!(costs.summary.contains("local costs $145,500 more"), "{}", costs.summary);
    assert_eq!(cheaper(&costs), Side::Cloud);
}

#[test]
fn an_upgrade_can_set_local_back() {
    let costs = costs_of(
        "queries_per_day = 10000\nhardware_usd = 10000\nrunning_usd_per_year = 0\nupgrade = [{year = 2, usd = 20000}]",
    );
    // The cloud is 1,500 a month: even at month 7; then 30,000 in all is even again at month 20.
    assert_eq!(costs.break_even, BreakEven { month: Some(7), lasting_month: Some(20) });
}

#[test]
fn what_must_stay_is_kept_in_every_permitted_way() {
    let costs = costs_of("queries_per_day = 50000\nmust_stay_percent = 60\ncloud_percent = 10");
    let way = |way: Way| costs.scenarios.iter().find(|scenario| scenario.way == way).unwrap();
    assert!(!way(Way::Cloud).permitted);
    assert_eq!(way(Way::CloudWhereAllowed).cloud_percent, 40);
    assert_eq!(way(Way::CloudWhereAllowed).total_usd, usd(150_000 + 180_000));
    assert_eq!(way(Way::Hybrid).total_usd, usd(150_000 + 45_000));
    let network = Stated { residency: Some(Residency::Network), ..stated("queries_per_day = 50000") };
    let plan = plan(&network, None, None).unwrap();
    assert_eq!(plan.decision.verdict, Side::Local);
    let costs = plan.costs.unwrap();
    let hybrid = costs.scenarios.iter().find(|scenario| scenario.way == Way::Hybrid).unwrap();
    assert_eq!((hybrid.cloud_percent, hybrid.total_usd), (0, usd(150_000)));
    assert!(plan.notes.iter().any(|note| note.contains("for comparison alone")));
}

#[test]
fn nonsense_is_refused_with_its_name() {
    for (source, wanted) in [
        ("queries_per_day = 0", "queries_per_day must be from 1"),
        ("queries_per_day = 9223372036854775807", "queries_per_day must be"),
        ("queries_per_day = 5\nutilisation_percent = 0", "utilisation_percent"),
        ("queries_per_day = 5\nutilisation_percent = 101", "utilisation_percent"),
        ("queries_per_day = 5\nmust_stay_percent = 80\ncloud_percent = 30", "more than 100"),
        ("queries_per_day = 5\nupgrade = [{year = 6, usd = 1}]", "upgrade year must be from 1 to 5"),
        ("queries_per_day = 5\nupgrade = [{year = 0, usd = 1}]", "upgrade year"),
        ("queries_per_day = 5\ndays_per_year = 400", "days_per_year"),
        ("queries_per_day = 5\nsets = 0", "sets"),
        ("queries_per_day = 5\ninput_tokens = 999999999999", "input_tokens"),
        ("queries_per_day = 5\ninput_usd_per_million = 20000", "more than any model costs"),
        ("queries_per_day = 5\nusd_per_query = 20000", "usd_per_query"),
        ("queries_per_day = 5\nhardware_usd = 999999999999\nsets = 1000000", "nine trillion"),
        ("queries_per_day = 999999999999\nusd_per_query = 9999", "nine trillion"),
    ] {
        let error = plan(&stated(source), None, None).unwrap_err().to_string();
        assert!(error.contains(wanted), "{source}: {error}");
    }
}

#[test]
fn without_a_volume_there_is_a_verdict_and_no_cost() {
    let plan = plan(&Stated { sensitivity: Some(DataSensitivity::Public), ..Stated::default() }, None, None).unwrap();
    assert_eq!((plan.decision.verdict, plan.costs.is_none()), (Side::Cloud, true));
    assert!(plan.notes.iter().any(|note| note.contains("--queries-per-day")));
}

/// A recorded dispatch.
fn record(day: i64, level: &str, ceiling: Route, route: Route) -> (Recorded, Outcome) {
    let time = 1_760_000_000_000_000 + day * 86_400_000_000;
    let decision = json!({
        "id": uuid::Uuid::now_v7().to_string(), "time_us": time, "operation": "dispatch", "caller": "a", "request_id": null,
        "level": level, "declared_level": null, "reasons": [], "entities": [], "findings": [], "findings_omitted": 0,
        "topics": [], "coverage": { "detectors": [] }, "parts": 1, "text_bytes": 10, "text_digest": "00",
        "digest_key": "00", "policy": { "name": "p", "version": "1", "digest": "00" },
        "provenance": { "service_version": "1", "catalog": "", "dictionaries": "", "model": "", "calibration": "" },
        "timings": { "rules_us": 1, "ner_us": 1, "policy_us": 1, "total_us": 3 },
        "routing": {
            "route": route, "ceiling": ceiling, "backend": "b", "model": "m", "complexity": "complex",
            "complexity_reasons": [], "rule": "r", "reason": ""
        },
    });
    let mut outcome = Outcome::new(OutcomeStatus::Completed);
    outcome.route = Some(route);
    (serde_json::from_value(decision).unwrap(), outcome)
}

fn recorded(records: &[(Recorded, Outcome)]) -> Traffic {
    let mut recorder = Recorder::default();
    for (decision, outcome) in records {
        recorder.take(decision, Some(outcome));
    }
    recorder.finish(None, None).unwrap()
}

#[test]
fn recorded_traffic_gives_volume_mix_tokens_and_price() {
    let mut records = Vec::new();
    for day in 0..10 {
        let (decision, mut outcome) = record(day, "confidential", Route::Local, Route::Local);
        (outcome.input_tokens, outcome.output_tokens) = (100, 10);
        records.push((decision, outcome));
        let (decision, mut outcome) = record(day, "public", Route::Cloud, Route::Cloud);
        (outcome.input_tokens, outcome.output_tokens, outcome.cost_micros) = (500, 90, Some(2_000));
        records.push((decision, outcome));
        let (decision, mut outcome) = record(day, "public", Route::Cloud, Route::Local);
        (outcome.input_tokens, outcome.output_tokens, outcome.other_side_cost_micros) = (300, 50, Some(1_000));
        records.push((decision, outcome));
        let (decision, _) = record(day, "public", Route::Cloud, Route::Local);
        records.push((decision, Outcome::new(OutcomeStatus::Failed)));
    }
    let traffic = recorded(&records);
    assert_eq!((traffic.requests, traffic.days, traffic.queries_per_day()), (40, 10, Some(4)));
    assert_eq!((traffic.must_stay(), traffic.sent_out()), (Some(250_000), Some(250_000)));
    assert_eq!(traffic.mean_tokens(), Some((300, 50)));
    assert_eq!(traffic.group_tokens(), [Some((100, 10)), Some((300, 50)), Some((500, 90))]);
    assert_eq!(traffic.cloud_picos_per_request(), Some(1_500_000_000));
    assert_eq!((traffic.spent_micros, traffic.unfinished), (20_000, 10));
    assert_eq!((traffic.levels["public"], traffic.levels["confidential"]), (30, 10));
    let caveats = traffic.caveats().join("; ");
    assert!(caveats.contains("little data: 40 requests on 10 days") && caveats.contains("10 of 40"), "{caveats}");

    let plan = plan(&Stated::default(), Some(traffic.clone()), None).unwrap();
    let costs = plan.costs.unwrap();
    let way = |way: Way| costs.scenarios.iter().find(|scenario| scenario.way == way).unwrap();
    // 4 requests a day at 0.0015 dollars on 1,800 days.
    assert_eq!(way(Way::Cloud).total_usd, Usd::from_micros(10_800_000));
    assert!(!way(Way::Cloud).permitted);
    assert_eq!(way(Way::CloudWhereAllowed).cloud_percent, 75);
    assert_eq!(way(Way::Hybrid).cloud_percent, 25);
    let origin = |name: &str| plan.figures.iter().find(|told| told.name == name).unwrap().origin;
    for name in
        ["queries_per_day", "input_tokens", "output_tokens", "must_stay_percent", "cloud_percent", "usd_per_query"]
    {
        assert_eq!(origin(name), Origin::Recorded, "{name}");
    }

    // The configured price counts each group with its own tokens.
    let price = CloudPrice { input: "1".parse().unwrap(), output: "10".parse().unwrap() };
    let figures = Figures::of(&Stated::default(), Some(&traffic), Some(price)).unwrap();
    assert_eq!(figures.groups().map(|group| group.picos), [200_000_000, 800_000_000, 1_400_000_000]);
    // And what is stated goes before both.
    let figures = Figures::of(&stated("usd_per_query = 1\nqueries_per_day = 9"), Some(&traffic), Some(price)).unwrap();
    assert_eq!((figures.queries_per_day, figures.leaves.picos), (9, 1_000_000_000_000));
}

#[test]
fn an_escalation_is_one_request_and_a_closed_cloud_is_no_wish() {
    let (first, mut outcome) = record(0, "public", Route::Cloud, Route::Local);
    outcome.status = OutcomeStatus::Escalated;
    let (mut second, mut answer) = record(0, "public", Route::Cloud, Route::Cloud);
    second.routing.as_mut().unwrap().escalated_from = Some(first.id);
    answer.cost_micros = Some(7);
    let (mut closed, kept) = record(0, "public", Route::Cloud, Route::Local);
    closed.routing.as_mut().unwrap().reason = crate::audit::Label::token("cloud_closed");
    let traffic = recorded(&[(first, outcome), (second, answer), (closed, kept)]);
    assert_eq!((traffic.requests, traffic.escalations, traffic.kept_back), (2, 1, 1));
    assert_eq!((traffic.leaves.requests, traffic.may_leave.requests, traffic.spent_micros), (1, 1, 7));
    assert!(traffic.caveats().iter().any(|caveat| caveat.contains("counted as leaving")));
}

#[test]
fn classifications_alone_stand_for_requests_and_it_is_said() {
    let mut recorder = Recorder::default();
    for level in ["public", "internal", "confidential", "confidential"] {
        let (mut decision, _) = record(0, level, Route::Local, Route::Local);
        decision.routing = None;
        decision.operation = crate::audit::Operation::Classify;
        recorder.take(&decision, None);
    }
    let traffic = recorder.clone().finish(None, None).unwrap();
    assert_eq!((traffic.requests, traffic.must_stay(), traffic.sent_out()), (4, Some(750_000), None));
    assert!(traffic.caveats()[0].contains("classifications alone"));
    let plan = plan(&Stated::default(), Some(traffic), None).unwrap();
    assert_eq!(plan.decision.rows[0].value, Some("confidential"));
    let (dispatch, outcome) = record(0, "public", Route::Cloud, Route::Cloud);
    recorder.take(&dispatch, Some(&outcome));
    let traffic = recorder.finish(None, None).unwrap();
    assert_eq!((traffic.requests, traffic.classifications), (1, 4), "dispatches go before");
}

#[test]
fn days_are_those_of_the_time_asked_for() {
    let (decision, outcome) = record(3, "public", Route::Cloud, Route::Cloud);
    let mut recorder = Recorder::default();
    recorder.take(&decision, Some(&outcome));
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let days = |since, until| recorder.clone().finish(since, until).unwrap().days;
    assert_eq!(days(None, None), 1);
    assert_eq!(days(at("2025-10-01T00:00:00Z"), at("2025-10-31T00:00:00Z")), 30);
    assert_eq!(Recorder::default().finish(None, None), None);
}

#[test]
fn much_data_is_not_called_little() {
    let mut traffic = Traffic { requests: 20_000, days: 30, ..Traffic::default() };
    traffic.must_stay.requests = 5_000;
    traffic.must_stay.counted = 20_000;
    traffic.routes.insert("local", 20_000);
    assert_eq!(traffic.caveats(), Vec::<String>::new());
    let (from, to) = traffic.must_stay_interval();
    assert!(from > 24.0 && to < 26.0, "{from} {to}");
}

#[test]
fn the_page_tells_every_answer_row_and_assumption() {
    let page = include_str!("../../docs/plan.md");
    for factor in factors::FACTORS {
        for answer in factor.answers {
            let row = format!("| {} | {} | {} | {} |", factor.name, answer.value, answer.side.as_str(), answer.reason);
            assert!(page.contains(&row), "docs/plan.md lacks\n{row}");
        }
    }
    let plan = plan(&stated("queries_per_day = 50000"), None, None).unwrap();
    for row in &plan.sizing {
        let fit = if row.fits_what_is_said { "fits" } else { "does not fit" };
        let text = format!(
            "| {} | {} ({} bits) | {} | {:.1}–{:.1} | {}–{} | {fit} |",
            row.class,
            row.quantisation,
            row.bits,
            row.context,
            row.computed_gib.0,
            row.computed_gib.1,
            row.said_gib.0,
            row.said_gib.1
        );
        assert!(page.contains(&text), "docs/plan.md lacks\n{text}");
        for machine in &row.said_hardware {
            let text = format!("{}: {}", machine.machine, if machine.fits { "fits" } else { "does not fit" });
            assert!(page.contains(&text), "docs/plan.md lacks\n{text}");
        }
    }
    for told in plan.figures.iter().filter(|told| told.origin == Origin::Assumed) {
        let row = format!("| `{}` | {} | {} |", told.name, told.value, told.about);
        assert!(page.contains(&row), "docs/plan.md lacks\n{row}");
    }
    for (name, source) in plan.sizing.iter().flat_map(|row| &row.models).map(|model| (model.model, model.source)) {
        assert!(page.contains(source), "docs/plan.md lacks the source of {name}: {source}");
    }
}

proptest! {
    /// More requests never cost less, on any way.
    #[test]
    fn costs_grow_with_volume(queries in 1_u64..10_000_000, more in 1_u64..1_000_000, stay in 0_u64..80) {
        let costs = |queries: u64| {
            costs_of(&format!("queries_per_day = {queries}\nmust_stay_percent = {stay}")).scenarios
        };
        for (before, after) in costs(queries).iter().zip(costs(queries + more)) {
            prop_assert!(after.total_usd >= before.total_usd, "{:?}", before.way);
            prop_assert!(after.sets >= before.sets);
        }
    }

    /// Months add up, nothing is ever paid back, and years add up to the total.
    #[test]
    fn months_and_years_add_up(queries in 1_u64..1_000_000, hardware in 0_u64..1_000_000, running in 0_u64..100_000) {
        let costs = costs_of(&format!("queries_per_day = {queries}\nhardware_usd = {hardware}\nrunning_usd_per_year = {running}"));
        for scenario in &costs.scenarios {
            prop_assert!(scenario.cumulated_usd.is_sorted());
            prop_assert_eq!(scenario.cumulated_usd.len() as u64, MONTHS + 1);
            let sum: i64 = scenario.years_usd.iter().map(|usd| usd.micros()).sum();
            prop_assert_eq!(sum, scenario.total_usd.micros());
            prop_assert_eq!(scenario.cumulated_usd.last().copied(), Some(scenario.total_usd));
        }
    }

    /// Before the break-even month local is dearer; from the lasting one on it never is.
    #[test]
    fn the_break_even_month_is_where_the_lines_cross(queries in 1_u64..200_000, hardware in 0_u64..200_000, upgrade in 0_u64..100_000, year in 1_u64..=5) {
        let costs = costs_of(&format!("queries_per_day = {queries}\nhardware_usd = {hardware}\nupgrade = [{{year = {year}, usd = {upgrade}}}]"));
        let line = |way: Way| costs.scenarios.iter().find(|scenario| scenario.way == way).unwrap().cumulated_usd.clone();
        let (local, cloud) = (line(Way::Local), line(Way::Cloud));
        for month in 1..=MONTHS as usize {
            let behind = local[month] > cloud[month];
            if costs.break_even.month.is_none_or(|first| (month as u64) < first) {
                prop_assert!(behind, "month {}", month);
            }
            if costs.break_even.lasting_month.is_some_and(|lasting| month as u64 >= lasting) {
                prop_assert!(!behind, "month {}", month);
            }
        }
        prop_assert_eq!(costs.break_even.lasting_month.is_some(), costs.saving_usd >= Usd::ZERO);
    }

    /// The hybrid lies between what its parts would cost alone.
    #[test]
    fn what_leaves_and_what_stays_is_all(stay in 0_u64..=100, leaves in 0_u64..=100) {
        prop_assume!(stay + leaves <= 100);
        let costs = costs_of(&format!("queries_per_day = 50000\nmust_stay_percent = {stay}\ncloud_percent = {leaves}"));
        let hybrid = costs.scenarios.iter().find(|scenario| scenario.way == Way::Hybrid).unwrap();
        prop_assert_eq!(hybrid.cloud_percent, leaves);
        let machines = if leaves == 100 { 0 } else { 150_000 };
        prop_assert_eq!(hybrid.total_usd, usd(machines + 4_500 * leaves as i32));
    }

    /// No input at all makes it panic.
    #[test]
    fn any_figures_give_a_plan_or_an_error(
        queries in any::<i64>(), tokens in any::<i64>(), price in any::<f64>(), percent in any::<f64>(), year in any::<i64>(),
    ) {
        let source = format!(
            "queries_per_day = {queries}\ninput_tokens = {tokens}\ninput_usd_per_million = {price:?}\n\
             utilisation_percent = {percent:?}\nupgrade = [{{year = {year}, usd = 1}}]"
        );
        if let Ok(stated) = Stated::read(&source) {
            let _ = plan(&stated, None, None);
        }
    }
}
