//! Words that small models take for names. Lists stay short and general: what the rules of form catch is not repeated.

/// Whether a word alone is never a person: months and weekdays, levels of logs, words of programming, and names of
/// software that read like names. Case is ignored.
pub(super) fn is_no_name(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let lower = bare.to_lowercase();
    NO_NAMES.iter().any(|list| list.split_ascii_whitespace().any(|known| known == lower))
}

const NO_NAMES: &[&str] = &[
    // Months and weekdays that are not names too; English, German, French, Spanish.
    "january february march july september october november december monday tuesday wednesday thursday friday \
     saturday sunday januar februar märz juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag \
     sonntag janvier février mars avril juin juillet août septembre octobre novembre décembre lundi mardi mercredi jeudi \
     vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre \
     lunes martes miércoles jueves viernes sábado domingo",
    // Levels and words of logs.
    "trace debug info notice warn warning error fatal critical null none nil nan true false todo fixme",
    // Words of programming.
    "api app async await bash bool char class const cpu css csv deny enum exec foo bar baz func get gpu html http https \
     impl init int ioctl json kernel len lib log main mod mutex param params parse pid post pub put regex repo return \
     rpc sdk self shell spawn sql src stderr stdin stdout str string struct sudo sys tcp test thread tmp toml tuple udp \
     uri url usage usize utf uuid var vec void xml yaml",
    // Software and services whose names read like names.
    "ansible apache aws azure bedrock chrome cilium curl debian django docker dynamodb elasticsearch envoy fedora \
     firefox flask gemini git github gitlab gradle grafana hadoop haskell helm istio java javascript jenkins jira kafka \
     keycloak kibana kotlin kubernetes kubectl laravel linux llama lua lucene maven memcached mistral mongodb mysql \
     nginx ollama openai opentelemetry oracle otel perl php postgres postgresql prometheus python pytorch rabbitmq rails \
     redis ripgrep rust scala sentry serde slack spark spring sqlite swagger swift tensorflow terraform tokio tonic \
     traefik typescript ubuntu vertex vim webpack wikipedia windows",
    // Greetings and exclamations.
    "hello hey hi hiya goodbye bye lol lmao haha thanks thx gotcha yes okay",
];

/// Whether a word is a particle inside a name, such as `van`.
pub(super) fn is_particle(word: &str) -> bool {
    matches!(
        word,
        "van"
            | "von"
            | "der"
            | "den"
            | "de"
            | "del"
            | "della"
            | "di"
            | "da"
            | "dos"
            | "das"
            | "do"
            | "la"
            | "le"
            | "du"
            | "des"
            | "el"
            | "al"
            | "bin"
            | "ibn"
            | "ben"
            | "ter"
            | "ten"
            | "te"
            | "zu"
            | "zum"
            | "zur"
            | "af"
            | "av"
            | "y"
            | "e"
            | "i"
            | "d'"
            | "dalla"
            | "los"
            | "las"
    ) || word.starts_with("al-")
        || word.starts_with("el-")
        || word.starts_with("d'")
        || word.starts_with("d’")
        || word.starts_with("l'")
}

/// Whether a word is the legal form or the trade of a company.
pub(super) fn is_company_suffix(word: &str) -> bool {
    matches!(
        word,
        "Ltd"
            | "Limited"
            | "LLC"
            | "LLP"
            | "LP"
            | "Inc"
            | "Incorporated"
            | "Corp"
            | "Corporation"
            | "Company"
            | "Co"
            | "PLC"
            | "plc"
            | "GmbH"
            | "AG"
            | "KG"
            | "mbH"
            | "SE"
            | "e.V"
            | "SA"
            | "S.A"
            | "SARL"
            | "SAS"
            | "SpA"
            | "Srl"
            | "S.r.l"
            | "SL"
            | "S.L"
            | "BV"
            | "B.V"
            | "NV"
            | "AB"
            | "AS"
            | "ApS"
            | "Oy"
            | "Sp"
            | "Pty"
            | "Pvt"
            | "Group"
            | "Holdings"
            | "Holding"
            | "Partners"
            | "Associates"
            | "Brothers"
            | "Bros"
            | "Sons"
            | "Daughters"
            | "Foods"
            | "Bank"
            | "Insurance"
            | "Solutions"
            | "Systems"
            | "Technologies"
            | "Industries"
            | "Enterprises"
            | "Consulting"
            | "Logistics"
            | "Ventures"
            | "Capital"
            | "Motors"
            | "Airlines"
            | "Pharma"
            | "Pharmaceuticals"
            | "University"
            | "College"
            | "Institute"
            | "Foundation"
            | "Hospital"
            | "Hotel"
    )
}

/// Whether the word before a name says that it is a project's.
pub(super) fn is_project_word(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    matches!(
        bare,
        "Project" | "project" | "Projekt" | "Projet" | "Proyecto" | "Progetto" | "Operation" | "Codename" | "codename"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_whole_words_in_lower_case() {
        for word in NO_NAMES.iter().flat_map(|list| list.split_ascii_whitespace()) {
            assert_eq!(word, word.to_lowercase(), "never matched");
        }
        assert!(is_no_name("ERROR:") && is_no_name("Monday") && !is_no_name("Anna") && !is_no_name(""));
        // Months and weekdays that are given names too stay possible.
        assert!(!is_no_name("April") && !is_no_name("May") && !is_no_name("June") && !is_no_name("August"));
    }
}
