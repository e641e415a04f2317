//! The formula, the judge over whole and streamed answers, and the fit.

use proptest::prelude::*;

use super::*;
use crate::dispatch::provider::{Finish, TokenScore};

/// Weights that do not change with the defaults.
fn measure() -> Measure {
    let usual = Features { mean: -0.5, window: -1.5, margins: 0.2 };
    let weights = Weights { bias: 0.0, mean: 1.0, window: 1.0, margins: -1.0, usual };
    Measure { weights, threshold: 0.4, early_threshold: 0.4 }
}

fn tokens(scores: &[(f32, f32)]) -> Piece {
    Piece::Tokens(
        scores.iter().map(|(logprob, margin)| TokenScore { logprob: *logprob, margin: Some(*margin) }).collect(),
    )
}

fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

fn judged(pieces: &[Piece], ending: Ending) -> Confidence {
    let mut judge = Judge::default();
    pieces.iter().for_each(|piece| judge.take(piece));
    judge.assess(&measure(), ending)
}

#[test]
fn sure_answers_score_higher_than_unsure_ones() {
    let sure = judged(&[tokens(&[(-0.01, 6.0); 12]), text("The capital of France is Paris.")], Ending::Whole);
    let unsure = judged(&[tokens(&[(-2.5, 0.1); 12]), text("The capital of Bhutan is Lhasa.")], Ending::Whole);
    assert!(sure.millionths > unsure.millionths, "{sure:?} {unsure:?}");
    assert!(!sure.low && sure.reasons.is_empty(), "{sure:?}");
    assert!(unsure.low, "{unsure:?}");
    assert!(unsure.reasons.iter().all(|reason| reason.starts_with("low_")) && !unsure.reasons.is_empty());
    assert_eq!(sure.signals, ["log_probabilities", "refusal", "repetition", "ending"]);
}

#[test]
fn one_improbable_stretch_among_many_sure_tokens_is_seen() {
    let mut scores = vec![(-0.01, 5.0); 60];
    let whole = judged(&[tokens(&scores), text("fine")], Ending::Whole);
    scores.splice(30..34, [(-4.0, 0.0); 4]);
    let dented = judged(&[tokens(&scores), text("fine")], Ending::Whole);
    assert!(dented.millionths < whole.millionths);
}

#[test]
fn flaws_are_low_whatever_the_probabilities() {
    let sure = tokens(&[(-0.01, 6.0); 12]);
    let cases: [(&str, Ending, &str); 5] = [
        ("", Ending::Whole, "empty"),
        (" \n", Ending::Whole, "empty"),
        ("I'm sorry, but I can't help with that.", Ending::Whole, "refusal"),
        ("A fine answer", Ending::CutOff, "cut_off"),
        ("A fine answer", Ending::Withheld, "refusal"),
    ];
    for (answer, ending, flaw) in cases {
        let confidence = judged(&[sure.clone(), text(answer)], ending);
        assert!(confidence.low && confidence.reasons == [flaw], "{answer:?}: {confidence:?}");
    }
    let circles = judged(&[sure, text(&"and then the same thing ".repeat(20))], Ending::Whole);
    assert_eq!(circles.reasons, ["repetition"]);
}

#[test]
fn without_probabilities_only_flaws_count_and_it_says_so() {
    let plain = judged(&[text("The capital of France is Paris.")], Ending::Whole);
    assert_eq!((plain.millionths, plain.low), (500_000, false));
    assert_eq!(plain.signals, ["refusal", "repetition", "ending"]);
    let refused = judged(&[text("I cannot answer that.")], Ending::Whole);
    assert_eq!((refused.millionths, refused.low), (250_000, true));
}

#[test]
fn an_answer_that_is_still_written_is_not_empty_yet() {
    let confidence = judged(&[], Ending::Open);
    assert!(confidence.early && !confidence.low && !confidence.signals.contains(&"ending"), "{confidence:?}");
}

#[test]
fn a_limit_of_the_caller_cuts_nothing_off() {
    let of = |tokens, limit| Ending::of(FinishReason::Length, tokens, limit);
    assert_eq!(of(24, Some(24)), Ending::Whole);
    assert_eq!(of(0, Some(24)), Ending::Whole, "the backend does not count");
    assert_eq!(of(20, Some(24)), Ending::CutOff, "the context was full before");
    assert_eq!(of(24, None), Ending::CutOff);
    assert_eq!(Ending::of(FinishReason::ContentFilter, 3, None), Ending::Withheld);
    assert_eq!(Ending::of(FinishReason::Stop, 3, None), Ending::Whole);
}

#[test]
fn nothing_shows_the_answer() {
    let mut judge = Judge::default();
    judge.take(&text("canary-55e1"));
    assert!(!format!("{judge:?}").contains("canary"));
}

