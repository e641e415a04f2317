//! The words that ask for thought, in the languages of the service, found in one pass. A word with `*` stands for all
//! that begin with it, `_` for a space. Chinese and Japanese put no space between words and Korean joins particles to
//! them, so words of those scripts match anywhere.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// How many different words of each sort were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    seen: u128,
    /// Ask for analysis, proof, design, comparison.
    pub(super) demanding: usize,
    /// Ask for an explanation, a summary, a reason.
    pub(super) explaining: usize,
    /// Ask for steps or a plan.
    pub(super) stepwise: usize,
    /// Ask for a long answer.
    pub(super) lengthy: usize,
    /// Speak of programming.
    pub(super) programming: usize,
    /// Speak of mathematics.
    pub(super) mathematical: usize,
    /// Bind the answer; counted each time.
    pub(super) constraints: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Demanding,
    Explaining,
    Stepwise,
    Lengthy,
    Programming,
    Mathematical,
    Constraint,
}

/// One line is one idea: its words count once together, whatever their language.
const IDEAS: &[(Sort, &str)] = &[
    (Sort::Demanding, "analy* analiz* anális* análise* анализ* проанализ* przeanaliz* 分析 분석*"),
    (Sort::Demanding, "compar* contrast* vergleich* vergelijk* confront* porówna* сравни* 比较 比較 비교*"),
    (
        Sort::Demanding,
        "evaluat* assess* apprais* bewert* beurteil* évalu* evalu* valuta* avali* beoorde* oceń* оцени* 评估 評価 평가*",
    ),
    (
        Sort::Demanding,
        "prove proof prov beweis* démontr* demuestr* demostra* dimostra* demonstr* bewijs* udowodni* докажи* 证明 証明 증명*",
    ),
    (Sort::Demanding, "deriv* herleit* dedu* infer* abgeleit* wyprowadź* выведи* 推导 導出"),
    (
        Sort::Demanding,
        "design* architect* entwirf* entwerf* konzipier* concev* conçois diseñ* progett* projet* ontwerp* zaprojekt* спроектир* 设计 設計 설계*",
    ),
    (
        Sort::Demanding,
        "critiqu* criticis* criticiz* kritisier* kritik* critiquer critica* bekritiseer* раскритик* 批判 批评",
    ),
    (Sort::Demanding, "optimi* refactor* debug* optymaliz* оптимиз* 优化 最適化 최적화*"),
    (Sort::Demanding, "negotiat* strateg* verhandl* négoci* negoci* strateeg* стратег* 战略 戦略 전략*"),
    (
        Sort::Demanding,
        "trade-off* tradeoff* pros_and_cons abwäg* vor-_und_nachteil* avantages_et_inconvénients ventajas_y_desventajas vantaggi_e_svantaggi voor-_en_nadelen 利弊 長所と短所",
    ),
    (
        Sort::Demanding,
        "implication* ramification* consequence* root_cause* ursache* auswirkung* conséquence* consecuencia* implicaz* 影响 影響",
    ),
    (
        Sort::Demanding,
        "review* audit* überprüf* prüfe prüfen examin* untersuch* revis* esamin* onderzoek* beoordeel* проверь* 审查 審査 검토*",
    ),
    (Sort::Demanding, "synthesi* reconcil* investigat* diagnos* interpret* hypothes* forecast* prognos* 总结分析 仮説"),
    (
        Sort::Explaining,
        "explain* erklär* erläuter* expliqu* explic* spieg* uitleg* leg_uit wyjaśni* объясн* 解释 説明 설명*",
    ),
    (
        Sort::Explaining,
        "summari* zusammenfass* fasse résum* resum* riassum* samenvat* podsumuj* резюмир* 总结 要約 요약*",
    ),
    (Sort::Explaining, "why warum wieso pourquoi por_qué perché waarom dlaczego почему 为什么 なぜ 왜"),
    (Sort::Explaining, "describe* beschreib* décri* descri* beschrijf* opisz* опиши* 描述"),
    (
        Sort::Explaining,
        "write schreib* écri* escrib* scriv* escrev* schrijf* napisz* напиши* draft* compose* 写 書いて 작성*",
    ),
    (
        Sort::Explaining,
        "classify* categori* extract* rewrite* rephrase* umformulier* reformul* klassifizier* extrahier*",
    ),
    (
        Sort::Stepwise,
        "step_by_step step-by-step schritt_für_schritt étape_par_étape pas_à_pas paso_a_paso passo_dopo_passo passo_a_passo stap_voor_stap krok_po_kroku шаг_за_шагом пошагов* 一步一步 逐步 ステップ 단계별*",
    ),
    (
        Sort::Stepwise,
        "migration_plan project_plan action_plan roadmap* projektplan* massnahmenplan* maßnahmenplan* plan_d'action plan_de_acción piano_d'azione",
    ),
    (
        Sort::Lengthy,
        "in_detail detailed comprehensive* thorough* in-depth exhaustiv* ausführlich* detailliert* umfassend* détaill* detallad* dettagliat* detalhad* uitgebreid* szczegółow* подробн* 详细 詳しく 자세히",
    ),
    (
        Sort::Lengthy,
        "essay* report* whitepaper* white_paper* aufsatz bericht* dissertation* ensayo* saggio* rapport* raport* эссе отчёт* 论文 レポート 보고서*",
    ),
    (
        Sort::Programming,
        "algorithm* algorithmus algorithmen algorithme* algoritm* алгоритм* 算法 アルゴリズム 알고리즘*",
    ),
    (Sort::Programming, "python javascript typescript rust golang kotlin sql regex compiler* c++ haskell bash"),
    (
        Sort::Programming,
        "unit_test* stack_trace* data_structure* database_schema* concurren* thread-safe multithread* distributed_system* api_endpoint*",
    ),
    (
        Sort::Programming,
        "implement* programmier* programme_une implémente* implementa* implementier* implementeer* zaimplement* реализуй* 实现 実装 구현*",
    ),
    (
        Sort::Mathematical,
        "integral* derivative* differential_equation* eigenvalue* eigenvector* matrix matrices matriz* theorem* satz_von théorème* teorem* lemma ableitung* gleichung* équation* ecuación* equazion* уравнени* интеграл* 积分 微分 方程 定理",
    ),
    (
        Sort::Mathematical,
        "probability wahrscheinlichkeit* probabilité* probabilidad* probabilit* standard_deviation variance regression bayes* вероятност* 概率 確率 확률*",
    ),
    (
        Sort::Mathematical,
        "\\frac* \\sum* \\int* \\sqrt* \\begin* calculate* compute* solve* berechn* löse calcul* résou* resuelv* resolv* risolv* bereken* oblicz* вычисл* реши* 计算 計算 계산*",
    ),
    (Sort::Constraint, "must muss müssen doit doivent debe deben deve devono moet musi должен должна 必须 なければ"),
    (
        Sort::Constraint,
        "at_most at_least no_more_than no_less_than exactly mindestens höchstens genau au_moins au_plus exactement al_menos como_máximo exactamente almeno al_massimo minstens hoogstens не_менее не_более 至少 最多",
    ),
    (Sort::Constraint, "without ohne sans sin_usar senza zonder bez без 不要 不得"),
    (
        Sort::Constraint,
        "should_not must_not do_not don't avoid ensure make_sure darf_nicht vermeide* stelle_sicher éviter assure-toi evita* assicur* vermijd* unikaj* избегай*",
    ),
    (
        Sort::Constraint,
        "given_that assuming assume such_that subject_to angenommen supposons suponiendo supponendo zakładając предположим 假设",
    ),
];

