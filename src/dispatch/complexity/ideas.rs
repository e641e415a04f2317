//! What a request speaks of that tells how much it asks of a model: kinds of task, of thought and of answer, each a list
//! of stems in the languages of the service. Data only. A stem is looked for at the start of a word and goes on as it
//! likes; `_` is a blank, also at its end, where the word must end. Stems of scripts that part no words stand anywhere.
//! The lists name whole families of a task; what each is worth is measured, not written here.

/// One idea: its name, which is a reason in answers and records, and its stems.
pub(super) struct Idea {
    pub(super) name: &'static str,
    pub(super) stems: &'static str,
}

const fn idea(name: &'static str, stems: &'static str) -> Idea {
    Idea { name, stems }
}

/// All of them; the order is that of [`super::features::NAMES`].
pub(super) const IDEAS: [Idea; 23] = [
    idea(
        "translation_asked",
        "translat übersetz traduc traduis traduz traduir vertaal przetłumacz tłumacz översätt oversæt oversett käännä přelož \
         tradu çevir переклади перевед 翻译 翻訳 英語に 번역",
    ),
    idea(
        "correction_asked",
        "spelling typo punctuat puncuat grammar korrigier rechtschreib corrig corrige ortograf corregg korrekt popraw oprav \
         rätta stavfel rett_ ret_ proofread capital_letters korjaa düzelt исправ 改正 校正",
    ),
    idea(
        "reformatting_asked",
        "rename replace uppercase lowercase title_case one_per_line reformat indent alphabetical sort_ comma-separated \
         turn_this_into turn_these put_this put_every put_these remove_all fill_in convert_ umwandel wandle convertis \
         convierte converti_ zet_om zamień omvandla gör_om paraphras rephrase reword formeller politely past_tense metti_ \
         ponlo mets_ formatier formatea",
    ),
    idea(
        "extraction_asked",
        "extract estrai extrahier extrae extrais extraia welche_nummer which_number tag_this tag_these classif klassifizier \
         ordne categor kategor clasific sentiment label_ due_date wyodrębnij extrahera udtræk hent_ 抽出 提取 分类 分類",
    ),
    idea(
        "brief_answer_asked",
        "one_word one_sentence one_line a_single_sentence in_a_sentence only_the just_the nothing_else no_explanation \
         without_explanation yes_or_no no_proof tl;dr answer_only output_only reply_with_the answer_with short_answer \
         nur_die nur_das nur_den nur_ein in_einem_satz ein_wort ohne_erklärung solo_el solo_la solo_il solo_lo \
         en_una_frase una_palabra en_une_phrase un_mot seulement uniquement in_una_frase una_parola só_o só_a apenas \
         em_uma_frase alleen_ in_één_zin tylko w_jednym_zdaniu bara_ i_en_mening kun_ endast vain_ jen_ doar_ sadece \
         一句话 只回答 一言で",
    ),
    idea(
        "fact_asked",
        "capital_of boiling_point melting_point stand_for stands_for what's_the who_is who_was who_wrote who_won when_was \
         when_did where_is how_many how_old how_tall what_does state_the opposite_of synonym shortcut_for spell_ \
         hauptstadt wie_viele wie_hoch wer_war wer_hat wann_war capitale capital_de combien_de qui_a quién cuántos cuántas \
         cuándo quanti_ quante_ chi_ha quantos quantas quem_ hoeveel wie_was ile_ kto_ hur_många vem_ hvor_mange hvem_ \
         kuinka_monta kuka_ kolik_ kdo_ câți câte cine_ kaç_ kim_ hangisi сколько кто_ 首都 几个 何人 いくつ",
    ),
    idea(
        "greeting",
        "hello hi_ hey_ thanks thank_you good_morning hallo danke bonjour merci hola gracias ciao grazie olá obrigad",
    ),
    idea(
        "writing_asked",
        "write draft compose schreib verfass entwirf_eine rédige écris escrib redact redig scriv skriv schrijf napisz escrev \
         kirjoita napiš scrie_ yaz_ e-mail email mail_an mail_aan letter cover_letter reply_to message minutes readme handout \
         haiku limerick poem memo brief_an newsletter press_release condense invitation speech rede_ discours discurso \
         напиши 写 書いて 작성",
    ),
    idea(
        "explanation_asked",
        "explain erklär erläuter expliqu explic explique spieg uitleg leg_uit wyjaśn förklar forklar selitä vysvětli \
         how_does how_do how_is why_is why_are wie_funktioniert warum pourquoi por_qué por_que perché waarom dlaczego varför \
         hvorfor miksi proč de_ce neden comment_fonctionne cómo_funciona como_funciona come_funziona hoe_werkt jak_działa \
         hur_fungerar hvordan difference unterschied différence diferencia differenza diferença verschil różnic describe \
         beschreib décri descri beschrijf opisz walk_me_through pros_and_cons what_speaks объясн почему 解释 为什么 説明 なぜ 설명",
    ),
    idea(
        "summary_asked",
        "summar zusammenfass fasse_ résum resum riassum samenvat vat_ podsumuj streszcz sammanfatt tiivistä shrň rezuma \
         özetle condense from_these from_this резюмир 总结 要約 요약",
    ),
    idea(
        "comparison_asked",
        "compar contrast vergleich vergelijk confront porówna jämför sammenlign vertaa srovnej karşılaştır vs_ versus сравни 比较 比較 비교",
    ),
    idea(
        "code_asked",
        "function funktion fonction función funzione função funkcj script sql query regex class_ endpoint openapi create_table \
         test_case unit_test dockerfile fizzbuzz bash powershell python javascript typescript rust_ golang java_ kotlin haskell \
         c++ implement programm method_ module_ parser api_ binary_search 写一个函数 関数 함수",
    ),
    idea(
        "arithmetic_asked",
        "solve löse calcul berechn bereken compute oblicz räkna_ut beregn laske vypočítej calculează hesapla percent per_cent \
         km/h litre liter gram_ kg_ m³ how_much how_many_grams price_ cost_ costs wie_viel combien cuánto quanto_ hoeveel_kost \
         вычисл реши 计算 計算 계산",
    ),
    idea(
        "proof_asked",
        "prove_ prove: proof beweis zeige zeig_ démontr prouve demuestr prueba demostr dimostra prove_que demonstr mostre \
         bewijs udowodni wykaż bevisa visa_att bevis todista dokaž demonstrează kanıtla show_that show_both argue_ justify \
         counterexample gegenbeispiel contre-exemple contraejemplo disprove necessary_and_sufficient if_and_only докажи доведи \
         证明 証明 증명",
    ),
    idea(
        "mathematics",
        "infinitely converg konverg diverge decidable unentscheidbar np-hard np-complete polynomial prime_ primes prim \
         premiers primos primi_ eigen upper_bound lower_bound asymptot isomorph graph_ graph planar theorem théorème teorema \
         twierdzeni satz_von lemma tournament torneo integer heltal ganzzahl equation gleichung ecuaci équation equazion \
         equilibri minimax probabilit wahrscheinlich expected_value oracle series reihe serie_ sequence recurrence \
         inequality topolog manifold markov stochast combinator induction irrational matrix matrices integral derivative \
         定理 方程 积分 微分 確率 概率",
    ),
    idea(
        "design_asked",
        "design architect entwirf konzipier concev conçois conçoi diseñ progett projete projeta ontwerp zaprojektuj utforma \
         udform utform suunnittele navrhni proiectează tasarla спроектир побуд threat_model trade-off tradeoff abwäg \
         phasing fasering migration_path zero-downtime zero_downtime without_downtime multi-region multi-tenant scalab \
         设计 設計 설계",
    ),
    idea(
        "systems",
        "concurren deadlock race_condition race_ races_ interleav linearizab consensus replicat shard exactly-once \
         exactly_once at-least-once idempot distributed verteilt lock-free lock_ locks mutex memory_order thread goroutine \
         pool_ p99 latency leak under_load crdt cache double_booking lost_update split-brain quorum event_sourc \
         back-pressure backpressure overflow undefined_behav volatile thread-dump atomic failover eventual backup \
         rate_limit await deadlock race_conditions concorren nebenläufig",
    ),
    idea(
        "diagnosis_asked",
        "diagnos differential could_it_be what_could which_tests root_cause ursache hypothes why_only why_would why_might \
         where_do_i_look separate_the how_it_can_happen how_can_it_happen find_how investigat rule_out no_deploy warum_hängt \
         debug fehlersuche postmortem what_is_wrong what's_wrong keeps_failing intermittent sporadisch",
    ),
    idea(
        "law_and_duty",
        "liable liability jurisdiction haft négligen negligen damages statute qualifie responsab tax_resid double_taxation \
         inherit heir erbe héritier herencia eredi entitle enforceab appeal breach wrongful rechtslage competence_of \
         contradiction ambigu legal_risk legal_position precedent clauses",
    ),
    idea(
        "planning_asked",
        "rota_ roster none_exists no_existe keine_gibt n'existe allocate fair_ fairly verteil aufteil repartir répart ripart \
         distribu fördel fordel assign_each satisfy conflict contradict incompatib incentive coalition stable game_ negotiat \
         verhandl négoci mechanism mécanisme mecanismo auction strateg optim minimis minimiz maximis maximiz bottleneck \
         constraint feud seat_ timetable calendario calendrier stundenplan harmonogram timeplan",
    ),
    idea(
        "research_asked",
        "synthes evidence causal confound randomis randomiz identif methodolog bias effect_size meta-analys falsif critiq \
         kritisier assess evaluat beurteil bewert évalu evalúa avali oceń bedöm vurder arvioi stakeholder weigh_ abwäg policy \
         philosoph ethic conscious paradox analys analyz analiz anális análise 分析 评估 評価 분석 анализ proanaliz",
    ),
    idea(
        "long_work_asked",
        "novel_ screenplay first_act radio_play -chapter chapters unreliable_narrator story_arc worldbuild saga_ libretto \
         act_of complete_story dissertation thesis_ white_paper whitepaper roman_in drehbuch scénario guion sceneggiatura",
    ),
    idea(
        "reasoning_asked",
        "model_the model_this set_up_the_equations simulate estimate_how derive deriv_ herleit back_of_the_envelope resonera \
         begründe justifica justifie raciocín razona ragiona uzasadnij motivera perustele odůvodni gerekçe обоснуй assumption \
         assume angenommen supposons suponiendo failure_mode edge_case adversar game_theor work_it_out each_deduction \
         implication consequence auswirkung conséquence consecuencia what_breaks which_of_the_steps step_by_step \
         schritt_für_schritt étape_par_étape paso_a_paso passo_a_passo stap_voor_stap krok_po_kroku 推理 逐步",
    ),
];
