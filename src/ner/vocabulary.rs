//! Tokenizer and settings of a model: what is needed beside the graph. Tokens point into the text that they came from,
//! in bytes, on character boundaries, whatever the tokenizer's own normalisation did to it.

use std::ops::Range;

use tokenizers::Tokenizer;

use super::assets::{ModelFile, ModelFiles};
use super::model_config::{ModelConfig, Own, USUAL_POSITIONS};
use super::words::{extends, unspaced};
use super::{NerError, Sequence};

/// Tokens of one text, without special tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// What the model reads.
    pub(super) ids: Vec<u32>,
    /// Bytes of the text, one range for each id.
    pub(super) ranges: Vec<Range<usize>>,
}

/// Tokenizer and settings of a model.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokenizer: Tokenizer,
    labels: Vec<String>,
    own: Option<Own>,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
    max_tokens: usize,
    digest: blake3::Hash,
}

/// RoBERTa and its kin count positions from 2.
const RESERVED_POSITIONS: usize = 2;

impl Vocabulary {
    /// Reads `config.json` and `tokenizer.json`.
    pub(super) fn load(files: &ModelFiles) -> Result<Self, NerError> {
        let (config, tokenizer) = (&files.config, &files.tokenizer);
        let damaged = |what, file: &ModelFile, why: String| NerError::Damaged { what, path: file.path.clone(), why };
        let parsed =
            ModelConfig::parse(&config.bytes).map_err(|why| damaged("the ner model's config.json", config, why))?;
        let loaded = Tokenizer::from_bytes(&tokenizer.bytes)
            .map_err(|error| damaged("the ner model's tokenizer.json", tokenizer, error.to_string()))?;
        let mut vocabulary = Self::new(loaded, parsed)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(blake3::hash(&config.bytes).as_bytes()).update(blake3::hash(&tokenizer.bytes).as_bytes());
        vocabulary.digest = hasher.finalize();
        Ok(vocabulary)
    }

    /// A vocabulary of these words, lower-cased, for models that tests inject. Word `n` has the id `n + 3`; 0 is any
    /// other word, 1 and 2 open and close a sequence.
    ///
    /// # Errors
    /// [`NerError::Model`] when the words are not a vocabulary, such as a word twice.
    pub fn of_words(words: &[&str], labels: &[&str]) -> Result<Self, NerError> {
        let special = ["[UNK]", "[CLS]", "[SEP]"];
        let vocab: serde_json::Map<String, serde_json::Value> =
            special.iter().chain(words).enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
        if vocab.len() != words.len() + special.len() {
            return Err(NerError::Model("a word of the vocabulary is there twice".into()));
        }
        let added = |id: u32, content: &str| {
            serde_json::json!({ "id": id, "content": content, "special": true, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false })
        };
        let file = serde_json::json!({
            "version": "1.0",
            "added_tokens": [added(0, "[UNK]"), added(1, "[CLS]"), added(2, "[SEP]")],
            "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1] },
            "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]" },
        });
        let tokenizer = Tokenizer::from_bytes(file.to_string()).map_err(|error| NerError::Model(error.to_string()))?;
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self::new(tokenizer, ModelConfig { labels, positions: USUAL_POSITIONS, own: None })
    }

    /// The same with a table `cordon`, in JSON, as a `config.json` may have it.
    ///
    /// # Errors
    /// [`NerError::Model`] names the key that is wrong.
    pub fn with_cordon(mut self, table: &str) -> Result<Self, NerError> {
        let own: Own = serde_json::from_str(table).map_err(|error| NerError::Model(error.to_string()))?;
        own.check(&self.labels).map_err(NerError::Model)?;
        self.own = Some(own);
        Ok(self)
    }

    fn new(mut tokenizer: Tokenizer, config: ModelConfig) -> Result<Self, NerError> {
        let ModelConfig { labels, positions, own } = config;
        let model = |error: tokenizers::Error| NerError::Model(error.to_string());
        // A tokenizer file may cut long input; that would be a hole in the scan.
        tokenizer.with_truncation(None).map_err(model)?;
        tokenizer.with_padding(None);
        // `[SEP]` written in a text is text.
        tokenizer.set_encode_special_tokens(true);
        let probe = tokenizer.encode("a", true).map_err(model)?;
        let special = |bit: &&(&u32, &u32)| *bit.1 == 1;
        let marked: Vec<(&u32, &u32)> = probe.get_ids().iter().zip(probe.get_special_tokens_mask()).collect();
        let prefix: Vec<u32> = marked.iter().take_while(special).map(|(id, _)| **id).collect();
        let mut suffix: Vec<u32> = marked.iter().rev().take_while(special).map(|(id, _)| **id).collect();
        suffix.reverse();
        let wrapping = prefix.len() + suffix.len();
        let max_tokens = positions.saturating_sub(RESERVED_POSITIONS + wrapping);
        if max_tokens == 0 {
            return Err(NerError::Model("it has no positions left for text".into()));
        }
        Ok(Self { tokenizer, labels, own, prefix, suffix, max_tokens, digest: blake3::hash(&[]) })
    }

    /// Labels by column.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What the model says of itself.
    pub(super) fn own(&self) -> Option<&Own> {
        self.own.as_ref()
    }

    /// Tokens of text that fit one sequence of the model.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Digest of the files that it was read from.
    pub(super) fn digest(&self) -> blake3::Hash {
        self.digest
    }

    /// Special tokens before the text.
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.len()
    }

    /// The sequence that the model reads for these tokens.
    pub(super) fn wrap(&self, ids: &[u32], shapes: &[u8]) -> Sequence {
        let (before, after) = (self.prefix.len(), self.suffix.len());
        Sequence {
            ids: [&self.prefix, ids, &self.suffix].concat(),
            shapes: [&vec![0; before], shapes, &vec![0; after]].concat(),
        }
    }

    /// Tokens of a text. `None` if the tokenizer fails.
    pub(super) fn tokens(&self, text: &str) -> Option<Tokens> {
        let mut tokens = Tokens::default();
        for piece in pieces(text) {
            let part = text.get(piece.clone())?;
            let encoding = self.tokenizer.encode(part, false).ok()?;
            tokens.ids.extend_from_slice(encoding.get_ids());
            let ranges = encoding.get_offsets().iter().map(|(start, end)| snap(part, *start, *end));
            tokens.ranges.extend(ranges.map(|range| piece.start + range.start..piece.start + range.end));
        }
        (tokens.ids.len() == tokens.ranges.len()).then_some(tokens)
    }
}

