//! Answers that begin with a refusal, or by saying that the model does not know, in the fifteen languages whose words the
//! project has. Only the beginning counts: further on, "I cannot" is part of a letter or a story. A phrase needs both the
//! negation and what an assistant would have done ("cannot help you", "kann diese Frage nicht beantworten"), so that
//! "I can't recommend this film enough" is an answer.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

/// Characters of the beginning that are looked at.
const BEGINNING: usize = 240;
/// Bytes of the compiled expression and of its cache.
const MOST_BYTES: usize = 8 << 20;

/// What one language says: words that open such an answer, each of which may be left out, then what makes it one.
struct Phrases {
    #[cfg_attr(not(test), allow(dead_code, reason = "tests name the language"))]
    language: &'static str,
    openers: &'static str,
    refusals: &'static str,
}

/// Up to four words in between.
const WORDS: &str = "(?:[^ ]+ ){0,4}";

/// `~` stands for [`WORDS`]. All is in small letters, with straight apostrophes and single spaces.
const PHRASES: [Phrases; 15] = [
    Phrases {
        language: "en",
        openers: "i(?:'m| am) (?:really |very |so |truly )?sorry|sorry|i apologi[sz]e|my apologies|unfortunately|regrettably|i(?:'m| am) afraid(?: that)?|as an? (?:ai|artificial intelligence|(?:large |ai )?language model|assistant)[^.,]{0,40}|i understand[^.,]{0,80}|thank you[^.,!]{0,60}",
        refusals: "i (?:can't|cannot|can not|couldn't|could not|won't|will not|am not able to|am unable to|am not allowed to|am not permitted to|don't feel comfortable|do not feel comfortable)(?: be able to)?(?: directly| really| currently)? (?:help (?:you|with)|helping|assist|answer (?:that|this|your|the)|provide (?:you|that|this|any|specific|information|an answer|assistance)|fulfil|comply|do that|do this|generate (?:that|this|such)|create (?:that|this|such)|write (?:that|this|such)|discuss|engage in|complete (?:that|this|your) (?:request|task)|access|browse|process (?:that|this|your)|continue with (?:that|this)|share (?:that|this) kind|give you (?:an answer|advice|information))|i'm (?:not able|unable|not allowed) to (?:help|assist|answer|provide|fulfil|comply|do that|generate|create|write|discuss|engage|complete|access|browse|process)|i (?:don't|do not) know(?: (?:the answer|that|what you|enough|anything))?(?:[.,!]|$| to )|i (?:don't|do not) (?:currently |actually )?have (?:any |enough |the |direct |real-time ){0,3}(?:access|information|data|knowledge|context|details)\\b|i (?:don't|do not) (?:quite |fully )?understand (?:the|your|this) (?:question|request)|i(?:'m| am) not (?:entirely |quite |completely |really )?sure (?:what|how|which|who|when|where|why|if|whether|i understand)|i have no (?:information|knowledge|data|idea)|i(?:'m| am) (?:just|only) an? (?:ai|(?:large |ai )?language model)",
    },
    Phrases {
        language: "de",
        openers: "es tut mir (?:sehr |wirklich )?leid|tut mir (?:sehr )?leid|leider|entschuldigung|entschuldige|entschuldigen sie|verzeihung|ich bedau(?:e)?re|als (?:ki|ki-[a-zäöü]+|sprachmodell|künstliche intelligenz)[^.,]{0,40}",
        refusals: "(?:ich (?:kann|darf)|(?:kann|darf) ich) ~(?:nicht|keine|keinen) ~(?:helfen|beantworten|weiterhelfen|unterstützen|erfüllen|bereitstellen|nachkommen|behilflich|auskunft)|(?:das )?weiß ich (?:leider )?nicht|ich weiß (?:es |das )?(?:leider )?nicht(?:[.,!]|$)|(?:ich habe|habe ich) (?:leider )?(?:keine|keinen) (?:informationen|zugriff|zugang|kenntnis|daten|angaben)|ich bin (?:mir )?(?:leider )?nicht sicher",
    },
    Phrases {
        language: "fr",
        openers: "je suis (?:vraiment |sincèrement )?désolée?|désolée?|je m'excuse|malheureusement|je regrette|en tant qu(?:'|e )(?:ia|intelligence artificielle|assistant|modèle)[^.,]{0,40}",
        refusals: "je ne (?:peux|puis|suis) (?:malheureusement )?(?:pas )?~(?:[a-z]')?(?:aider|répondre|fournir|assister|satisfaire|accéder|donner suite)|je ne sais pas(?:[.,!]|$)|je n'ai (?:pas|aucune?) ~(?:d')?(?:accès|informations?|connaissances?|données?)|je ne suis pas sûre?",
    },
    Phrases {
        language: "es",
        openers: "lo siento(?: mucho)?|disculpa|disculpe|perdón|perdona|lamentablemente|desafortunadamente|lamento[^.,]{0,40}|como (?:un )?(?:modelo de lenguaje|ia|inteligencia artificial|asistente)[^.,]{0,40}",
        refusals: "(?:yo )?no (?:puedo|podré|me es posible|estoy autorizad[oa]|estoy capacitad[oa]|soy capaz de) ~(?:ayudar|responder|asistir|proporcionar|cumplir con|ofrecer|acceder|contestar)(?:te|le|les|l[oa]s?)?\\b|no (?:lo )?sé(?:[.,!]|$)|no (?:tengo|dispongo de) (?:acceso|información|datos|conocimiento|suficiente)|no estoy segur[oa]",
    },
    Phrases {
        language: "it",
        openers: "mi dispiace(?: molto)?|spiacente|scusa|scusami|mi scuso|purtroppo|in quanto (?:ia|modello|assistente)[^.,]{0,40}|come (?:modello linguistico|ia|intelligenza artificiale|assistente)[^.,]{0,40}",
        refusals: "(?:io )?non (?:posso|sono in grado di|mi è possibile|sono autorizzat[oa] a) ~(?:aiutar|risponder|fornir|assister|soddisfar|acceder)(?:e|ti|la|le|vi|lo)\\b|non (?:lo )?so(?:[.,!]|$)|non (?:ho|dispongo di) (?:accesso|informazioni|dati|conoscenze?)|non sono sicur[oa]",
    },
    Phrases {
        language: "pt",
        openers: "(?:eu )?sinto muito|lamento|desculpe|desculpa|infelizmente|peço desculpas?|como (?:um )?(?:modelo de linguagem|ia|inteligência artificial|assistente)[^.,]{0,40}",
        refusals: "(?:eu )?não (?:posso|consigo|sou capaz de|estou autorizad[oa] a) ~(?:ajudar|ajudá-l[oa]|responder|fornecer|auxiliar|atender|cumprir|acessar|aceder)\\b|(?:eu )?não sei(?:[.,!]|$)|(?:eu )?não (?:tenho|disponho de) (?:acesso|informaç(?:ão|ões)|dados|conhecimento)|não tenho certeza",
    },
    Phrases {
        language: "nl",
        openers: "het spijt me|sorry|helaas|excuses|mijn excuses|als (?:een )?(?:ai|ai-[a-z]+|taalmodel)[^.,]{0,40}",
        refusals: "(?:ik (?:kan|mag)|(?:kan|mag) ik) ~(?:niet|geen) ~(?:helpen|beantwoorden|assisteren|voldoen|verstrekken|antwoorden)|(?:dat )?weet ik (?:helaas )?niet|ik weet (?:het )?niet(?:[.,!]|$)|(?:ik heb|heb ik) (?:helaas )?geen (?:toegang|informatie|gegevens|kennis)|ik weet niet zeker",
    },
    Phrases {
        language: "pl",
        openers: "przykro mi|przepraszam|niestety|jako (?:model językowy|sztuczna inteligencja|ai|asystent)[^.,]{0,40}",
        refusals: "nie (?:mogę|jestem w stanie|potrafię|wolno mi) ~(?:pomóc|odpowiedzieć|udzielić|spełnić|dostarczyć|zrealizować)|nie wiem(?:[.,!]|$)|nie (?:mam|posiadam) (?:dostępu|informacji|danych|wiedzy)|nie jestem pew(?:ien|na)",
    },
    Phrases {
        language: "sv",
        openers: "tyvärr|förlåt|jag beklagar|beklagar|jag är ledsen|som (?:en )?(?:ai|språkmodell|ai-[a-zåäö]+)[^.,]{0,40}",
        refusals: "(?:jag (?:kan|får)|(?:kan|får) jag) ~(?:inte|ingen|inga) ~(?:hjälpa|svara|besvara|tillhandahålla|bistå|uppfylla)|(?:det )?vet jag (?:tyvärr )?inte|jag vet (?:tyvärr )?inte(?:[.,!]|$)|(?:jag har|har jag) (?:tyvärr )?(?:ingen|inga|inte) (?:tillgång|information|uppgifter|kunskap)|jag är inte säker",
    },
    Phrases {
        language: "da",
        openers: "desværre|undskyld|jeg beklager|beklager|jeg er ked af det|som (?:en )?(?:ai|sprogmodel|ai-[a-zæøå]+)[^.,]{0,40}",
        refusals: "(?:jeg (?:kan|må)|(?:kan|må) jeg) ~(?:ikke|ingen) ~(?:hjælpe|svare|besvare|levere|bistå|opfylde)|(?:det )?ved jeg (?:desværre )?ikke|jeg ved (?:det )?(?:desværre )?ikke(?:[.,!]|$)|(?:jeg har|har jeg) (?:desværre )?(?:ingen|ikke) (?:adgang|information(?:er)?|oplysninger|viden)|jeg er ikke sikker",
    },
    Phrases {
        language: "no",
        openers: "dessverre|beklager|jeg beklager|unnskyld|jeg er lei meg|som (?:en )?(?:ai|ki|språkmodell|[ak]i-[a-zæøå]+)[^.,]{0,40}",
        refusals: "(?:jeg (?:kan|får)|(?:kan|får) jeg) ~(?:ikke|ingen) ~(?:hjelpe|svare|besvare|levere|bistå|oppfylle)|(?:det )?vet jeg (?:dessverre )?ikke|jeg vet (?:det )?(?:dessverre )?ikke(?:[.,!]|$)|(?:jeg har|har jeg) (?:dessverre )?(?:ingen|ikke) (?:tilgang|informasjon|opplysninger|kunnskap)|jeg er ikke sikker",
    },
    Phrases {
        language: "fi",
        openers: "valitettavasti|pahoittelen|pahoitteluni|anteeksi|olen pahoillani|(?:tekoälynä|kielimallina)[^.,]{0,40}",
        refusals: "(?:minä )?en (?:valitettavasti )?(?:voi|pysty|kykene|saa) ~(?:auttaa|auttamaan|vastata|vastaamaan|tarjota|tarjoamaan|toteuttaa|toteuttamaan)|en tiedä(?:[.,!]|$)|minulla ei ole (?:pääsyä|tietoa|tietoja)|en ole varma",
    },
    Phrases {
        language: "cs",
        openers: "omlouvám se|je mi líto|bohužel|promiňte|lituji|jako (?:jazykový model|umělá inteligence|ai|asistent)[^.,]{0,40}",
        refusals: "(?:[^ ]+ ){0,3}(?:nemohu|nemůžu|nejsem schopen|nejsem schopna|nedokážu|nesmím) ~(?:pomoci|pomoct|odpovědět|poskytnout|splnit|vyhovět|zodpovědět)|nevím(?:[.,!]|$)|nemám (?:přístup|informace|údaje|znalosti)|nejsem si jist[ýá]",
    },
    Phrases {
        language: "ro",
        openers: "îmi pare (?:foarte )?rău|ne pare rău|din păcate|scuze|mă scuzați|regret|ca (?:model lingvistic|model de limbaj|inteligență artificială|asistent)[^.,]{0,40}",
        refusals: "nu (?:vă |te |îți )?(?:pot|sunt capabilă? să|sunt în măsură să|am voie să) ~(?:ajuta|ajut|răspunde|răspund|oferi|ofer|furniza|furnizez|asista|îndeplini)|nu știu(?:[.,!]|$)|nu (?:am|dețin|dispun de) (?:acces|informații|date|cunoștințe)|nu sunt sigură?",
    },
    Phrases {
        language: "tr",
        openers: "üzgünüm|maalesef|özür dilerim|ne yazık ki|bir (?:yapay zeka|dil modeli)[^.,]{0,40}",
        refusals: "(?:[^ ]+ ){0,6}(?:yardımcı olamam|yardımcı olamıyorum|yardım edemem|yardım edemiyorum|cevap veremem|cevap veremiyorum|yanıt veremem|yanıt veremiyorum|yanıtlayamam|yanıtlayamıyorum|yerine getiremem|yerine getiremiyorum)|(?:bunu )?bilmiyorum(?:[.,!]|$)|(?:[^ ]+ ){0,5}(?:bilgim yok|bilgiye sahip değilim|erişimim yok)|emin değilim",
    },
];