fn piece() -> impl Strategy<Value = Piece> {
    let scores = prop::collection::vec((-25.0_f32..0.5, -3.0_f32..10.0), 1..6);
    prop_oneof![
        "[a-z .!?\\n]{0,40}|I cannot help you|Es tut mir leid|the same again and "
            .prop_map(|words| Piece::Text(words.into())),
        scores.prop_map(|scores| Piece::Tokens(
            scores
                .iter()
                .filter_map(|(logprob, other)| TokenScore::new(f64::from(*logprob), Some(f64::from(*other))))
                .collect()
        )),
    ]
}

proptest! {
    #[test]
    fn a_score_is_a_share(pieces in prop::collection::vec(piece(), 0..30), end in 0..4) {
        let ending = [Ending::Open, Ending::Whole, Ending::CutOff, Ending::Withheld][end as usize];
        let confidence = judged(&pieces, ending);
        prop_assert!(confidence.millionths <= 1_000_000);
        prop_assert!(confidence.low || confidence.reasons.is_empty());
        prop_assert!(!confidence.low || !confidence.reasons.is_empty());
    }

    #[test]
    fn how_an_answer_is_cut_changes_nothing(pieces in prop::collection::vec(piece(), 0..30), seed in 0_usize..7) {
        let mut cut = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => {
                    let characters: Vec<char> = text.expose().chars().collect();
                    cut.extend(characters.chunks(seed + 1).map(|part| Piece::Text(part.iter().collect::<String>().into())));
                }
                Piece::Tokens(scores) => cut.extend(scores.chunks(seed + 1).map(|part| Piece::Tokens(part.to_vec()))),
                Piece::ToolCall(_) | Piece::Vectors(_) | Piece::Finish(_) => {}
            }
        }
        let (mut whole, mut streamed) = (Judge::default(), Judge::default());
        pieces.iter().for_each(|piece| whole.take(piece));
        for piece in &cut {
            streamed.take(piece);
            // To judge in between changes nothing either.
            let _ = streamed.assess(&measure(), Ending::Open);
        }
        streamed.take(&Piece::Finish(Finish {
            reason: FinishReason::Stop,
            input_tokens: 1,
            output_tokens: 1,
            cached_input_tokens: 0,
        }));
        for ending in [Ending::Open, Ending::Whole] {
            prop_assert_eq!(whole.assess(&measure(), ending), streamed.assess(&measure(), ending));
        }
    }
}

fn observed(number: usize, mean: f64, accepted: bool) -> Observed {
    let features = Features { mean, window: mean * 2.0, margins: -mean / 4.0 };
    Observed { id: format!("p{number}"), features: Some(features), early: Some(features), flaws: Vec::new(), accepted }
}

#[test]
fn what_can_be_told_is_learnt() {
    let answers: Vec<_> =
        (0..80).map(|n| observed(n, if n % 2 == 0 { -0.2 } else { -1.5 } - n as f64 / 400.0, n % 2 == 0)).collect();
    let fitted = fit(&answers, Pick::Share(0.5));
    assert_eq!((fitted.auc, fitted.auc_held_out, fitted.auc_early), (Some(1.0), Some(1.0), Some(1.0)));
    assert!(fitted.measure.weights.are_sound());
    let Picked { escalated, accepted_escalated, others_escalated, kept_accepted } = fitted.picked;
    assert_eq!((escalated, accepted_escalated, others_escalated, kept_accepted), (0.5, 0.0, 1.0, 1.0));
    assert_eq!(fit(&answers, Pick::Share(0.5)).measure, fitted.measure, "the same each time");
    assert!(fit(&answers, Pick::Share(0.1)).picked.escalated <= 0.1);
    assert!(fit(&answers, Pick::Accept(0.9)).picked.kept_accepted >= 0.9);
    let dear = fit(&answers, Pick::Cost { strong: 0.9, cost: 1.0 });
    assert_eq!(dear.picked.escalated, 0.0);
    assert_eq!(fit(&answers, Pick::Cost { strong: 0.9, cost: 0.1 }).picked.escalated, 0.5);
}

#[test]
fn no_weight_goes_against_its_meaning() {
    let answers: Vec<_> = (0..60).map(|n| observed(n, if n % 2 == 0 { -1.5 } else { -0.2 }, n % 2 == 0)).collect();
    let weights = fit(&answers, Pick::Share(0.2)).measure.weights;
    assert!(weights.are_sound(), "{weights:?}");
    assert_eq!((weights.mean, weights.window, weights.margins), (0.0, 0.0, 0.0));
}

#[test]
fn no_answers_give_a_measure_that_escalates_nothing_but_flaws() {
    let fitted = fit(&[], Pick::Share(0.2));
    assert_eq!((fitted.measure.threshold, fitted.auc), (0.0, None));
    assert!(fitted.measure.weights.are_sound());
}
