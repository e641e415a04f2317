//! `--corpus`: the texts of a file under both policies, with the real detectors.

use std::path::Path;
use std::sync::Arc;

use indicatif::ProgressBar;

use crate::detect::{Catalog, Rules};
use crate::policy::Policy;
use crate::replay::{CorpusText, compare, said};
use crate::startup;

use super::{Arguments, Common, Failure, base, policy, print};

pub(super) fn written(common: &Common, arguments: &Arguments, tried: &Path, corpus: &Path) -> Result<Vec<u8>, Failure> {
    let texts = CorpusText::read(corpus)?;
    let mut config = base(common)?;
    if let Some(against) = &arguments.against {
        config.policy = Some(against.clone());
    }
    let embedded = Catalog::embedded()?;
    // What is wrong with a policy is said before the model is loaded.
    let new = policy(tried, &embedded)?;
    if let Some(against) = &arguments.against {
        policy(against, &embedded)?;
    }
    let runtime = super::super::runtime()?;
    let classifier = Arc::new(startup::classifier(&config)?);
    let progress = ProgressBar::new(texts.len() as u64 * 2);
    let summary = runtime.block_on(async {
        let step = || progress.inc(1);
        let before = said(&classifier, &texts, &step).await;
        // The model's findings are kept, so the second time costs the rules alone.
        put_into_force(&classifier, &embedded, new)?;
        let after = said(&classifier, &texts, &step).await;
        classifier.shutdown().await;
        Ok::<_, Failure>(compare(&texts, before, after, arguments.show_text))
    })?;
    progress.finish_and_clear();
    if arguments.json {
        return Ok([serde_json::to_vec(&summary)?, b"\n".to_vec()].concat());
    }
    Ok(print::corpus(&summary).into_bytes())
}

fn put_into_force(classifier: &crate::classify::Classifier, embedded: &Catalog, policy: Policy) -> Result<(), Failure> {
    let catalog = startup::catalog(embedded, &policy)?;
    let rules = Rules::build(&catalog)?;
    classifier.replace(catalog, rules, policy);
    Ok(())
}