/// `None` only if a phrase above is no expression; a test looks.
static REFUSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let languages: Vec<String> = PHRASES.iter().map(Phrases::expression).collect();
    let whole = format!("^(?:{})", languages.join("|"));
    RegexBuilder::new(&whole).size_limit(MOST_BYTES).dfa_size_limit(MOST_BYTES).build().ok()
});

impl Phrases {
    fn expression(&self) -> String {
        let but = "[,.!:;]* ?(?:but |however,? |aber |jedoch |doch |mais |cependant |pero |sin embargo |ma |mas |porém |maar |ale |men |mutta |dar |ancak |ama |that )?";
        let refusals = self.refusals.replace('~', WORDS);
        format!("(?:(?:{}){but}){{0,3}}(?:{refusals})", self.openers)
    }
}

/// The beginning of an answer, in small letters, with single spaces and no marks before its first letter.
#[derive(Clone, Default)]
pub(super) struct Beginning {
    text: String,
    characters: usize,
}

impl Beginning {
    pub(super) fn take(&mut self, text: &str) {
        for character in text.chars() {
            if self.characters >= BEGINNING {
                return;
            }
            match character {
                // What may stand around an answer: a quotation mark, a heading, an emoji.
                _ if self.text.is_empty() && !character.is_alphanumeric() => {}
                _ if character.is_whitespace() => {
                    if !self.text.ends_with(' ') {
                        self.push(' ');
                    }
                }
                '\u{2018}' | '\u{2019}' | '\u{02bc}' => self.push('\''),
                // Marks of emphasis.
                '*' | '_' => {}
                _ => character.to_lowercase().for_each(|small| self.push(small)),
            }
        }
    }