struct Word {
    idea: usize,
    sort: Sort,
    /// More letters may follow.
    open: bool,
    /// Its script does not part words, so nothing is asked of its neighbours.
    anywhere: bool,
}

struct Dictionary {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

// A dictionary that could not be built would find nothing; a test builds it.
static DICTIONARY: LazyLock<Option<Dictionary>> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut words = Vec::new();
    for (idea, (sort, line)) in IDEAS.iter().enumerate() {
        for word in line.split(' ') {
            let (stem, open) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
            words.push(Word { idea, sort: *sort, open, anywhere: stem.chars().any(parts_no_words) });
            patterns.push(stem.replace('_', " "));
        }
    }
    Some(Dictionary { automaton: AhoCorasick::new(&patterns).ok()?, words })
});

/// Han, kana and hangul.
fn parts_no_words(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

impl Found {
    /// Counts the words of a text. Linear: each position is looked at once, and few words end at the same place.
    pub(super) fn read(&mut self, text: &str) {
        let Some(dictionary) = DICTIONARY.as_ref() else { return };
        let text = text.to_lowercase();
        let letter_before =
            |at: usize| text.get(..at).and_then(|head| head.chars().next_back()).is_some_and(char::is_alphanumeric);
        let letter_after =
            |at: usize| text.get(at..).and_then(|tail| tail.chars().next()).is_some_and(char::is_alphanumeric);
        for found in dictionary.automaton.find_overlapping_iter(&text) {
            let Some(word) = dictionary.words.get(found.pattern().as_usize()) else { continue };
            if !word.anywhere && (letter_before(found.start()) || (!word.open && letter_after(found.end()))) {
                continue;
            }
            self.count(word);
        }
    }

    fn count(&mut self, word: &Word) {
        let bit = 1_u128 << (word.idea % 128);
        let new = self.seen & bit == 0;
        self.seen |= bit;
        let counter = match word.sort {
            Sort::Constraint => {
                self.constraints += 1;
                return;
            }
            Sort::Demanding => &mut self.demanding,
            Sort::Explaining => &mut self.explaining,
            Sort::Stepwise => &mut self.stepwise,
            Sort::Lengthy => &mut self.lengthy,
            Sort::Programming => &mut self.programming,
            Sort::Mathematical => &mut self.mathematical,
        };
        *counter += usize::from(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        let mut found = Found::default();
        found.read(text);
        found
    }

    #[test]
    fn the_dictionary_builds_and_its_ideas_fit_the_set() {
        assert!(DICTIONARY.is_some());
        assert!(IDEAS.len() <= 128);
        for (_, line) in IDEAS {
            assert!(line.split(' ').all(|word| !word.trim_end_matches('*').is_empty()), "{line}");
            assert_eq!(*line, line.to_lowercase(), "the text is lowered too");
        }
    }

    #[test]
    fn words_end_where_they_must() {
        assert_eq!(found("Analyse and ANALYZE it").demanding, 1, "one idea");
        assert_eq!(found("Überprüfe und vergleiche").demanding, 2);
        assert_eq!(found("paralyse").demanding, 0, "inside a word");
        assert_eq!(found("mustard").constraints, 0, "a closed word");
        assert_eq!(found("It must. It must!").constraints, 2);
        assert_eq!(found("请分析这份合同").demanding, 1, "no spaces");
        assert_eq!(found("step-by-step, Schritt für Schritt").stepwise, 1);
    }
}