/// WordPiece reads a longer word as one unknown token (`max_input_chars_per_word` is 100 in every BERT): it would be
/// counted as scanned and never be seen. Some room is left for characters that normalisation makes two of.
const LONGEST_WORD: usize = 90;

/// The text in pieces, cut inside words that are too long for the tokenizer and nowhere else.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let (mut pieces, mut start, mut length) = (Vec::with_capacity(1), 0, 0_usize);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() || c.is_ascii_punctuation() || unspaced(c) {
            length = 0;
            continue;
        }
        if length >= LONGEST_WORD && !extends(c) {
            pieces.push(start..at);
            (start, length) = (at, 0);
        }
        length += 1;
    }
    pieces.push(start..text.len());
    pieces
}

/// The range, widened to character boundaries and kept inside the text. Byte-level tokenizers split characters.
fn snap(text: &str, start: usize, end: usize) -> Range<usize> {
    let start = text.floor_char_boundary(start.min(text.len()));
    let end = text.ceil_char_boundary(end.min(text.len()));
    start..end.max(start)
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_too_long_is_seen_in_pieces() {
        let vocabulary = Vocabulary::of_words(&["anna"], &["O", "PER"]).unwrap();
        for letter in ["x", "é", "e\u{301}", "🙂"] {
            let text = format!("so {} anna", letter.repeat(400));
            let tokens = vocabulary.tokens(&text).unwrap();
            assert!(tokens.ids.len() > 5, "{letter}: {}", tokens.ids.len());
            let long = tokens.ranges.iter().map(|range| text[range.clone()].chars().count()).max().unwrap();
            assert!(long <= 100, "{letter}: {long}");
            assert_eq!(&text[tokens.ranges.last().unwrap().clone()], "anna");
        }
        assert_eq!(pieces("short words only").len(), 1);
    }

    #[test]
    fn words_have_ids_and_ranges_of_the_original() {
        let vocabulary = Vocabulary::of_words(&["jose", "müller"], &["O", "B-PER"]).unwrap();
        let text = "José\u{200b} [SEP] ＪＯＳＥ\u{301}";
        let tokens = vocabulary.tokens(text).unwrap();
        assert_eq!(tokens.ids[0], 3);
        assert_eq!(&text[tokens.ranges[0].clone()], "José");
        assert!(!tokens.ids.contains(&2), "a special token that is written out is text");
        assert_eq!(vocabulary.wrap(&[3], &[7]), Sequence { ids: vec![1, 3, 2], shapes: vec![0, 7, 0] });
        assert!(Vocabulary::of_words(&["a", "a"], &["O"]).is_err());
    }

    proptest::proptest! {
        /// Whatever the normaliser does to accents, marks, Hangul, ideographs and control characters.
        #[test]
        fn tokens_point_into_the_text_in_order(text in "(?s)(.|\\PC|[가-힣]|[\u{300}-\u{36f}]|[一-龥]|[🙂👩‍👩‍👧ﬁİßﷺ]){0,80}") {
            let vocabulary = Vocabulary::of_words(&["a", "e"], &["O", "B-PER"]).unwrap();
            let tokens = vocabulary.tokens(&text).unwrap();
            let mut last = 0;
            for range in &tokens.ranges {
                assert!(text.get(range.clone()).is_some_and(|token| !token.is_empty()), "{range:?} in {text:?}");
                assert!(range.start >= last, "out of order in {text:?}");
                last = range.start;
            }
        }
    }
}