    fn push(&mut self, character: char) {
        self.text.push(character);
        self.characters += 1;
    }

    pub(super) fn refuses(&self) -> bool {
        !self.text.is_empty() && REFUSES.as_ref().is_some_and(|refuses| refuses.is_match(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(text: &str) -> bool {
        let mut beginning = Beginning::default();
        beginning.take(text);
        beginning.refuses()
    }

    #[test]
    fn refusals_are_told_in_every_language() {
        assert!(REFUSES.is_some());
        let said = [
            ("en", "I'm sorry, but I can't assist with that request."),
            ("en", "**Unfortunately**, I cannot provide specific medical advice."),
            ("en", "As an AI language model, I don't have access to real-time data."),
            ("en", "I don't know."),
            ("en", "I’m not sure what you mean. Could you say more?"),
            ("de", "Es tut mir leid, aber ich kann diese Frage nicht beantworten."),
            ("de", "Leider kann ich Ihnen dabei nicht helfen."),
            ("de", "Das weiß ich leider nicht."),
            ("fr", "Je suis désolé, mais je ne peux pas répondre à cette question."),
            ("fr", "Je ne peux malheureusement pas vous aider."),
            ("es", "Lo siento, pero no puedo ayudarte con eso."),
            ("es", "No tengo acceso a esa información."),
            ("it", "Mi dispiace, ma non posso rispondere a questa domanda."),
            ("it", "Purtroppo non sono in grado di aiutarti."),
            ("pt", "Desculpe, mas não posso ajudar com isso."),
            ("pt", "Infelizmente, eu não tenho informações sobre isso."),
            ("nl", "Het spijt me, maar ik kan die vraag niet beantwoorden."),
            ("nl", "Helaas kan ik u daar niet mee helpen."),
            ("pl", "Przykro mi, ale nie mogę odpowiedzieć na to pytanie."),
            ("pl", "Niestety nie jestem w stanie pomóc."),
            ("sv", "Tyvärr kan jag inte svara på den frågan."),
            ("sv", "Jag beklagar, men jag kan inte hjälpa dig med det."),
            ("da", "Beklager, men jeg kan ikke hjælpe med det."),
            ("da", "Det ved jeg desværre ikke."),
            ("no", "Beklager, men jeg kan ikke svare på det."),
            ("no", "Dessverre har jeg ingen informasjon om dette."),
            ("fi", "Valitettavasti en voi vastata tähän kysymykseen."),
            ("fi", "Olen pahoillani, mutta en pysty auttamaan siinä."),
            ("cs", "Omlouvám se, ale s tím vám nemohu pomoci."),
            ("cs", "Bohužel nemám přístup k těmto údajům."),
            ("ro", "Îmi pare rău, dar nu pot răspunde la această întrebare."),
            ("ro", "Din păcate, nu am acces la aceste date."),
            ("tr", "Üzgünüm, bu konuda yardımcı olamam."),
            ("tr", "Maalesef bu soruya cevap veremem."),
        ];
        for (language, text) in said {
            assert!(refuses(text), "{language}: {text}");
        }
        for phrases in &PHRASES {
            assert!(said.iter().any(|(language, _)| *language == phrases.language), "{}", phrases.language);
        }
    }

    #[test]
    fn ordinary_answers_do_not_refuse() {
        for text in [
            "The capital of France is Paris.",
            "I can't recommend this film enough: the acting is superb.",
            "I cannot help but admire how the bridge was built.",
            "I'm sorry for your loss. Here is a short letter of condolence you could send.",
            "Sorry, I can't make it on Friday; would Monday suit you?",
            "Dear Sir or Madam,\n\nI am unable to attend the meeting on 4 May. Could you send me the minutes?",
            "Unfortunately, the war lasted for thirty years.",
            "No, 51 is not prime: it is 3 times 17.",
            "You cannot help with that unless you have the key.",
            "I don't know why you say goodbye, I say hello.",
            "Here is a refusal you could send: \"I'm sorry, but I can't assist with that.\"",
            "Leider war das Wetter schlecht, und das Fest fiel aus.",
            "Ich kann das Buch nicht empfehlen: Die Figuren bleiben blass.",
            "Es tut mir leid zu hören, dass du krank bist. Gute Besserung!",
            "Je suis désolé de l'apprendre. Voici une lettre de condoléances.",
            "Je ne peux pas venir demain, mais je passerai lundi.",
            "Lo siento mucho por tu pérdida. Aquí tienes un texto breve.",
            "No puedo creer lo rápido que pasa el tiempo.",
            "Mi dispiace per il ritardo: il treno era fermo.",
            "Não posso viver sem música, disse ela.",
            "Helaas regende het de hele dag.",
            "Nie mogę się doczekać wakacji!",
            "Tyvärr regnade det hela dagen.",
            "Valitettavasti satoi koko päivän.",
            "Bohužel pršelo celý den.",
            "Din păcate a plouat toată ziua.",
            "Maalesef bütün gün yağmur yağdı.",
            "",
            "42",
        ] {
            assert!(!refuses(text), "{text}");
        }
    }

    #[test]
    fn only_the_beginning_counts() {
        let late = format!("{} I'm sorry, but I can't assist with that.", "The answer is long. ".repeat(20));
        assert!(!refuses(&late));
    }
}
